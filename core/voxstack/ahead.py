"""The next sentence's first chunk, made by a worker while the present sentence plays."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextvars import Context
from typing import final

from voxstack.tensors import Chunk, Sentence

Opened = Callable[[int, Sentence], Iterator[Chunk]]


@final
class SentenceAhead:
    """One sentence ahead and no more, so that a slow reader holds memory flat."""

    def __init__(
        self, sentences: Iterator[Sentence], opened: Opened, index: int, context: Context
    ) -> None:
        self._sentences, self._opened, self._index = sentences, opened, index
        self._known = threading.Event()  # whether there is a next sentence
        self._lock = threading.Lock()
        self._closed = False
        self._chunks: Iterator[Chunk] | None = None
        self._first: Chunk | None = None
        self._error: BaseException | None = None
        # A daemon: it may wait for a writer who never comes, which must not keep the process.
        self._worker = threading.Thread(
            target=context.copy().run, args=(self._run,), name="voxstack-ahead", daemon=True
        )
        self._worker.start()

    def _run(self) -> None:
        try:
            sentence = next(self._sentences, None)
            if sentence is None:
                return
            chunks = self._opened(self._index, sentence)
            self._chunks = chunks
            self._known.set()
            first = next(chunks, None)
            with self._lock:
                self._first = first
                if self._closed:
                    chunks.close()  # type: ignore[attr-defined]
        except BaseException as error:
            self._error = error
        finally:
            self._known.set()

    def is_end(self, wait: bool) -> bool:
        """Tell whether it is known that no sentence follows; ``wait`` until it is."""
        if wait:
            self._known.wait()
        return self._known.is_set() and self._chunks is None and self._error is None

    def take(self) -> tuple[Iterator[Chunk] | None, Chunk | None]:
        """Wait for the worker and give the sentence's chunks and the first of them.

        (None, None) when there is no further sentence; raises what the worker met.
        """
        self._worker.join()
        if self._error is not None:
            raise self._error
        return self._chunks, self._first

    def close(self) -> None:
        """Let go of the sentence: the worker frees it when its chunk is done."""
        with self._lock:
            self._closed = True
            running = self._worker.is_alive() and self._first is None
        if not running and self._chunks is not None:
            self._worker.join()
            self._chunks.close()  # type: ignore[attr-defined]
