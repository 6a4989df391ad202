"""Measure what calls gain from being batched, once, when a network is loaded."""

from __future__ import annotations

import os
import time
from bisect import bisect_left
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, final

from attrs import frozen
from voxstack import Program

from .layout import Layout

SIZES = (8, 32, 128)  # of the dimension that a network runs along
OTHERS = 64  # the size of other named dimensions
BUDGET_S = 0.09  # seconds of trials per network, without the first run of each shape
TRIAL_S = 0.002  # seconds for which a trial repeats short calls
WINS = 3  # of five alternating trials, those that must gain
WORTH = 1.1  # a smaller gain is within the noise
SWITCH_S = 100e-6  # the cost of putting a call in line and waking its thread


@final
@frozen
class Choice:
    """How many calls make a batch, and how many batches run side by side."""

    batch: int = 1
    lanes: int = 1


@final
@frozen
class Gains:
    """The choice for each of ``SIZES``; sizes are rounded up, as larger calls gain less."""

    choices: tuple[Choice, ...] = (Choice(),) * len(SIZES)

    def of(self, size: int) -> Choice:
        """Return the choice for calls of this size."""
        return self.choices[min(bisect_left(SIZES, size), len(SIZES) - 1)]

    @property
    def shown(self) -> dict[str, str]:
        """The choices, for a log."""
        pairs = zip(SIZES, self.choices, strict=True)
        return {f"size_{size}": f"{c.batch} together, {c.lanes} lanes" for size, c in pairs}

    @property
    def any(self) -> bool:
        """Whether calls of any size gain."""
        return any(choice.batch > 1 for choice in self.choices)


def measured(program: Program, layout: Layout, largest: int) -> Gains:
    """Time single and batched calls on zeros, from one thread and from one per processor."""
    threads = min(os.cpu_count() or 1, largest)
    with ThreadPoolExecutor(threads) as pool:
        trials = _Trials(program, layout, pool)
        one = trials.rate(SIZES[1], 1, 1)
        many = any(trials.rate(SIZES[1], 1, threads) >= WORTH * one for _ in range(WINS))
        trials.left = BUDGET_S
        lanes = (1, threads) if many else (1,)
        # The largest first, as most calls are large; a size not measured in time is not batched.
        choices = [_choice(trials, size, lanes, largest) for size in reversed(SIZES)]
        return Gains(tuple(reversed(choices)))


def _choice(trials: _Trials, size: int, lanes: tuple[int, ...], largest: int) -> Choice:
    """Return the best batch of those tried, if batches of two beat single calls too, in turns.

    Few streams make small batches, which must gain too; larger ones are tried only if they do.
    """
    alone = {n: trials.rate(size, 1, n) for n in lanes}
    single = max(alone.values())
    tried: dict[Choice, float] = {}
    for n in lanes:
        for batch in sorted({2, 4, 8, 16, largest}):
            if batch <= largest:
                choice = Choice(batch, min(n, max(1, 2 * largest // batch)))
                rate = trials.rate(size, choice.batch, choice.lanes)
                if rate < WORTH * single or not single:
                    break
                tried[choice] = rate
    if not tried:
        return Choice()
    enough = 0.95 * max(tried.values())  # calls wait less for a smaller batch
    best = min((c for c, rate in tried.items() if rate >= enough), key=lambda c: c.batch)
    won = lost = 0
    while max(won, lost) < WINS:
        serial = trials.rate(size, 1, lanes[-1])
        gains = serial > 0 and trials.rate(size, 2, best.lanes) >= WORTH * serial
        won, lost = won + gains, lost + (not gains)
    return best if won == WINS else Choice()


@final
class _Trials:
    """Runs calls of any size until the time is spent."""

    def __init__(self, program: Program, layout: Layout, pool: ThreadPoolExecutor) -> None:
        self._program, self._layout, self._pool = program, layout, pool
        self._first_s: dict[tuple[int, int], float] = {}  # first run, by size and batch
        self._alone_s: dict[int, float] = {}  # single call, by size
        self.left = BUDGET_S

    def rate(self, size: int, batch: int, lanes: int) -> float:
        """Return calls per second; 0 if they cannot be run, or not in the time that is left."""
        if self.left < max(1e-9, batch * lanes * self._alone_s.get(size, 0.0)):
            return 0.0
        try:
            runs = [_ready(self._program, self._layout, size, batch) for _ in range(lanes)]
            if (size, batch) not in self._first_s:
                self._first_s[size, batch] = _timed(runs[0])
            times = max(1, round(TRIAL_S / self._first_s[size, batch]))
            seconds = _timed(lambda: [*self._pool.map(lambda run: _repeat(run, times), runs)])
        except Exception:  # for example, too much for the device: not batched
            return 0.0
        self.left -= seconds
        if batch == lanes == 1:
            self._alone_s[size] = seconds / times
        switches = times * batch * SWITCH_S if batch > 1 else 0.0
        return lanes * batch * times / (seconds + switches)


def _ready(program: Program, layout: Layout, size: int, batch: int) -> Callable[[], Any]:
    """Return a call, or the step of a session, to be repeated."""
    network = program.network
    inputs = layout.zeros({layout.along: size}, OTHERS)
    sizes = [layout.sizes(inputs)] * batch
    fed = {n: v for n, v in inputs.items() if layout.along in network.inputs[n].shape}
    call: Callable[[Any], Any] = program
    if network.state:
        constants = {n: v for n, v in inputs.items() if n not in fed}
        session = program.session(layout.stacked([constants] * batch))
        if batch > 1:
            session.state = program.stack([network.initial_state] * batch)
        call, inputs = session.step, fed
    if batch == 1:
        return lambda: call(inputs)
    return lambda: layout.apart(call(layout.stacked([inputs] * batch)), sizes)


def _timed(run: Callable[[], Any]) -> float:
    began = time.perf_counter()
    run()
    return time.perf_counter() - began


def _repeat(run: Callable[[], Any], times: int) -> None:
    for _ in range(times):
        run()
