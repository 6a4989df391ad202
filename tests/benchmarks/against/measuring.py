"""Measure the systems, in turns, in one run."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
from attrs import frozen

from against.jobs import Job
from against.listening import Heard
from against.processes import Running, System, cold

Key = tuple[str, int]  # kind and seconds of a job
Say = Callable[[str], None]
T = TypeVar("T")


@frozen
class Plan:
    """The number of measurements."""

    seconds: Sequence[int] = (1, 5, 10, 30)
    pages: Sequence[int] = (10, 30)
    streams: Sequence[int] = (1, 2, 4, 8, 16)
    rounds: int = 15
    cold_rounds: int = 3
    stream_rounds: int = 5

    @property
    def keys(self) -> list[Key]:
        """The jobs."""
        return [*(("sentence", s) for s in self.seconds), *(("page", s) for s in self.pages)]


QUICK = Plan((1, 10), (10,), (1, 4), 5, 1, 2)


def warm(
    running: Mapping[str, Running], jobs: Mapping[Key, Job], plan: Plan, rate: int, say: Say
) -> dict[tuple[str, Key], list[Heard]]:
    """Speak every job in turns; return the listeners' results per round."""
    found: dict[tuple[str, Key], list[Heard]] = {}
    warming = 2
    for number in range(-warming, plan.rounds):
        say(f"warm: round {max(number + 1, 0)} of {plan.rounds}")
        for key in plan.keys:
            for name in turned(list(running), number):
                heard = Heard.of(running[name].ask(do="speak", job=jobs[key])["chunks"], rate)
                if number >= 0:
                    found.setdefault((name, key), []).append(heard)
    return found


def from_cold(
    systems: Sequence[System], jobs: Mapping[Key, Job], folder: Path, plan: Plan, say: Say
) -> dict[tuple[str, int], list[tuple[float, float]]]:
    """Start every system for every length in turns; return (seconds to first audio, peak MB)."""
    found: dict[tuple[str, int], list[tuple[float, float]]] = {}
    for number in range(-1, plan.cold_rounds):  # the first one fills the disk's cache
        say(f"cold: round {number + 1} of {plan.cold_rounds}")
        for seconds in plan.seconds if number >= 0 else plan.seconds[:1]:
            for system in turned(systems, number):
                measured = cold(system, folder, jobs["sentence", seconds])
                if number >= 0:
                    found.setdefault((system.name, seconds), []).append(measured)
    return found


@frozen
class Together:
    """Streams that run at the same time."""

    streams: int
    throughput: float  # seconds of audio per second
    heard: Sequence[Heard]


def concurrent(
    running: Mapping[str, Running],
    job: Job,
    plan: Plan,
    rate: int,
    say: Say,
    ahead: float | None = None,
) -> dict[tuple[str, int], list[Together]]:
    """Start 1 to 16 utterances at once in every system, in turns.

    Audio is read as fast as it arrives, or by players that buffer ``ahead`` seconds.
    """
    found: dict[tuple[str, int], list[Together]] = {}
    player = None if ahead is None else {"ahead": ahead, "rate": rate}
    rounds = plan.stream_rounds if player is None else 1
    for number in range(-1 if player is None else 0, rounds):
        say(f"streams{', played' if player else ''}: round {number + 1} of {rounds}")
        for streams in plan.streams:
            for name in turned(list(running), number):
                answer = running[name].ask(do="together", job=job, streams=streams, player=player)
                if answer["errors"]:
                    raise RuntimeError(f"{name} with {streams} streams: {answer['errors'][0]}")
                heard = [Heard.of(pieces, rate) for pieces in answer["streams"]]
                speech = sum(one.speech for one in heard)
                if number >= 0:
                    together = Together(streams, speech / answer["seconds"], heard)
                    found.setdefault((name, streams), []).append(together)
    return found


def turned(items: Sequence[T], number: int) -> Iterator[T]:
    """Yield ``items``, starting at another one in each round."""
    at = number % len(items) if items else 0
    yield from items[at:]
    yield from items[:at]


def median(values: Iterable[float]) -> float:
    """Return the median."""
    return statistics.median(values)


def percentile(values: Iterable[float], share: float) -> float:
    """Return a percentile."""
    return float(np.percentile(list(values), share))
