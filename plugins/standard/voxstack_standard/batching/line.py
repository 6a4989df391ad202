"""The line in which the calls of one network wait and form batches.

No thread is started: callers are the threads of their streams. A call that waits either joins the
batch of the first in line, which *leads* it and hands out the results, or leads a batch itself. So
the line is never longer than the number of streams, and nothing has to be stopped at the end.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import Any, final

from voxstack import Tensors, current_utterance
from voxstack.utterance import Stopped

from .gains import Choice
from .layout import Sizes

LOOK_S = 0.02  # between two checks of the stop token while a call waits


@final
class Call:
    """A call of a network by one stream; calls with equal ``like`` may be batched.

    ``stream`` is the program, or the session: ``alone`` runs inputs, and ``together`` runs calls
    and sets their outputs.
    """

    def __init__(
        self, stream: Any, inputs: Mapping[str, Any], sizes: Sizes, like: Any, choice: Choice
    ) -> None:
        self.stream: Any = stream
        self.inputs, self.sizes, self.like, self.choice = inputs, sizes, like, choice
        self.utterance = current_utterance()
        # Calls of one stream are never batched, so that a stream alone makes the same bits.
        self.owner = id(self.utterance) if self.utterance else threading.get_ident()
        self.woken = threading.Event()
        self.leads = False  # its turn has come
        self.outputs: Tensors | None = None
        self.error: Exception | None = None

    def alone(self) -> Tensors:
        """Run it by itself."""
        made: Tensors = self.stream.alone(self.inputs)
        return made

    def result(self) -> Tensors:
        """Return its outputs from a batch; run it alone if its leader was interrupted."""
        if self.error is not None:
            raise self.error
        return self.alone() if self.outputs is None else self.outputs


@final
class Line:
    """The callers of one network.

    A call runs at once if a lane is free and no call waits. Otherwise it joins the line; when a
    lane becomes free, the first in line leads a batch with similar calls, first come, first
    served. A call that has waited for ``wait_s`` runs alone.
    """

    def __init__(self, wait_s: float) -> None:
        self._wait_s = wait_s
        self._lock = threading.Lock()
        self._running = 0  # lanes in use
        self._most: int | None = None  # calls in a batch, once one was too much for the device
        self.waiting: list[Call] = []  # in order of arrival

    def enter(self, lanes: int) -> bool:
        """Take a lane for a call that runs alone; False unless one is free and no call waits."""
        with self._lock:
            free = not self.waiting and self._running < lanes
            self._running += free
            return free

    def end(self) -> None:
        """Free a lane."""
        with self._lock:
            self._running -= 1
            self._next()

    def run(self, call: Call) -> Tensors:
        """Run ``call``, in a batch or alone; raises its error, or Stopped if that came first."""
        with self._lock:
            self.waiting.append(call)
            if self.waiting[0] is call:
                self._next()
        try:
            in_time = call.leads or self._wait(call)
        except BaseException:
            if not self._leave(call) and call.leads:  # its turn came meanwhile: pass it on
                self.end()
            raise
        if not in_time:
            return call.alone()
        return self._lead(call) if call.leads else call.result()

    def _wait(self, call: Call) -> bool:
        """Wait to lead or to be batched; return False if neither happens in time."""
        end = time.monotonic() + self._wait_s
        while not call.woken.wait(LOOK_S):
            if call.utterance is not None and call.utterance.stopped:
                raise Stopped("the utterance was stopped while it waited for its turn")
            if time.monotonic() >= end and self._leave(call):
                return False
        return True

    def _leave(self, call: Call) -> bool:
        with self._lock:
            there = call in self.waiting
            if there:
                self.waiting.remove(call)
                self._next()
            return there

    def _lead(self, call: Call) -> Tensors:
        calls = [call]
        try:
            calls += self._taken_along(call)
            if len(calls) == 1:
                return call.alone()
            self._run_together(calls)
            return call.result()
        finally:
            self.end()
            for one in calls[1:]:
                one.woken.set()

    def _taken_along(self, leader: Call) -> list[Call]:
        """Take from the line the calls to batch with ``leader``, at most one per stream."""
        taken: dict[int, Call] = {}
        with self._lock:
            for one in self.waiting:
                if one.like == leader.like and one.owner != leader.owner:
                    taken.setdefault(one.owner, one)
            calls = [*taken.values()][: (self._most or leader.choice.batch) - 1]
            self.waiting = [one for one in self.waiting if one not in calls]
            self._next()
        return calls

    def _run_together(self, calls: list[Call]) -> None:
        """Run a batch; if it fails, run each call alone, so that only the faulty one fails."""
        try:
            calls[0].stream.together(calls)
        except Exception:
            for call in calls:
                try:
                    call.outputs = call.alone()
                except Exception as error:
                    call.error = error
            if not any(call.error for call in calls):  # no call is faulty: the batch was too large
                self._most = max(1, len(calls) // 2)

    def _next(self) -> None:
        """Hand free lanes to the first in line; the caller holds the lock."""
        while self.waiting and self._running < self.waiting[0].choice.lanes:
            self._running += 1
            first = self.waiting.pop(0)
            first.leads = True
            first.woken.set()
