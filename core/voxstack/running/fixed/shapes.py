"""Fixed shapes: what the host does if an executor wants every call to have the same shapes.

The network is loaded, and run once, for each bucket of sizes before the first request; a call is
padded with masked zeros up to the smallest bucket that holds it, and its outputs are cut back.
The model masks, the host pads.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping
from typing import Any, final

import numpy as np

from voxstack.errors import NetworkError
from voxstack.executors import Buckets, Program, Session, WrappedSession
from voxstack.networks import MASK, Network
from voxstack.running.declared import Declared
from voxstack.running.fixed.buckets import chosen, frames_of, varying
from voxstack.tensors import Array, Tensors
from voxstack.utterance import current_utterance

Load = Callable[[Network], Program]  # loads a network all of whose dimensions are fixed
Sizes = Mapping[str, int]  # of named dimensions


@final
class FixedShapes(Program):
    """A network on an executor with static shapes; called with any."""

    def __init__(self, network: Network, load: Load, given: Buckets, executor: str) -> None:
        self.network = network
        self._name = f"the network {network.qualified_name!r}"
        self._load, self.executor = load, executor
        self._varying = varying(network)
        for dimension in self._varying:
            if not {MASK, f"{dimension}_{MASK}"} & network.inputs.keys():
                raise NetworkError(
                    f"{self._name} has no {MASK!r} input (nor '{dimension}_{MASK}'), so its "
                    f"{dimension!r} cannot be padded to fixed shapes; export it with one, or "
                    "choose a dynamic executor"
                )
        self._buckets = chosen(network, given)
        self._along = frames_of(network)
        largest = self._buckets[self._along][-1] if self._along else None
        self.step = largest if network.state else None
        self.longest = None if network.state else largest
        self._require_room(largest)
        each = ([(name, size) for size in self._buckets[name]] for name in self._varying)
        self._programs = {sizes: self._warmed(dict(sizes)) for sizes in itertools.product(*each)}

    def _require_room(self, largest: int | None) -> None:
        """Refuse windows that would hold nothing but context."""
        context = self.network.context
        if context is None or largest is None or largest > (around := context.left + context.right):
            return
        raise NetworkError(
            f"{self._name} reads {context.left} {self._along} before and {context.right} after "
            f"those that are wanted, which the largest fixed shape ({largest}) does not hold; "
            f'give "buckets": {{"{self.network.name}.{self._along}": [{around + 1} or more]}}'
        )

    def _warmed(self, sizes: Sizes) -> tuple[Program, Declared]:
        """Load, and run once on zeros: some runtimes compile, or capture, at the first call."""
        network = self.network.fixed({"batch": 1, **sizes})
        program, declared = self._load(network), Declared(network)
        inputs: dict[str, Any] = {n: spec.zeros() for n, spec in network.inputs.items()}
        if MASK in inputs:
            inputs[MASK] = np.ones_like(inputs[MASK])
        if network.state:
            shapes = {name: self.network.inputs[name].shape for name in network.consumes}
            constants = {n: inputs.pop(n) for n, s in shapes.items() if self._along not in s}
            session = program.session(constants)
            outputs = session.step({n: inputs[n] for n in inputs if n not in network.state})
        else:
            outputs = program(inputs)
        declared.require_declared(outputs, inputs, self.executor)
        return program, declared

    def __call__(self, inputs: Mapping[str, Array]) -> Tensors:
        """Pad to a bucket, run, and cut back."""
        sizes = self._sizes(inputs)
        buckets = {name: self._bucket(name, size) for name, size in sizes.items()}
        padded = {n: self._padded(n, np.asarray(value), buckets) for n, value in inputs.items()}
        program, declared = self._program(buckets)
        outputs = program(padded)
        declared.require_declared(outputs, padded, self.executor)
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
        program, declared = self._program({**steps, **buckets})
        return _FixedSession(self, program.session(padded), declared, sizes, buckets)

    def _program(self, buckets: Sizes) -> tuple[Program, Declared]:
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
            f"{self._name} is called with {size} {dimension} at once, more than its largest fixed "
            f"shape ({self._buckets[dimension][-1]}); give the executor a larger one: "
            f'"buckets": {{"{dimension}": [{size}]}}'
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
        """Cut an output back; a dimension that no input has counts ``frame_ratio`` per frame."""
        index: list[slice] = []
        for dimension in self.network.outputs[name].shape:
            size = None
            if isinstance(dimension, str) and dimension != "batch":
                frames = sizes[self._along or self._varying[-1]]
                size = sizes.get(dimension, frames * self.network.frame_ratio)
            index.append(slice(size))
        return value[tuple(index)]


@final
class _FixedSession(WrappedSession):
    """A session whose outputs are cut back along the dimensions of its padded constants."""

    def __init__(
        self, shapes: FixedShapes, inner: Session, declared: Declared, sizes: Sizes, buckets: Sizes
    ) -> None:
        super().__init__(inner)
        self._shapes, self._declared = shapes, declared
        self._used, self._computed = math.prod(sizes.values()), math.prod(buckets.values())
        self._cuts = {
            name: tuple(slice(sizes.get(d) if isinstance(d, str) else None) for d in spec.shape)
            for name, spec in shapes.network.outputs.items()
            if not sizes.keys().isdisjoint(spec.shape)
        }

    def step(self, inputs: Mapping[str, Array]) -> Tensors:
        """Feed consecutive frames."""
        outputs = self._inner.step(inputs)
        self._declared.require_declared(outputs, inputs, self._shapes.executor)
        utterance = current_utterance()
        if utterance is not None:
            mask = inputs.get(MASK)
            real, all_ = (1, 1) if mask is None else (np.count_nonzero(mask), np.size(mask))
            used, computed = int(self._used * real), int(self._computed * all_)
            utterance.record_padding(self._shapes.network.name, used, computed)
        cut = {n: np.asarray(outputs[n])[index] for n, index in self._cuts.items() if n in outputs}
        return Tensors({**outputs, **cut})
