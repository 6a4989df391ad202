"""The next sentence's first chunk, made by a worker while the present sentence plays."""

from __future__ import annotations

import atexit
import threading
from collections.abc import Callable, Iterator
from contextvars import Context
from queue import Empty, SimpleQueue
from typing import final

from voxstack.tensors import Chunk, Sentence
from voxstack.utterance import Stopped, current_utterance

Opened = Callable[[int, Sentence], Iterator[Chunk]]

PATIENCE_S = 0.05  # between two looks at the stop token, while no text comes
IDLE_S = 10.0  # how long a worker waits for more to do


class _Workers:
    """Threads that are kept for a while, because starting one costs as much as a small network.

    Daemons: one may wait for a writer who never comes, which must not keep the process.
    """

    def __init__(self) -> None:
        self._jobs: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._lock = threading.Lock()
        self._free = 0  # workers that wait, less the jobs that wait for them

    def submit(self, job: Callable[[], None]) -> None:
        """Run ``job`` soon, on a thread of its own for as long as it takes."""
        with self._lock:
            self._free -= 1
            start = self._free < 0
            if start:
                self._free += 1
        if start:
            threading.Thread(
                target=self._work, args=(job,), name="voxstack-ahead", daemon=True
            ).start()
        else:
            self._jobs.put(job)

    def _work(self, job: Callable[[], None]) -> None:
        while True:
            job()
            del job
            with self._lock:
                self._free += 1
            try:
                job = self._jobs.get(timeout=IDLE_S)
            except Empty:
                with self._lock:
                    if self._free > 0:
                        self._free -= 1
                        return
                job = self._jobs.get()  # promised to this worker between the two


_workers = _Workers()


@final
class SentenceAhead:
    """One sentence ahead and no more, so that a slow reader holds memory flat."""

    def __init__(
        self, sentences: Iterator[Sentence], opened: Opened, index: int, context: Context
    ) -> None:
        self._sentences, self._opened, self._index = sentences, opened, index
        self._known = threading.Event()  # whether there is a next sentence
        self._done = threading.Event()
        self._lock = threading.Lock()
        self._closed = False
        self._chunks: Iterator[Chunk] | None = None
        self._first: Chunk | None = None
        self._error: BaseException | None = None
        copy = context.copy()  # a context serves one thread at a time
        _workers.submit(lambda: copy.run(self._run))

    def _run(self) -> None:
        try:
            sentence = next(self._sentences, None)
            with self._lock:
                if sentence is None or self._closed:
                    return
                _computing.add(self)
            self._chunks = self._opened(self._index, sentence)
            self._known.set()
            self._first = next(self._chunks, None)
        except BaseException as error:
            self._error = error
        finally:
            self._done.set()
            self._known.set()
            _computing.discard(self)

    def is_end(self, wait: bool) -> bool:
        """Tell whether it is known that no sentence follows; ``wait`` until it is."""
        if wait:
            self._known.wait()
        return self._known.is_set() and self._chunks is None and self._error is None

    def take(self) -> tuple[Iterator[Chunk] | None, Chunk | None]:
        """Wait for the worker and give the sentence's chunks and the first of them.

        (None, None) when there is no further sentence; raises what the worker met.
        """
        utterance = current_utterance()
        while not self._done.wait(PATIENCE_S):
            if utterance is not None and utterance.stopped:
                raise Stopped("the utterance was stopped while it waited for text")
        if self._error is not None:
            raise self._error
        return self._chunks, self._first

    def close(self) -> None:
        """Let go of the sentence, when the chunk that a worker is at is done.

        A worker that still waits for text is left to itself: it will make nothing.
        """
        with self._lock:
            self._closed = True
        if self in _computing:
            self._done.wait()
        if self._chunks is not None:
            self._chunks.close()  # type: ignore[attr-defined]


# A thread that is inside a runtime's C++ when the interpreter goes away takes the process down.
_computing: set[SentenceAhead] = set()


def _wait_for_chunks() -> None:
    for ahead in list(_computing):
        ahead.close()


atexit.register(_wait_for_chunks)
