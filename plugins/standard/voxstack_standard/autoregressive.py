"""Attention models: each step feeds the next, and the model decides how long it speaks."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Iterator
from typing import final

import numpy as np
from attrs import field, frozen
from attrs.validators import ge, gt
from voxstack import (
    BlockError,
    Chunk,
    Mark,
    Network,
    Program,
    Schedule,
    StreamableBlock,
    Tensors,
    network,
)
from voxstack.logs import get_logger

from .pitch_controls import PitchControls

log = get_logger("autoregressive")

BATCH = "batch"
DECISIONS = ("stop", "place")  # outputs of a step that are not frames


@frozen
class AutoregressiveDecoder(StreamableBlock):
    """Text to acoustic features by a network with attention over the encodings, step by step.

    The network has state and no inputs at frame rate: its other inputs are constants of the
    sentence (``encodings`` [1, C, symbols], ``text_mask`` [1, symbols]), which stay with the states
    in the executor's session. A step makes a few frames (the outputs with a fixed last axis, but
    ``stop`` and ``place``), ``stop`` [1, 1], a logit, and ``place`` [1, 1], the symbol that it has
    reached. If the network makes ``voicing``, ``voiced`` [1, frames], 1 or 0, is added.

    Speech ends with the step whose ``stop`` is above the threshold. A model may never reach that,
    so two guards end it: it has made as many frames as the text can take, or it has stayed on one
    symbol (or behind the last) for too long. A guard that fires is logged as a warning that names
    the word, and is a mark of kind ``guard`` in the last chunk.

    The controls ``pitch`` and ``pitch_range`` change ``f0``, which is not fed back. ``rate`` is not
    read: the model alone decides how fast it speaks, so its addon declares no such control, unless
    another block reads it.
    """

    network: Program = network(role="decoder")  # default: the one with the role decoder
    stop_threshold: float = 0.0  # the logit above which speech ends
    most: float = field(default=24.0, validator=gt(0.0))  # frames per symbol of the sentence
    stall: int = field(default=100, validator=ge(1))  # frames within which it must reach a symbol
    schedule: Schedule = Schedule()  # frames per chunk; derived by the host

    @property
    def consumes(self) -> Collection[str]:
        """The constants that the network attends to."""
        return self.network.network.consumes

    @property
    def produces(self) -> Collection[str]:
        """The frames that the network makes, and ``voiced``."""
        try:
            names, _ = frames_of_a_step(self.network.network)
        except BlockError:  # reported by problems()
            names = self.network.network.produces
        return (*names, "voiced") if "voicing" in names else names

    def problems(self, available: Collection[str]) -> Iterable[str]:
        """Yield missing tensors, and why the network cannot be stepped."""
        yield from super().problems(available)
        try:
            frames_of_a_step(self.network.network)
        except BlockError as error:
            yield error.message

    def stream(self, sequence: Tensors, upstream: Iterator[Chunk] | None) -> Iterator[Chunk]:
        """Yield frames; ``upstream`` is not read, as this block begins a row."""
        speech = _Speech(self, sequence)
        start = 0
        for size in self.schedule:
            while not speech.ended and speech.made < start + size:
                speech.step()
            end = min(start + size, speech.made)
            last = speech.ended and end == speech.made
            tensors = speech.taken(end - start)
            if "voicing" in tensors:
                tensors["voiced"] = (tensors["voicing"] > 0).astype(np.float32)
            yield Chunk(tensors, start, last, speech.marks(None if last else end))
            if last:
                return
            start = end


def frames_of_a_step(network: Network) -> tuple[tuple[str, ...], int]:
    """Return the outputs that are frames, and how many a step makes, as the network declares."""
    name = f"the network {network.qualified_name!r}"
    if not network.state:
        raise BlockError(f"{name} has no state; each step must follow from the one before")
    for decision in DECISIONS:
        if decision not in network.produces:
            raise BlockError(f"{name} has no output {decision!r}, which ends speech")
    lengths = {n: network.outputs[n].shape[-1] for n in network.produces if n not in DECISIONS}
    lengths = {n: length for n, length in lengths.items() if isinstance(length, int)}
    if len(set(lengths.values())) != 1:
        there = ", ".join(f"{n!r} has {length}" for n, length in lengths.items()) or "none"
        raise BlockError(f"{name} must make the same number of frames in all outputs: {there}")
    if not _over_text(network):
        raise BlockError(f"{name} has no input over the symbols of the text to attend to")
    return tuple(lengths), next(iter(lengths.values()))


def _over_text(network: Network) -> list[str]:
    """Return the constants with one place per symbol."""
    last = {n: network.inputs[n].shape[-1] for n in network.consumes}
    return [n for n, dimension in last.items() if isinstance(dimension, str) and dimension != BATCH]


@final
class _Speech:
    """The state of one sentence."""

    def __init__(self, block: AutoregressiveDecoder, sequence: Tensors) -> None:
        network = block.network.network
        self._block = block
        self._sequence = sequence
        self._names, self._stride = frames_of_a_step(network)
        self._pitch = PitchControls.of(sequence)
        constants = {name: sequence[name] for name in network.consumes}
        self._symbols = np.shape(constants[_over_text(network)[0]])[-1]
        # Made and not yet taken; empty at first, so that there is always something to join.
        self._frames = {n: [network.outputs[n].zeros()[..., :0]] for n in self._names}
        self._unreached = deque(sorted(sequence.marks, key=lambda mark: mark.start))
        self._begun: list[Mark] = []  # reached and not yet taken, in frames
        self._reached = 0.0  # the farthest place in the text
        self._moved_from = 0.0, 0  # place and frame of its last move by a symbol
        self.made = 0  # frames
        self.ended = False
        if self._symbols:
            self._session = block.network.session(constants)
        else:
            self._end()

    def step(self) -> None:
        """Run the next step."""
        outputs = Tensors(self._session.step({}))
        for name in self._names:
            frames = np.asarray(outputs[name])
            self._frames[name].append(self._pitch(frames) if name == "f0" else frames)
        # Bounded by the last symbol; NaN moves nothing.
        self._reached = max(self._reached, min(outputs.scalar("place"), float(self._symbols)))
        while self._unreached and self._unreached[0].start < self._reached:
            self._begun.append(self._unreached.popleft().moved(self.made))
        self.made += self._stride
        if self._reached >= self._moved_from[0] + 1:
            self._moved_from = self._reached, self.made
        if outputs.scalar("stop") > self._block.stop_threshold:
            self._end()
        elif self.made + self._stride > self._block.most * self._symbols:
            self._guard("too long")
        elif self.made - self._moved_from[1] >= self._block.stall:
            self._guard("stalled")

    def taken(self, count: int) -> dict[str, np.ndarray]:
        """Remove and return the next ``count`` frames."""
        taken = {}
        for name, parts in self._frames.items():
            frames = np.concatenate(parts, axis=-1)
            taken[name], self._frames[name] = frames[..., :count], [frames[..., count:]]
        return taken

    def marks(self, end: int | None) -> tuple[Mark, ...]:
        """Remove and return the marks that begin before frame ``end``; None: all."""
        marks = [mark for mark in self._begun if end is None or mark.start < end]
        self._begun = self._begun[len(marks) :]
        return tuple(marks)

    def _end(self) -> None:
        """End speech; marks that were never reached begin at the last frame."""
        self.ended = True
        last = max(0, self.made - 1)
        self._begun += [mark.moved(last) for mark in self._unreached]

    def _guard(self, reason: str) -> None:
        """End speech that does not end by itself, with a warning and a mark."""
        self._end()
        words = [m for m in self._sequence.marks if m.kind == "word" and m.start < self._reached]
        word = max(words, key=lambda mark: mark.start, default=None)
        log.warning(
            "endless speech was cut short",
            reason=reason,
            frames=self.made,
            word=word.value if word else None,
            place=round(self._reached, 1),
            symbols=self._symbols,
        )
        self._begun.append(Mark("guard", reason, self.made - 1, word.span if word else None))
