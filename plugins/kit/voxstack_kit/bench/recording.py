"""An executor that records the calls of another one, to repeat them without the host."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, final

from attrs import evolve, field, frozen
from voxstack import Executor, Frontend, Network, Program, Sentence, Tensors, Voice

Call = tuple[Program, Mapping[str, Any]]


@final
@frozen(eq=False)
class Recording(Executor):
    """Runs networks on ``executor`` and records each call while it is ``on``."""

    executor: Executor
    calls: list[Call] = field(factory=list)
    on: threading.Event = field(factory=threading.Event)

    @property
    def formats(self) -> tuple[str, ...]:  # type: ignore[override]
        """The formats of the wrapped executor."""
        return self.executor.formats

    def load(self, network: Network) -> Program:
        """Load on the wrapped executor."""
        return _Recorded(self.executor.load(network), self)

    def record(self, work: Callable[[], object]) -> list[Call]:
        """Return the calls that ``work`` makes."""
        self.calls.clear()
        self.on.set()
        work()
        self.on.clear()
        return list(self.calls)


@final
class _Recorded(Program):
    """A program that records its calls."""

    def __init__(self, program: Program, recording: Recording) -> None:
        self.network = program.network
        self._program, self._recording = program, recording

    def __call__(self, inputs: Mapping[str, Any]) -> Tensors:
        if self._recording.on.is_set():
            self._recording.calls.append((self._program, dict(inputs)))
        return self._program(inputs)


@final
@frozen(eq=False)
class ReadySentences(Frontend):
    """A frontend that returns prepared sentences."""

    ready: tuple[Sentence, ...]

    def sentences(self, text: Iterable[str]) -> Iterator[Sentence]:
        """Return the prepared sentences."""
        return iter(self.ready)


def replay(calls: Iterable[Call]) -> None:
    """Call the programs directly, in a loop."""
    for program, inputs in calls:
        program(inputs)


def with_ready_text(voice: Voice, text: str) -> Voice:
    """Return the voice with the sentences of ``text`` prepared."""
    ready = tuple(voice.built.frontend.sentences([text]))
    built = evolve(voice.built, frontend=ReadySentences(ready))
    return Voice(voice.addon, built, voice.defaults)
