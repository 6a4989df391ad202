"""Streams: the chunks of one utterance, made as they are asked for."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextvars import copy_context
from typing import Any, final

import attrs
import numpy as np
from attrs import frozen

from voxstack.errors import BlockError
from voxstack.running.joining import Joined, sentences_of
from voxstack.tensors import Chunk, Tensors
from voxstack.utterance import Stopped, Utterance, UtteranceReport, set_current

AHEAD_S = 1.0  # seconds of a sentence that are made before the next one is begun


@final
@frozen(eq=False)
class Request:
    """What a stream was asked for."""

    text: str | Iterable[str]
    inputs: Mapping[str, Any]  # sequence tensors that stay the same through the utterance
    frames: tuple[int, ...]  # chunk sizes
    seed: int


@final
class Stream:
    """The chunks of one utterance, made as they are asked for.

    An iterator and a context manager. ``close()`` frees what the utterance held, within one
    chunk; ``cancel()`` asks for that from any thread and does not wait.
    """

    def __init__(self, voice: Any, request: Request) -> None:
        self.voice = voice  # the Voice that speaks
        self.report: UtteranceReport | None = None  # when it has ended
        self._utterance = Utterance(voice.name, request.seed)
        self._began = time.perf_counter()
        self._first: float | None = None
        self._samples = self._chunks = 0
        self._lock = threading.Lock()
        self._context = copy_context()
        self._context.run(set_current, self._utterance)
        built, whole = voice.built, isinstance(request.text, str)
        pieces = iter((request.text,) if isinstance(request.text, str) else request.text)
        self._joined = Joined(
            built,
            sentences_of(built, pieces, voice.limits),
            request.inputs,
            request.frames,
            self._context,
            whole,
            int(AHEAD_S * voice.sample_rate) if whole else 0,
        ).chunks()
        # What runs over the whole utterance gets the controls, not one sentence's tensors.
        inputs = Tensors(request.inputs)
        self._generator = self._context.run(built.behind.stream, inputs, self._joined)
        voice.announce("voxstack_utterance_began", voice=voice, utterance=self._utterance)

    def __iter__(self) -> Iterator[Chunk]:
        return self

    def __next__(self) -> Chunk:
        with self._lock:
            try:
                chunk = self._checked(self._context.run(next, self._generator))
            except StopIteration:
                self._end(complete=True)
                raise
            except Stopped:
                self._end(complete=False)
                raise StopIteration from None
            except BaseException:
                self._end(complete=False)
                raise
        if "audio" in chunk and len(chunk):
            if self._first is None:
                self._first = time.perf_counter() - self._began
            self._samples += len(chunk)
        self._chunks += 1
        return chunk

    def _checked(self, chunk: Chunk) -> Chunk:
        """Return the audio as it is promised; BlockError if the stack made something else."""
        if "audio" not in chunk or not len(chunk):
            return chunk
        audio = np.asarray(chunk["audio"])
        wrong = None
        if audio.ndim != 2 or audio.shape[0] != 1 or audio.dtype.kind != "f":
            wrong = f"is {audio.dtype} {list(audio.shape)}, expected float32 [1, T]"
        elif not np.isfinite(np.vdot(audio, audio)) and not np.isfinite(audio).all():
            wrong = "has numbers that are not finite"
        if wrong is not None:
            blocks = self.voice.built.blocks
            by = f"{type(blocks[-1]).__name__} made it so, or passed it on"
            raise BlockError(f"the audio of the stack {wrong}: {by}", f"/stack/{len(blocks) - 1}")
        if audio is chunk["audio"] and audio.dtype == np.float32:
            return chunk
        return chunk.replace(audio=audio.astype(np.float32))

    def cancel(self) -> None:
        """Ask to stop at the next chunk; any thread may call this. The reader's loop ends."""
        self._utterance.stop()

    def close(self) -> None:
        """Stop, and free what the utterance held; waits for a chunk that is being made."""
        self._utterance.stop()
        with self._lock:
            self._end(complete=False)

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        # If a reader just stops, the sentence ahead must not go on.
        utterance = getattr(self, "_utterance", None)
        if utterance is not None:
            utterance.stop()

    def _end(self, complete: bool) -> None:
        if self.report is not None:
            return
        try:
            self._context.run(self._generator.close)
        finally:
            try:
                self._context.run(self._joined.close)  # type: ignore[attr-defined]
            finally:
                self._report(complete)

    def _report(self, complete: bool) -> None:
        networks = {name: attrs.asdict(timing) for name, timing in self._utterance.timings.items()}
        self.report = UtteranceReport(
            self.voice.name,
            self._samples / self.voice.sample_rate,
            self._first,
            time.perf_counter() - self._began,
            self._chunks,
            complete,
            networks,
        )
        self.voice.announce("voxstack_utterance_ended", voice=self.voice, report=self.report)
