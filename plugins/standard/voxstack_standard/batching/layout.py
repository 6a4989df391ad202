"""Stack calls of one network along the batch axis, and split their outputs again."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any, final

import numpy as np
from voxstack import Network, NetworkError, Tensors
from voxstack.networks import MASK

Array = Any
Sizes = Mapping[str, int]  # of named dimensions

BATCH = "batch"


@final
class Layout:
    """Which calls of a network may be batched, and how.

    Dimensions over which the network has a mask (``mask``, or ``DIMENSION_mask``) are padded at
    their end with zeros, masks too: the model masks, the host pads. Calls are batched if these
    sizes are within a third of each other. All other dimensions must be equal, among them the
    frames of a step: a padded step would leave an inexact state.
    """

    def __init__(self, network: Network) -> None:
        self._network, inputs = network, network.inputs
        shapes = [spec.shape for spec in (*inputs.values(), *network.outputs.values())]
        self.batches = bool(inputs) and all(shape[:1] == (BATCH,) for shape in shapes)
        last = [inputs[n].shape[-1:] for n in (MASK, *network.consumes) if n in inputs]
        named = [d for (d,) in filter(None, last) if isinstance(d, str) and d != BATCH]
        self.along = named[0] if named else ""  # the dimension that the network runs along
        padded = {d for d in named if f"{d}_{MASK}" in inputs}
        whole = MASK in inputs and not network.state
        self._padded = padded | {self.along} if whole else padded - {self.along}

    def sizes(self, inputs: Mapping[str, Array]) -> dict[str, int]:
        """Return the sizes of the named dimensions of ``inputs``, without the batch."""
        sizes: dict[int | str, int] = {}
        for name, value in inputs.items():
            sizes.update(zip(self._network.inputs[name].shape, np.shape(value), strict=True))
        return {d: size for d, size in sizes.items() if isinstance(d, str) and d != BATCH}

    def like(self, sizes: Sizes) -> Hashable:
        """Return a key that is equal for the sizes of calls that may be batched."""
        return frozenset((d, _rung(n) if d in self._padded else n) for d, n in sizes.items())

    def zeros(self, sizes: Sizes, others: int) -> dict[str, Array]:
        """Return inputs of these sizes, without states: masks of ones, all else zeros."""
        network = self._network
        names = {d for spec in network.inputs.values() for d in spec.shape if isinstance(d, str)}
        fixed = network.fixed({**dict.fromkeys(names, others), **sizes, BATCH: 1}).inputs
        zeros = {n: fixed[n].zeros() for n in fixed if n not in network.state}
        return {n: np.full_like(v, n.endswith(MASK)) for n, v in zeros.items()}

    def stacked(self, calls: Sequence[Mapping[str, Array]]) -> dict[str, Array]:
        """Return inputs side by side, the shorter ones padded to the longest."""
        stacked = {}
        for name in calls[0]:
            arrays = [np.asarray(call[name]) for call in calls]
            longest = np.max([array.shape[1:] for array in arrays], axis=0)
            if any(array.shape[1:] != tuple(longest) for array in arrays):
                pads = [[(0, 0), *((0, n) for n in longest - a.shape[1:])] for a in arrays]
                arrays = [np.pad(a, pad) for a, pad in zip(arrays, pads, strict=True)]
            stacked[name] = np.concatenate(arrays)
        return stacked

    def apart(self, outputs: Mapping[str, Array], calls: Sequence[Sizes]) -> list[Tensors]:
        """Return the outputs of each call, cut to its sizes.

        The rows are copies: a slow reader of one must not hold the others' memory. NetworkError
        for shapes that do not follow from the inputs as the manifest declares; they could not be
        split.
        """
        longest = {d: max(sizes[d] for sizes in calls) for d in calls[0]}
        rows: list[Tensors] = [Tensors() for _ in calls]
        for name, value in outputs.items():
            array = np.asarray(value)
            spec = self._network.outputs[name].shape[1:]
            expected = (len(calls), *self._shape(spec, longest))
            if array.shape != expected:
                raise NetworkError(
                    f"the network {self._network.qualified_name!r} made {name!r} of shape "
                    f"{list(array.shape)} from {len(calls)} calls, expected {list(expected)}"
                )
            for index, sizes in enumerate(calls):
                cut = (slice(size) for size in self._shape(spec, sizes))
                rows[index][name] = array[(slice(index, index + 1), *cut)].copy()
        return rows

    def _shape(self, spec: Iterable[int | str], sizes: Sizes) -> list[int]:
        """Return a shape; a dimension that no input has counts ``frame_ratio`` per frame."""
        made = sizes.get(self.along, 1) * self._network.frame_ratio
        return [d if isinstance(d, int) else sizes.get(d, made) for d in spec]


def _rung(size: int) -> int:
    """Round up to 1, 2, 3, 4, 6, 8, 12, 16, ..., so that less than a third is padding."""
    power = 1 << max(0, (size - 1).bit_length())
    return power * 3 // 4 if size * 4 <= power * 3 and power >= 4 else power
