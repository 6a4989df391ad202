"""Where the calls of one network meet: who runs now, who waits, and who runs for whom.

No thread is started: callers are the threads of their streams. One that waits is either taken
along by the first in line, who *leads* the batch and hands out what it made, or leads itself. So
the line is never longer than there are streams, and nothing is left to stop when it is closed.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import Any, final

from voxstack import Tensors, current_utterance
from voxstack.utterance import Stopped

from .batching_gains import Choice
from .batching_tensors import Sizes

LOOK_S = 0.02  # between two looks at the stop token, while a call waits


@final
class Call:
    """A call of a network by one stream; ``like`` is equal for those that may go together.

    ``stream`` is the program, or the session: it runs inputs ``alone``, and calls
    ``together``, whose outputs it sets.
    """

    def __init__(
        self, stream: Any, inputs: Mapping[str, Any], sizes: Sizes, like: Any, choice: Choice
    ) -> None:
        self.stream: Any = stream
        self.inputs, self.sizes, self.like, self.choice = inputs, sizes, like, choice
        self.utterance = current_utterance()
        # Calls of one stream never go together: what a stream makes alone is the same bits.
        self.owner = id(self.utterance) if self.utterance else threading.get_ident()
        self.woken = threading.Event()
        self.leads = False  # it is its turn
        self.outputs: Tensors | None = None
        self.error: Exception | None = None

    def alone(self) -> Tensors:
        """Run it by itself."""
        made: Tensors = self.stream.alone(self.inputs)
        return made

    def result(self) -> Tensors:
        """Give what came of it in a batch; it runs alone if its leader was interrupted."""
        if self.error is not None:
            raise self.error
        return self.alone() if self.outputs is None else self.outputs


@final
class Line:
    """The callers of one network.

    A call runs at once if a lane is free and nobody waits. Else it joins the line; when a lane
    becomes free the first in line leads and takes along those like it, first come, first served.
    Who has waited ``wait_s`` runs alone.
    """

    def __init__(self, wait_s: float) -> None:
        self._wait_s = wait_s
        self._lock = threading.Lock()
        self._running = 0  # lanes that are taken
        self._most: int | None = None  # calls together, once a batch was too much for the device
        self.waiting: list[Call] = []  # in order of arrival

    def enter(self, lanes: int) -> bool:
        """Take a lane for a call that runs alone, if one is free and nobody waits."""
        with self._lock:
            free = not self.waiting and self._running < lanes
            self._running += free
            return free

    def end(self) -> None:
        """Give a lane back."""
        with self._lock:
            self._running -= 1
            self._next()

    def run(self, call: Call) -> Tensors:
        """Run ``call``, with others or alone; raises what it met, or Stopped if that came first."""
        with self._lock:
            self.waiting.append(call)
            if self.waiting[0] is call:
                self._next()
        try:
            in_time = call.leads or self._wait(call)
        except BaseException:
            if not self._leave(call) and call.leads:  # it was its turn in between: pass it on
                self.end()
            raise
        if not in_time:
            return call.alone()
        return self._lead(call) if call.leads else call.result()

    def _wait(self, call: Call) -> bool:
        """Wait for a turn, or to be taken along; False if neither came in time."""
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
        """Take those from the line who may go with this one, at most one of each stream."""
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
        """Run a batch; if it fails each of them alone, so that only the guilty one fails."""
        try:
            calls[0].stream.together(calls)
        except Exception:
            for call in calls:
                try:
                    call.outputs = call.alone()
                except Exception as error:
                    call.error = error
            if not any(call.error for call in calls):  # nobody's fault: it was too much at once
                self._most = max(1, len(calls) // 2)

    def _next(self) -> None:
        """Give free lanes to the first in line; the caller has the lock."""
        while self.waiting and self._running < self.waiting[0].choice.lanes:
            self._running += 1
            first = self.waiting.pop(0)
            first.leads = True
            first.woken.set()
