"""Interleaved timing."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Sequence
from typing import final

from attrs import frozen


@final
@frozen
class Comparison:
    """Two ways to do the same, timed in turns."""

    ours: tuple[float, ...]  # seconds
    theirs: tuple[float, ...]  # seconds

    @property
    def ratio(self) -> float:
        """The median of ours over the median of theirs."""
        return statistics.median(self.ours) / statistics.median(self.theirs)

    def summary(self) -> dict[str, float | int]:
        """Return medians in milliseconds, and the number of turns."""
        return {
            "ours_ms": round(statistics.median(self.ours) * 1e3, 3),
            "theirs_ms": round(statistics.median(self.theirs) * 1e3, 3),
            "turns": len(self.ours),
        }


def timed(work: Callable[[], object]) -> float:
    """Return the seconds that ``work`` takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def interleaved(
    ours: Callable[[], float], theirs: Callable[[], float], turns: int, warm: int = 2
) -> Comparison:
    """Measure two functions that return seconds, in turns, alternating which comes first."""
    for _ in range(warm):
        ours(), theirs()
    mine: list[float] = []
    other: list[float] = []
    enabled = gc.isenabled()
    gc.disable()
    try:
        for turn in range(turns):
            order: Sequence[tuple[list[float], Callable[[], float]]] = (
                (mine, ours),
                (other, theirs),
            )
            for times, function in order if turn % 2 else reversed(order):
                times.append(function())
    finally:
        if enabled:
            gc.enable()
    return Comparison(tuple(mine), tuple(other))
