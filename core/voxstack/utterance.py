"""The utterance that is being spoken: its stop token and its timings.

A voice runs its generators in a context that holds the utterance, so that a block, a program or a
wrapping executor finds it without a parameter. Blocks keep no state of an utterance.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, final

from attrs import define, field, frozen

from voxstack.errors import VoxstackError


class Stopped(VoxstackError):  # noqa: N818 - it is a signal, not a fault
    """The utterance was stopped from another thread."""


@final
@define
class NetworkTiming:
    """What one network cost an utterance."""

    calls: int = 0
    seconds: float = 0.0
    used: int = 0  # with fixed shapes: positions that were asked for
    computed: int = 0  # with fixed shapes: positions that were computed, padding included


@final
@define(eq=False)
class Utterance:
    """One call of ``voice.stream``."""

    voice: str
    seed: int = 0
    timings: dict[str, NetworkTiming] = field(factory=dict)
    stopped: bool = field(default=False, init=False)  # a stop was requested
    # Called with what ``record_padding`` counts, on the thread of the call; set by a trace.
    padding_seen: Callable[[str, int, int], None] | None = field(default=None, init=False)
    _lock: threading.Lock = field(factory=threading.Lock)

    def stop(self) -> None:
        """Ask the generators to stop at their next chunk; any thread may call this."""
        self.stopped = True

    def record(self, network: str, seconds: float) -> None:
        """Count one call of a network."""
        with self._lock:
            timing = self.timings.setdefault(network, NetworkTiming())
            timing.calls += 1
            timing.seconds += seconds

    def record_padding(self, network: str, used: int, computed: int) -> None:
        """Count positions that were computed only to fill a fixed shape."""
        with self._lock:
            timing = self.timings.setdefault(network, NetworkTiming())
            timing.used += used
            timing.computed += computed
        if self.padding_seen is not None:
            self.padding_seen(network, used, computed)


@final
@frozen
class UtteranceReport:
    """What the hook ``voxstack_utterance_ended`` receives."""

    voice: str
    audio_s: float  # seconds of audio handed out
    first_audio_s: float | None  # from the call to the first samples; None if there were none
    total_s: float  # from the call to the end, the reader's pauses included
    chunks: int
    complete: bool  # False if it was closed or stopped early, or failed
    networks: dict[str, Any]  # name -> {"calls", "seconds", "used", "computed"}


_current: ContextVar[Utterance | None] = ContextVar("voxstack_utterance", default=None)


def current_utterance() -> Utterance | None:
    """Return the utterance that the running code works for, or None."""
    return _current.get()


def set_current(utterance: Utterance | None) -> None:
    """Set the utterance of this context; a stream calls this in a context of its own."""
    _current.set(utterance)
