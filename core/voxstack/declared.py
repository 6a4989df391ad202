"""What a network declares, compared with what it is given and with what an executor makes of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import isfinite
from typing import Any, final

import numpy as np
from attrs import frozen

from voxstack.errors import MissingTensorError, NetworkError, did_you_mean
from voxstack.networks import MASK, Network, TensorSpec
from voxstack.tensors import Array


@final
class Declared:
    """The inputs and outputs of a network, ready to be compared at each call."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self._dtypes = {name: np.dtype(spec.dtype) for name, spec in network.inputs.items()}
        self._ranks = {name: len(spec.shape) for name, spec in network.inputs.items()}
        self._sizes = {name: _numbers(spec) for name, spec in network.inputs.items()}
        self._made = [_Made.of(network, name) for name in network.produces]

    def taken(
        self, inputs: Mapping[str, Array], names: Iterable[str], whole: bool = True
    ) -> dict[str, Array]:
        """Give the inputs of these ``names``, cast where that loses nothing.

        ``whole``: with a full mask, where none is given. NetworkError for what is not as it is
        declared, MissingTensorError for what is not there.
        """
        checked: dict[str, Array] = {}
        for name in names:
            dtype = self._dtypes.get(name)
            if dtype is None:
                hint = did_you_mean(name, self._dtypes)
                raise NetworkError(
                    f"the network {self.network.qualified_name!r} has no input {name!r}"
                    + (f" ({hint})" if hint else "")
                )
            if name not in inputs:
                if name == MASK and whole:
                    continue
                raise MissingTensorError(
                    name, inputs, f"inputs of the network {self.network.qualified_name!r}"
                )
            value = inputs[name]
            if (
                type(value) is not np.ndarray
                or value.dtype != dtype
                or value.ndim != self._ranks[name]
            ):
                value = self._cast(name, value, dtype)
            for axis, size in self._sizes[name]:
                if value.shape[axis] != size:
                    raise self._unfitting(name, value.shape)
            checked[name] = value
        if whole and MASK in self._dtypes and MASK not in checked:
            checked[MASK] = self._full_mask(checked)
        return checked

    def _cast(self, name: str, value: Array, dtype: np.dtype[Any]) -> Array:
        if getattr(value, "dtype", None) != dtype:
            array = np.asarray(value)
            if not np.can_cast(array.dtype, dtype, "same_kind"):
                raise NetworkError(
                    f"the network {self.network.qualified_name!r} takes {name!r} as {dtype}, "
                    f"not {array.dtype}"
                )
            value = array.astype(dtype)
        if len(np.shape(value)) != self._ranks[name]:
            raise self._unfitting(name, np.shape(value))
        return value

    def _unfitting(self, name: str, shape: Sequence[int]) -> NetworkError:
        return NetworkError(
            f"the network {self.network.qualified_name!r} takes {name!r} as "
            f"{list(self.network.inputs[name].shape)}, not {list(shape)}"
        )

    def _full_mask(self, inputs: Mapping[str, Array]) -> Array:
        """Give a mask of ones as long as the other inputs with the mask's time dimension."""
        time_name = self.network.inputs[MASK].shape[-1]
        for name, value in inputs.items():
            if self.network.inputs[name].shape[-1] == time_name:
                shape = np.shape(value)
                return np.ones((shape[0], shape[-1]), dtype=self._dtypes[MASK])
        raise NetworkError(
            f"the network {self.network.qualified_name!r} has a mask over {time_name!r} and no "
            "other input of that dimension"
        )

    def require_made(
        self, outputs: Mapping[str, Array], inputs: Mapping[str, Array], executor: str
    ) -> None:
        """Refuse outputs that the network does not declare so, or that are no numbers.

        NetworkError names the ``executor`` that made them of ``inputs``.
        """
        if not isinstance(outputs, Mapping):
            raise unlike(
                self.network, executor, f"gave {type(outputs).__name__}, expected voxstack.Tensors"
            )
        for made in self._made:
            name = made.name
            if name not in outputs:
                there = ", ".join(outputs) or "none"
                raise unlike(self.network, executor, f"gave no {name!r}; it gave: {there}")
            value = outputs[name]
            if type(value) is not np.ndarray:
                continue  # an executor's handle: what reads it looks at it
            if value.dtype != made.dtype:
                raise unlike(
                    self.network, executor, f"gave {name!r} as {value.dtype}, expected {made.dtype}"
                )
            if not made.fits(value.shape, inputs):
                wanted = list(self.network.outputs[name].shape)
                raise unlike(
                    self.network,
                    executor,
                    f"gave {name!r} as {list(value.shape)}, expected {wanted}",
                )
            # The sum of squares is finite if all are, and takes a part of the time of a look.
            flat = value.reshape(-1)
            if not isfinite(np.vdot(flat, flat)) and not np.isfinite(value).all():
                frames = np.flatnonzero(~np.isfinite(value).reshape(-1, value.shape[-1]).all(0))
                raise unlike(
                    self.network,
                    executor,
                    f"gave numbers in {name!r} that are not finite, from place {frames[0]} of "
                    f"{value.shape[-1]} along the last axis",
                )


def unlike(network: Network, executor: str, what: str) -> NetworkError:
    """Make the error of outputs that are not as a network declares them."""
    return NetworkError(
        f"the network {network.qualified_name!r} on {executor} {what}; try another executor, or "
        "check the addon: voxstack addon check"
    )


@final
@frozen
class _Made:
    """An output that a network makes for others, as it is declared."""

    name: str
    dtype: np.dtype[Any]
    rank: int
    sizes: tuple[tuple[int, int], ...]  # dimensions that are numbers: (axis, size)
    shared: tuple[tuple[int, str, int], ...]  # that an input has too: (axis, the input, its axis)

    @classmethod
    def of(cls, network: Network, name: str) -> _Made:
        spec = network.outputs[name]
        shared: dict[int, tuple[int, str, int]] = {}
        for axis, dimension in enumerate(spec.shape):
            for given in network.consumes if isinstance(dimension, str) else ():
                if dimension in (of := network.inputs[given].shape):
                    shared.setdefault(axis, (axis, given, of.index(dimension)))
        return cls(
            name, np.dtype(spec.dtype), len(spec.shape), _numbers(spec), tuple(shared.values())
        )

    def fits(self, shape: tuple[int, ...], inputs: Mapping[str, Array]) -> bool:
        """Tell whether a shape is what is declared, with these inputs."""
        if len(shape) != self.rank:
            return False
        for axis, size in self.sizes:
            if shape[axis] != size:
                return False
        for axis, name, of in self.shared:  # in a step, constants are not among the inputs
            if name in inputs and shape[axis] != inputs[name].shape[of]:
                return False
        return True


def _numbers(spec: TensorSpec) -> tuple[tuple[int, int], ...]:
    """Give the dimensions that are numbers: (axis, size)."""
    return tuple((axis, d) for axis, d in enumerate(spec.shape) if isinstance(d, int))
