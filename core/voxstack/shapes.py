"""Fixed shapes: what the host does where an executor wants every call to have the same shapes.

The network is loaded, and run once, for each bucket of sizes before the first request; a call is
padded with masked zeros up to the smallest bucket that holds it, and what comes out is cut back.
The model masks, the host pads.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, final

import numpy as np

from voxstack.buckets import Buckets, chosen, frames_of, varying
from voxstack.declared import unlike
from voxstack.errors import NetworkError
from voxstack.executors import Program, Session
from voxstack.networks import MASK, Network
from voxstack.tensors import Array, Tensors
from voxstack.utterance import current_utterance

Load = Callable[[Network], Program]  # loads a network all of whose dimensions are fixed
Sizes = Mapping[str, int]  # of named dimensions


@final
class FixedShapes(Program):
    """A network on an executor with static shapes; called with any."""

    def __init__(self, network: Network, load: Load, given: Buckets, executor: str) -> None:
        self.network = network
        self._executor = executor  # its name, for messages
        self._varying = varying(network)
        for dimension in self._varying:
            if not {MASK, f"{dimension}_{MASK}"} & network.inputs.keys():
                raise NetworkError(
                    f"the network {network.qualified_name!r} has no {MASK!r} input (nor "
                    f"'{dimension}_{MASK}'), so that its {dimension!r} cannot be padded to fixed "
                    "shapes; export it with one, or choose a dynamic executor"
                )
        self._buckets = chosen(network, given)
        self._along = frames_of(network)
        self._require_room()
        largest = self._buckets[self._along][-1] if self._along else None
        self.step = largest if network.state else None
        self.longest = None if network.state else largest
        # One program a bucket, all loaded and run before the first request.
        self._programs = {
            sizes: self._warmed(load, network.fixed({"batch": 1, **dict(sizes)}))
            for sizes in self._shapes()
        }

    def _require_room(self) -> None:
        """Refuse windows that would hold nothing but context."""
        context, along = self.network.context, self._along
        if context is None or along is None:
            return
        around, largest = context.left + context.right, self._buckets[along][-1]
        if largest <= around:
            raise NetworkError(
                f"the network {self.network.qualified_name!r} sees {context.left} {along} before "
                f"and {context.right} behind those that are asked for, which the largest fixed "
                f"shape ({largest}) does not hold: give the executor "
                f'"buckets": {{"{self.network.name}.{along}": [{around + 1} or more]}}'
            )

    def _shapes(self) -> list[tuple[tuple[str, int], ...]]:
        """Give every combination of the buckets of the dimensions."""
        each = ([(name, size) for size in self._buckets[name]] for name in self._varying)
        return list(itertools.product(*each))

    def _warmed(self, load: Load, network: Network) -> tuple[Program, Network]:
        """Load, and run once on zeros: some runtimes compile, or capture, at the first call."""
        program, fed = load(network), {}
        constants = {n: network.inputs[n].zeros() for n in network.consumes}
        if MASK in network.inputs:
            fed[MASK] = np.ones_like(network.inputs[MASK].zeros())
        if not network.state:
            given = {n: network.inputs[n].zeros() for n in network.state}
            self._require_shapes(network, program({**constants, **given, **fed}))
            return program, network
        for name in network.consumes:
            if self._along in self.network.inputs[name].shape:
                fed[name] = constants.pop(name)
        self._require_shapes(network, program.session(constants).step(fed))
        return program, network

    def _require_shapes(self, fixed: Network, outputs: Any) -> None:
        """Refuse what is not as long as it must be: cut back, it would look right."""
        wrong = partial(unlike, self.network, self._executor)
        if not isinstance(outputs, Mapping):
            raise wrong(f"gave {type(outputs).__name__}, expected voxstack.Tensors")
        for name in fixed.produces:
            if name not in outputs:
                raise wrong(f"gave no {name!r}; it gave: {', '.join(outputs) or 'none'}")
            shape = np.shape(outputs[name])
            if shape != fixed.outputs[name].shape:
                wanted = list(fixed.outputs[name].shape)
                raise wrong(f"gave {name!r} as {list(shape)}, expected {wanted}")

    def __call__(self, inputs: Mapping[str, Array]) -> Tensors:
        """Pad to a bucket, run, and cut back."""
        sizes = self._sizes(inputs)
        buckets = {name: self._bucket(name, size) for name, size in sizes.items()}
        padded = {n: self._padded(n, np.asarray(value), buckets) for n, value in inputs.items()}
        program, fixed = self._program(buckets)
        outputs = program(padded)
        self._require_shapes(fixed, outputs)
        utterance = current_utterance()
        if utterance is not None and sizes:
            used, computed = math.prod(sizes.values()), math.prod(buckets.values())
            utterance.record_padding(self.network.name, used, computed)
        return Tensors({n: self._cut(n, np.asarray(v), sizes) for n, v in outputs.items()})

    def session(self, constants: Mapping[str, Array]) -> Session:
        """Begin an utterance: constants are padded to a bucket; a step has ``step`` frames."""
        sizes = self._sizes(constants)
        buckets = {name: self._bucket(name, size) for name, size in sizes.items()}
        padded = {n: self._padded(n, value, buckets) for n, value in constants.items()}
        steps = {self._along: self.step} if self._along and self.step else {}
        program, fixed = self._program({**steps, **buckets})
        require = partial(self._require_shapes, fixed)
        return _FixedSession(self.network, program.session(padded), sizes, buckets, require)

    def _program(self, buckets: Sizes) -> tuple[Program, Network]:
        return self._programs[tuple((name, buckets[name]) for name in self._varying)]

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
        for bucket in self._buckets[dimension]:
            if size <= bucket:
                return bucket
        raise NetworkError(
            f"the network {self.network.qualified_name!r} is asked for {size} {dimension} at once, "
            f"more than its largest fixed shape ({self._buckets[dimension][-1]}); give the "
            f'executor a larger one: "buckets": {{"{dimension}": [{size}]}}'
        )

    def _padded(self, name: str, value: Array, buckets: Sizes) -> Array:
        """Fill up with zeros at the end of every dimension that varies; masks too."""
        spec = self.network.inputs[name].shape
        width = [
            (0, buckets.get(dimension, size) - size if isinstance(dimension, str) else 0)
            for dimension, size in zip(spec, np.shape(value), strict=True)
        ]
        return np.pad(np.asarray(value), width) if any(after for _, after in width) else value

    def _cut(self, name: str, value: Array, sizes: Sizes) -> Array:
        """Cut an output back; a dimension that no input has counts ``frame_ratio`` a frame."""
        index: list[slice] = []
        for dimension in self.network.outputs[name].shape:
            size = None
            if isinstance(dimension, str) and dimension != "batch":
                size = sizes.get(dimension)
                if size is None:
                    size = sizes[self._along or self._varying[-1]] * self.network.frame_ratio
            index.append(slice(size))
        return value[tuple(index)]


@final
class _FixedSession(Session):
    """A session whose outputs are cut back along the dimensions of its padded constants."""

    def __init__(
        self,
        network: Network,
        inner: Session,
        sizes: Sizes,
        buckets: Sizes,
        require_shapes: Callable[[Any], None],
    ) -> None:
        self._network, self._inner = network, inner
        self._require_shapes = require_shapes
        self._used = math.prod(sizes.values())
        self._computed = math.prod(buckets.values())
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
        self._require_shapes(outputs)
        utterance = current_utterance()
        if utterance is not None:
            mask = inputs.get(MASK)
            real, all_ = (1, 1) if mask is None else (np.count_nonzero(mask), np.size(mask))
            utterance.record_padding(
                self._network.name, int(self._used * real), int(self._computed * all_)
            )
        cut = {n: np.asarray(outputs[n])[index] for n, index in self._cuts.items() if n in outputs}
        return Tensors({**outputs, **cut})
