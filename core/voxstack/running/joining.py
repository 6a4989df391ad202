"""The sentences of an utterance, run one after the other and joined."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextvars import Context
from functools import partial
from itertools import chain
from typing import Any, final

import numpy as np

from voxstack.containers import locating
from voxstack.errors import BlockError, InputError
from voxstack.running.ahead import SentenceAhead
from voxstack.running.built import BuiltStack
from voxstack.running.fixed.splitting import split_to
from voxstack.tensors import Chunk, Sentence, Tensors


def sentences_of(
    built: BuiltStack, pieces: Iterator[str], limits: Mapping[str, int]
) -> Iterator[Sentence]:
    """Yield the frontend's sentences, split if they are longer than a fixed shape.

    An error of the frontend carries its place, one of the text's iterator passes unchanged.
    """
    faults: list[Exception] = []

    def read() -> Iterator[str]:
        try:
            for piece in pieces:
                if not isinstance(piece, str):
                    raise InputError(f"text comes in strings, not in {type(piece).__name__}")
                yield piece
        except Exception as error:
            faults.append(error)
            raise

    try:
        with locating("/frontend", built.frontend):
            for sentence in built.frontend.sentences(read()):
                if not isinstance(sentence, Sentence):
                    what = type(sentence).__name__
                    raise BlockError(f"yielded {what}, expected voxstack.Sentence")
                yield from split_to(sentence, limits) if limits else (sentence,)
    except Exception as error:
        if error.__cause__ in faults:
            raise error.__cause__ from None
        raise


@final
class Joined:
    """Runs the head of a stack once per sentence and numbers the chunks through the utterance.

    While one sentence plays, a thread makes the first chunk of the next, once ``ahead_after``
    samples of this one are made: before, its own next chunk is more urgent. ``whole``: all text
    is there, so that asking for the next sentence does not wait for a writer.
    """

    def __init__(
        self,
        built: BuiltStack,
        sentences: Iterator[Sentence],
        inputs: Mapping[str, Any],
        frames: tuple[int, ...],
        context: Context,
        whole: bool,
        ahead_after: int,
    ) -> None:
        self._built, self._sentences, self._inputs = built, sentences, inputs
        self._frames, self._context = frames, context
        self._whole, self._ahead_after = whole, ahead_after
        self._done = 0  # chunks
        self._index = 0  # of the sentence that begins next
        self._current: Iterator[Chunk] | None = None
        self._ahead: SentenceAhead | None = None

    def chunks(self) -> Iterator[Chunk]:
        """Yield the chunks of all sentences; one is made ahead and no more."""
        offset = 0
        try:
            first = self._begin()
            while self._current is not None:
                end = offset
                for chunk in chain(first, self._current):
                    end = offset + chunk.start + len(chunk)
                    self._done += 1
                    if chunk.last:
                        self._look_ahead()
                    last = chunk.last and self._is_end()
                    marks = tuple(mark.moved(mark.start + offset) for mark in chunk.marks)
                    yield chunk.replace(start=offset + chunk.start, last=last, marks=marks)
                    if last:
                        return
                    if chunk.last:
                        break
                    if end - offset >= self._ahead_after:
                        self._look_ahead()
                offset = end
                self._current.close()  # type: ignore[attr-defined]
                first = self._next()
            if self._index:
                yield Chunk({"audio": np.zeros((1, 0), dtype=np.float32)}, offset, last=True)
        finally:
            for generator in (self._ahead, self._current):
                if generator is not None:
                    generator.close()  # type: ignore[union-attr]

    def _begin(self) -> list[Chunk]:
        """Open the first sentence; return its first chunk if that was made by a thread."""
        if not self._whole:  # the reader must be free to stop while a writer is silent
            return self._next()
        sentence = next(self._sentences, None)
        if sentence is not None:
            self._current = self._opened(0, 0, sentence)
            self._index = 1
        return []

    def _next(self) -> list[Chunk]:
        """Open the next sentence and return its first chunk."""
        self._look_ahead()
        assert self._ahead is not None
        self._current, first = self._ahead.take()
        self._ahead = None
        self._index += self._current is not None
        return [] if first is None else [first]

    def _look_ahead(self) -> None:
        if self._ahead is None:
            # What was made plays on meanwhile: a later sentence begins with the size that the
            # schedule has reached. If text comes in pieces, the player may have run dry.
            after = self._done if self._whole else 0
            opened = partial(self._opened, self._index, after)
            self._ahead = SentenceAhead(self._sentences, opened, self._context)

    def _is_end(self) -> bool:
        return self._ahead is not None and self._ahead.is_end(wait=self._whole)

    def _opened(self, index: int, after: int, sentence: Sentence) -> Iterator[Chunk]:
        """Run the head for a sentence that begins after so many chunks."""
        head = self._built.planned(self._frames[min(after, len(self._frames) - 1) :])
        number = np.array([index], dtype=np.int64)
        tensors = {**sentence.tensors, **self._inputs, "sentence": number}
        return head.stream(Tensors(tensors, sentence.marks), None)
