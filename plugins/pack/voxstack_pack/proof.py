"""Check on an executor that a network does what its manifest promises."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import final

import numpy as np
from attrs import field, frozen
from voxstack import Chunk, Program, Schedule, Tensors, run_network
from voxstack.inspection import MASK

from voxstack_pack.errors import ExportError
from voxstack_pack.examples import (
    PADDING,
    Shapes,
    backwards,
    dimension,
    length,
    padded,
    paired,
    timed_inputs,
    with_garbage,
)
from voxstack_pack.running import Array, Arrays, Call

EXACT = 1e-5  # on one runtime: chunks, padding and batches against one call
CLOSE = 1e-4  # between runtimes, against eager, and with fixed shapes
CHUNKS = (1, 7, 64)  # frames; random sizes too
STEPS = 24  # of a network that feeds itself
ALL = 10**6  # frames of a chunk that holds any utterance


@final
@frozen
class Figures:
    """The differences between a network and its reference on one executor."""

    executor: str
    # Comparison -> the worst difference, relative to the largest value if that is above 1:
    # "reference", "chunks", "padding", "garbage", "batch".
    worst: Mapping[str, float] = field(factory=dict)
    skipped: str | None = None  # why nothing was compared


@final
class Proof:
    """The checks of one network on one executor."""

    def __init__(self, name: str, executor: str, static: bool, program: Program, time: str):
        self.name, self.executor, self.static = name, executor, static
        self.program, self.time = program, time
        network = program.network
        self.shapes: Shapes = {n: spec.shape for n, spec in network.inputs.items()}
        self.streamed = bool(network.state) or network.context is not None
        self.ratio, self.delay = network.frame_ratio, network.delay
        self.worst: dict[str, float] = {}
        self.rng = np.random.default_rng(0)

    def figures(self, reference: Call, examples: Sequence[Arrays]) -> Figures:
        """Compare at every example's length; ExportError for the first excessive difference."""
        feeds_itself = self.program.network.state and not timed_inputs(self._given(), self.time)
        for inputs in examples:
            if feeds_itself:
                self._steps(reference, inputs)
            else:
                self._utterance(reference, inputs)
        return Figures(self.executor, dict(self.worst))

    def _given(self) -> Shapes:
        """Return the inputs that are not states."""
        return {n: s for n, s in self.shapes.items() if n not in self.program.network.state}

    # Utterances -----------------------------------------------------------------------------

    def _utterance(self, reference: Call, inputs: Arrays) -> None:
        count = length(inputs, self._given(), self.time)
        inputs = {name: inputs[name] for name in self._given()}
        whole = self._whole(inputs)
        long = f"of {count} {self.time}"
        self._compare("reference", f"{long} differs from the original", whole, reference(inputs))
        if self.streamed:
            sizes = {str(n): (n,) for n in CHUNKS if n == 1 or n < count}
            sizes["random sizes"] = tuple(int(n) for n in self.rng.integers(1, 50, count))
            for what, schedule in sizes.items():
                chunked = self._stream(inputs, schedule)
                said = f"{long}, in chunks of {what}, differs from the whole"
                self._compare("chunks", said, chunked, whole)
        if self.static:
            return  # the host already pads, and the batch is always 1
        said = f"{long}, in a batch of 2, differs from a batch of 1"
        other = backwards(inputs, self._given())
        self._compare("batch", said, self._second(paired(other, inputs)), whole)
        if MASK not in self.shapes and f"{self.time}_{MASK}" not in self.shapes:
            return
        longer = padded(inputs, self._given(), self.time, PADDING)
        said = f"{long}, padded with zeros, differs from the unpadded"
        self._compare("padding", said, self._cut(self._direct(longer), count), whole)
        dirty = with_garbage(longer, self._given(), self.time, count, self.rng)
        said = f"{long}, with garbage in the padding, differs from the unpadded"
        self._compare("garbage", said, self._cut(self._direct(dirty), count), whole)

    def _whole(self, inputs: Arrays) -> Arrays:
        if not self.streamed:
            return self._arrays(self.program(inputs))
        return self._stream(inputs, (ALL,))

    def _stream(self, inputs: Arrays, sizes: tuple[int, ...]) -> Arrays:
        """Run the network as a voice does."""
        names = [n for n in timed_inputs(self._given(), self.time) if n != MASK]
        sequence = Tensors({n: v for n, v in inputs.items() if n not in names and n != MASK})
        chunks = list(
            run_network(
                self.program,
                sequence,
                self._upstream({n: inputs[n] for n in names}, sizes == (ALL,)),
                Schedule(sizes, wanted=frozenset()),
            )
        )
        return {
            n: np.concatenate([np.asarray(chunk[n]) for chunk in chunks if len(chunk)], -1)
            for n in self.program.network.produces
        }

    def _upstream(self, frames: Arrays, at_once: bool) -> Iterator[Chunk]:
        count = length(frames, {n: self.shapes[n] for n in frames}, self.time)
        start = 0
        while start < count:
            end = count if at_once else min(count, start + int(self.rng.integers(1, 30)))
            part = {name: value[..., start:end] for name, value in frames.items()}
            yield Chunk(part, start, end == count)
            start = end

    def _direct(self, inputs: Arrays) -> Arrays:
        """Call the network once on all frames and masks; flush the delay and remove it."""
        network = self.program.network
        batch = next(iter(inputs.values())).shape[0]
        states = {n: np.repeat(v, batch, 0) for n, v in network.initial_state.items()}
        flushed = padded(inputs, self._given(), self.time, self.delay)
        outputs = self._arrays(self.program({**flushed, **states}))
        return {n: outputs[n][..., self.delay * self.ratio :] for n in network.produces}

    def _second(self, batch: Arrays) -> Arrays:
        return {name: value[1:] for name, value in self._direct(batch).items()}

    def _cut(self, outputs: Arrays, count: int) -> Arrays:
        specs = self.program.network.outputs
        return {
            n: v[..., : count * self.ratio] if dimension(specs[n].shape) else v
            for n, v in outputs.items()
        }

    # Networks that feed themselves ----------------------------------------------------------

    def _steps(self, reference: Call, inputs: Arrays) -> None:
        """Compare single steps, each from the same state: free runs would drift apart."""
        network = self.program.network
        constants = {name: inputs[name] for name in self._given()}
        states: Arrays = {name: np.array(value) for name, value in network.initial_state.items()}
        for number in range(STEPS):
            expected = reference(constants | states)
            made = {name: expected[name] for name in network.produces}
            found, after = self._step(constants, states)
            where = f"of step {number}"
            self._compare("reference", f"{where} differs from the original", found, made)
            if not self.static:
                longer = constants
                for time in {dimension(shape) for shape in self._given().values()} - {None}:
                    longer = padded(longer, self._given(), str(time), PADDING)
                said = f"{where}, with padded constants, differs from the unpadded"
                self._compare("padding", said, self._step(longer, states)[0], found)
                alone = {n: np.zeros_like(v) for n, v in states.items()}
                twin = paired(constants | alone, constants | states)
                second = {n: v[1:] for n, v in self._arrays(self.program(twin)).items()}
                said = f"{where}, in a batch of 2, differs from a batch of 1"
                self._compare("batch", said, {n: second[n] for n in found}, found)
            states = after

    def _step(self, constants: Arrays, states: Arrays) -> tuple[Arrays, Arrays]:
        session = self.program.session({n: v for n, v in constants.items() if n != MASK})
        session.state = states  # type: ignore[misc]
        outputs = self._arrays(session.step({}))
        return outputs, self._arrays(session.state)

    # Comparing ------------------------------------------------------------------------------

    @staticmethod
    def _arrays(tensors: Mapping[str, object]) -> Arrays:
        return {name: np.asarray(value) for name, value in tensors.items()}

    def _compare(self, kind: str, what: str, found: Arrays, expected: Arrays) -> None:
        loose = kind == "reference" or self.static
        worst = compare(
            f"{what} on {self.executor}",
            {n: v for n, v in found.items() if n in expected},
            expected,
            CLOSE if loose else EXACT,
            lambda place: (
                f"{self.time[:-1] if self.time == 'frames' else 'position'} {place // self.ratio}"
            ),
        )
        self.worst[kind] = max(self.worst.get(kind, 0.0), worst)


def compare(
    what: str,
    found: Arrays,
    expected: Arrays,
    bound: float,
    place: Callable[[int], str],
) -> float:
    """Return the worst difference relative to the largest value or 1; ExportError above bound."""
    worst = 0.0
    for name, value in found.items():
        other = expected[name]
        if value.shape != other.shape:
            raise ExportError(
                f"output {name!r} {what}: its shape is {list(value.shape)}, not {list(other.shape)}"
            )
        if not value.size:
            continue
        # Rounding is relative: a log-mel of -9 has fewer decimals than audio below 1.
        scale = max(1.0, float(np.nan_to_num(np.abs(other)).max()))
        difference: Array = np.abs(value.astype(np.float64) - other) / scale
        difference = np.where(np.isfinite(difference), difference, np.inf)
        largest = float(difference.max())
        if not largest <= bound:
            at = int(np.unravel_index(int(difference.argmax()), value.shape)[-1])
            far = f"{largest * scale:.2g}" if np.isfinite(largest) else "NaN or infinity"
            raise ExportError(
                f"output {name!r} {what} by {far} at {place(at)} (at most {bound * scale:.1g})"
            )
        worst = max(worst, largest)
    return worst
