"""Fixed shapes: what the host does where an executor wants every call to have the same shapes.

The network is loaded once for each bucket of sizes; a call is padded with masked zeros up to the
smallest bucket that holds it, and what comes out is cut back. The model masks, the host pads.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import final

import numpy as np

from voxstack.errors import NetworkError
from voxstack.executors import Program, Session
from voxstack.networks import MASK, Network
from voxstack.tensors import Array, Tensors
from voxstack.utterance import current_utterance

BUCKETS = (16, 32, 64, 128, 256, 512, 1024, 2048)  # sizes of a dimension that varies
STEP = 32  # frames that a network with state is fed at a time

Load = Callable[[Network], Program]  # loads a network all of whose dimensions are fixed


@final
class FixedShapes(Program):
    """A network on an executor with static shapes; called with any."""

    def __init__(self, network: Network, load: Load) -> None:
        self.network = network
        self._load = load
        self._varying = sorted(
            {d for spec in network.inputs.values() for d in spec.shape if isinstance(d, str)}
            - {"batch"}
        )
        for dimension in self._varying:
            if not {MASK, f"{dimension}_{MASK}"} & network.inputs.keys():
                raise NetworkError(
                    f"the network {network.qualified_name!r} has no {MASK!r} input (nor "
                    f"'{dimension}_{MASK}'), so that its {dimension!r} cannot be padded to fixed "
                    "shapes; export it with one, or choose a dynamic executor"
                )
        self.step = STEP if network.state else None

    def __call__(self, inputs: Mapping[str, Array]) -> Tensors:
        """Pad to a bucket, run, and cut back."""
        sizes = self._sizes(inputs)
        buckets = {name: self._bucket(name, size) for name, size in sizes.items()}
        program = self._load(self.network.fixed({"batch": 1, **buckets}))
        padded = {n: self._padded(n, np.asarray(value), buckets) for n, value in inputs.items()}
        outputs = program(padded)
        utterance = current_utterance()
        if utterance is not None and self._varying:
            time_name = self._varying[-1]
            utterance.record_padding(self.network.name, sizes[time_name], buckets[time_name])
        return Tensors({n: self._cut(n, np.asarray(v), sizes) for n, v in outputs.items()})

    def session(self, constants: Mapping[str, Array]) -> Session:
        """Begin an utterance: constants are padded to a bucket; a step has ``step`` frames."""
        sizes = self._sizes(constants)
        buckets = {name: self._bucket(name, size) for name, size in sizes.items()}
        dimensions = {"batch": 1, **dict.fromkeys(self._varying, STEP), **buckets}
        padded = {n: self._padded(n, value, buckets) for n, value in constants.items()}
        session = self._load(self.network.fixed(dimensions)).session(padded)
        utterance = current_utterance()
        if utterance is not None:
            for name, size in sizes.items():
                utterance.record_padding(self.network.name, size, buckets[name])
        return _CutSession(self.network, session, sizes) if sizes else session

    def _sizes(self, inputs: Mapping[str, Array]) -> dict[str, int]:
        sizes: dict[str, int] = {}
        for name, value in inputs.items():
            for dimension, size in zip(
                self.network.inputs[name].shape, np.shape(value), strict=True
            ):
                if isinstance(dimension, str) and dimension != "batch":
                    sizes[dimension] = size
        return sizes

    def _bucket(self, dimension: str, size: int) -> int:
        for bucket in BUCKETS:
            if size <= bucket:
                return bucket
        raise NetworkError(
            f"the network {self.network.qualified_name!r} is asked for {size} {dimension} at once, "
            f"more than the largest fixed shape ({BUCKETS[-1]}); shorten the sentence"
        )

    def _padded(self, name: str, value: Array, buckets: Mapping[str, int]) -> Array:
        """Fill up with zeros at the end of every dimension that varies; masks too."""
        spec = self.network.inputs[name].shape
        width = [
            (0, buckets.get(dimension, size) - size if isinstance(dimension, str) else 0)
            for dimension, size in zip(spec, np.shape(value), strict=True)
        ]
        return np.pad(np.asarray(value), width) if any(after for _, after in width) else value

    def _cut(self, name: str, value: Array, sizes: Mapping[str, int]) -> Array:
        """Cut an output back; a dimension that no input has counts ``frame_ratio`` a frame."""
        index: list[slice] = []
        for dimension in self.network.outputs[name].shape:
            size = None
            if isinstance(dimension, str) and dimension != "batch":
                size = sizes.get(dimension)
                if size is None:
                    size = sizes[self._varying[-1]] * self.network.frame_ratio
            index.append(slice(size))
        return value[tuple(index)]


@final
class _CutSession(Session):
    """A session whose outputs are cut back along the dimensions of its padded constants."""

    def __init__(self, network: Network, inner: Session, sizes: Mapping[str, int]) -> None:
        self._inner = inner
        self._cuts = {
            name: tuple(slice(sizes.get(d) if isinstance(d, str) else None) for d in spec.shape)
            for name, spec in network.outputs.items()
            if not sizes.keys().isdisjoint(spec.shape)
        }

    @property
    def state(self) -> Mapping[str, Array]:
        """Where the session is, as the executor keeps it."""
        return self._inner.state

    @state.setter
    def state(self, state: Mapping[str, Array]) -> None:
        self._inner.state = state

    def step(self, inputs: Mapping[str, Array]) -> Tensors:
        """Feed consecutive frames."""
        outputs = self._inner.step(inputs)
        cut = {n: np.asarray(outputs[n])[index] for n, index in self._cuts.items() if n in outputs}
        return Tensors({**outputs, **cut})
