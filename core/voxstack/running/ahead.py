"""The next sentence's first chunk, made by a thread while the present sentence plays."""

from __future__ import annotations

import atexit
import threading
from collections.abc import Callable, Iterator
from contextvars import Context
from typing import final

from voxstack.tensors import Chunk, Sentence
from voxstack.utterance import Stopped, current_utterance

PATIENCE_S = 0.05  # between two looks at the stop token, while no text comes


@final
class SentenceAhead:
    """One sentence ahead and no more, so that a slow reader holds memory flat.

    Its thread is a daemon: it may wait for a writer who never continues, and must not keep the
    process.
    """

    def __init__(
        self,
        sentences: Iterator[Sentence],
        opened: Callable[[Sentence], Iterator[Chunk]],
        context: Context,
    ) -> None:
        self._sentences, self._opened = sentences, opened
        self._known = threading.Event()  # whether there is a next sentence
        self._done = threading.Event()
        self._lock = threading.Lock()
        self._closed = False
        self._chunks: Iterator[Chunk] | None = None
        self._first: Chunk | None = None
        self._error: BaseException | None = None
        run = context.copy().run  # a context serves one thread at a time
        threading.Thread(target=run, args=(self._run,), name="voxstack-ahead", daemon=True).start()

    def _run(self) -> None:
        try:
            sentence = next(self._sentences, None)
            with self._lock:
                if sentence is None or self._closed:
                    return
                _computing.add(self)
            self._chunks = self._opened(sentence)
            self._known.set()
            self._first = next(self._chunks, None)
        except BaseException as error:
            self._error = error
        finally:
            self._done.set()
            self._known.set()
            _computing.discard(self)

    def is_end(self, wait: bool) -> bool:
        """Return whether it is known that no sentence follows; ``wait`` until it is."""
        if wait:
            self._known.wait()
        return self._known.is_set() and self._chunks is None and self._error is None

    def take(self) -> tuple[Iterator[Chunk] | None, Chunk | None]:
        """Wait for the thread and return the sentence's chunks and the first of them.

        (None, None) if there is no further sentence; raises what the thread raised.
        """
        utterance = current_utterance()
        while not self._done.wait(PATIENCE_S):
            if utterance is not None and utterance.stopped:
                raise Stopped("the utterance was stopped while it waited for text")
        if self._error is not None:
            raise self._error
        return self._chunks, self._first

    def close(self) -> None:
        """Drop the sentence, when the chunk that the thread computes is done.

        A thread that still waits for text is left to itself: it will make nothing.
        """
        with self._lock:
            self._closed = True
        if self in _computing:
            self._done.wait()
        if self._chunks is not None:
            self._chunks.close()  # type: ignore[attr-defined]


# A thread inside a runtime's C++ code when the interpreter ends takes the process down.
_computing: set[SentenceAhead] = set()


def _wait_for_chunks() -> None:
    for ahead in list(_computing):
        ahead.close()


atexit.register(_wait_for_chunks)
