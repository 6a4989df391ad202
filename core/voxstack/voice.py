"""Voices: an addon built into a running stack, and the streams that it speaks."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextvars import Context, copy_context
from functools import partial
from typing import Any, final

import attrs
import numpy as np
from attrs import define, field

from voxstack.addon import Addon
from voxstack.ahead import SentenceAhead
from voxstack.audio import Audio
from voxstack.blocks import Frontend, StreamableBlock
from voxstack.containers import StreamableStack, chained, reraise
from voxstack.errors import BlockError, InputError, did_you_mean
from voxstack.programs import HostedProgram, load_all
from voxstack.schedule import DOUBLING, Schedule
from voxstack.splitting import cut_to
from voxstack.stack import BuiltStack
from voxstack.tensors import Chunk, Mark, Sentence, Tensors
from voxstack.utterance import Stopped, Utterance, UtteranceReport, set_current

ONE_PIECE = 1 << 30  # frames: more than any sentence has
MAX_PLANS = 64  # schedules that a voice remembers
AHEAD_S = 1.0  # seconds of a sentence that are made before the next one is begun

Announce = Callable[..., None]  # (hook, **arguments)


@final
@define(eq=False, repr=False)
class Voice:
    """An addon built into a running stack. Any number of threads may use it at once."""

    addon: Addon
    built: BuiltStack = field(repr=False)
    defaults: Mapping[str, Any] = field(factory=dict)  # controls set by the deployment
    _announce: Announce = field(default=lambda hook, **arguments: None, repr=False)
    _plans: dict[tuple[int, ...], StreamableStack] = field(factory=dict, init=False, repr=False)

    _limits: Mapping[str, int] | None = field(default=None, init=False, repr=False)

    def __repr__(self) -> str:
        return f"<Voice {self.name!r} {self.addon.manifest.version}>"

    @property
    def name(self) -> str:
        """The addon's name."""
        return self.addon.name

    @property
    def sample_rate(self) -> int:
        """Samples a second of the audio that it makes."""
        return self.addon.manifest.audio.sample_rate

    @property
    def controls(self) -> Mapping[str, Any]:
        """What can be chosen: speaker, rate, ... with the allowed values."""
        return self.addon.manifest.controls

    @property
    def programs(self) -> Sequence[HostedProgram]:
        """The networks that it runs."""
        return self.built.programs

    @property
    def loaded(self) -> bool:
        """Tell whether every network is loaded."""
        return all(program.loaded for program in self.programs)

    @property
    def limits(self) -> Mapping[str, int]:
        """The most symbols that a tensor of a sentence may have, where shapes are fixed."""
        if self._limits is None:
            limits: dict[str, int] = {}
            for program in self.programs:
                for name, most in program.limits().items():
                    limits[name] = min(most, limits.get(name, most))
            self._limits = limits
        return self._limits

    def load(self) -> None:
        """Load every network; ``Host.voice`` has done it."""
        load_all(self.programs)

    def warm_up(self) -> None:
        """Speak a short sentence to nobody, so that the first request finds all ready."""
        with self.stream(self.addon.manifest.sample or "a") as chunks:
            try:
                for _ in chunks:
                    pass
            except InputError:
                return  # a voice without a sample that "a" says nothing to

    def stream(
        self,
        text: str | Iterable[str],
        *,
        seed: int = 0,
        frames: Sequence[int] = DOUBLING,
        **controls: Any,
    ) -> Stream:
        """Speak ``text``: an iterator of chunks with ``audio`` [1, T], float32, full scale 1.

        ``text`` may come in pieces, as it arrives. ``frames`` are the chunk sizes, the last one
        repeating; the audio is the same whatever they are. ``controls`` are those of the voice.
        InputError for a control that is not allowed, and, at the first chunk, for text that
        holds nothing to speak.
        """
        inputs = self._inputs(seed, controls)
        if not isinstance(text, str) and (isinstance(text, bytes) or not hasattr(text, "__iter__")):
            raise InputError(
                f"text must be a string or an iterable of strings, not {type(text).__name__}"
            )
        self._planned(tuple(frames))  # refuses what are no chunk sizes
        return Stream(self, text, inputs, tuple(frames), seed)

    def _planned(self, frames: tuple[int, ...]) -> StreamableStack:
        """Give the part of the stack that runs once a sentence, planned for these chunk sizes."""
        head = self._plans.get(frames)
        if head is None:
            try:
                schedule = Schedule(frames or DOUBLING)
            except ValueError as error:
                raise InputError(f"frames: {error}") from None
            head, _ = StreamableStack(self.built.head).planned(schedule)
            if len(self._plans) < MAX_PLANS:
                self._plans[frames] = head
        return head

    def synthesize(self, text: str | Iterable[str], *, seed: int = 0, **controls: Any) -> Audio:
        """Speak ``text`` whole, a sentence in one piece: the same audio as streamed."""
        parts: list[Any] = []
        marks: list[Mark] = []
        with self.stream(text, seed=seed, frames=(ONE_PIECE,), **controls) as chunks:
            for chunk in chunks:
                parts.append(np.asarray(chunk["audio"], dtype=np.float32)[0])
                marks.extend(chunk.marks)
        samples = np.concatenate(parts) if parts else np.zeros(0, dtype=np.float32)
        return Audio(samples, self.sample_rate, tuple(marks))

    def _inputs(self, seed: int, chosen: Mapping[str, Any]) -> dict[str, Any]:
        """Make the sequence tensors that stay the same through the utterance."""
        known = self.controls
        for name in chosen:
            if name not in known:
                hint = did_you_mean(name, known) or f"it has: {', '.join(known) or 'none'}"
                raise InputError(f"the voice {self.name!r} has no control {name!r} ({hint})")
        if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 1 << 32:
            raise InputError(f"seed must be a whole number from 0 to {(1 << 32) - 1}, not {seed!r}")
        inputs: dict[str, Any] = {"seed": np.array([seed], dtype=np.int64)}
        for name, control in known.items():
            value = chosen.get(name)
            if value is None:
                value = self.defaults.get(name)
            number = control.tensor_value(name, value)
            dtype = np.int64 if isinstance(number, int) else np.float32
            inputs[name] = np.array([number], dtype=dtype)
        return inputs


@final
class Stream:
    """The chunks of one utterance, made as they are asked for.

    An iterator and a context manager. ``close()`` frees what the utterance held, within one
    chunk; ``cancel()`` asks for that from any thread and does not wait.
    """

    def __init__(
        self,
        voice: Voice,
        text: str | Iterable[str],
        inputs: Mapping[str, Any],
        frames: tuple[int, ...],
        seed: int,
    ) -> None:
        self.voice = voice
        self.report: UtteranceReport | None = None  # when it has ended
        self._utterance = Utterance(voice.name, seed)
        self._began = time.perf_counter()
        self._first: float | None = None
        self._samples = self._chunks = 0
        self._lock = threading.Lock()
        self._context: Context = copy_context()
        self._context.run(set_current, self._utterance)
        pieces = (text,) if isinstance(text, str) else text
        sentences = _sentences(voice.built.frontend, pieces, voice.limits)
        whole = isinstance(text, str)

        def head(done: int) -> StreamableStack:
            # What has been made plays on meanwhile: a later sentence begins with the size that the
            # schedule has come to. Where text comes in pieces, the player may have run dry.
            return voice._planned(frames[min(done, len(frames) - 1) :] if whole else frames)

        ahead_after = int(AHEAD_S * voice.sample_rate) if whole else 0
        joined = _joined(sentences, inputs, head, self._context, whole, ahead_after)
        # What runs over the whole utterance sees the controls, not one sentence's tensors.
        self._generator = chained(
            voice.built.tail, Tensors(inputs), joined, first=len(voice.built.head)
        )
        self._joined = joined
        voice._announce("voxstack_utterance_began", voice=voice, utterance=self._utterance)

    def __iter__(self) -> Iterator[Chunk]:
        return self

    def __next__(self) -> Chunk:
        with self._lock:
            try:
                chunk: Chunk = self._context.run(next, self._generator)
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
            chunk = self._checked(chunk)
            if self._first is None:
                self._first = time.perf_counter() - self._began
            self._samples += len(chunk)
        self._chunks += 1
        return chunk

    def _checked(self, chunk: Chunk) -> Chunk:
        """Give the audio as it is promised; BlockError if the stack made something else."""
        audio = np.asarray(chunk["audio"])
        wrong = None
        if audio.ndim != 2 or audio.shape[0] != 1 or audio.dtype.kind != "f":
            wrong = f"is {audio.dtype} {list(audio.shape)}, expected float32 [1, T]"
        elif not np.isfinite(np.vdot(audio, audio)) and not np.isfinite(audio).all():
            wrong = "has numbers that are not finite"
        if wrong is not None:
            self._end(complete=False)
            blocks = (*self.voice.built.head, *self.voice.built.tail)
            name = type(blocks[-1]).__name__
            told = f"the audio that comes out {wrong}: {name} made it so, or passed it on"
            raise BlockError(told, f"/stack/{len(blocks) - 1}")
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
        # A reader that just stops: the sentence ahead must not go on for nobody.
        utterance = getattr(self, "_utterance", None)
        if utterance is not None:
            utterance.stop()

    def _end(self, complete: bool) -> None:
        if self.report is not None:
            return
        self._context.run(self._generator.close)  # type: ignore[attr-defined]
        self._context.run(self._joined.close)  # type: ignore[attr-defined]
        self.report = UtteranceReport(
            self.voice.name,
            self._samples / self.voice.sample_rate,
            self._first,
            time.perf_counter() - self._began,
            self._chunks,
            complete,
            {name: attrs.asdict(timing) for name, timing in self._utterance.timings.items()},
        )
        self.voice._announce("voxstack_utterance_ended", voice=self.voice, report=self.report)


def _sentences(
    frontend: Frontend, pieces: Iterable[str], limits: Mapping[str, int]
) -> Iterator[Sentence]:
    """Give the frontend's sentences, cut where they are longer than a fixed shape.

    An error of the frontend's own is located, one of the text's is not.
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
        for sentence in frontend.sentences(read()):
            yield from cut_to(sentence, limits) if limits else (sentence,)
    except Exception as error:
        if error in faults:
            raise
        reraise(error, "/frontend", None, frontend)


def _joined(
    sentences: Iterator[Sentence],
    inputs: Mapping[str, Any],
    head: Callable[[int], StreamableBlock],
    context: Context,
    whole: bool,
    ahead_after: int,
) -> Iterator[Chunk]:
    """Run the head of the stack once a sentence and number the chunks through the utterance.

    ``head`` gives it planned for a sentence that begins after so many chunks. While one sentence
    plays, a worker makes the first chunk of the next, once ``ahead_after`` samples of this one
    are made: before, its own next chunk is more urgent. ``whole`` says that all text is there, so
    that asking for the next sentence does not wait for a writer.
    """
    offset = 0
    done_chunks = 0
    ahead: SentenceAhead | None = None

    def opened(index: int, sentence: Sentence, after: int = 0) -> Iterator[Chunk]:
        tensors = {**sentence.tensors, **inputs, "sentence": np.array([index], dtype=np.int64)}
        return head(after).stream(Tensors(tensors, sentence.marks), None)

    def next_ahead() -> SentenceAhead:
        begun = partial(opened, after=done_chunks)
        return SentenceAhead(sentences, begun, index + 1, context)

    current: Iterator[Chunk] | None = None
    first: Chunk | None = None
    index = 0
    try:
        if whole:
            sentence = next(sentences, None)
            current = None if sentence is None else opened(0, sentence)
        else:  # the reader must be free to stop while a writer is silent
            ahead = SentenceAhead(sentences, opened, 0, context)
            current, first = ahead.take()
            ahead = None
        if current is None:
            return
        while True:
            end = offset
            while True:
                chunk = first or next(current, None)
                first = None
                if chunk is None:
                    break
                end = offset + chunk.start + len(chunk)
                done = chunk.last
                done_chunks += 1
                if done and ahead is None:
                    ahead = next_ahead()
                last = done and ahead is not None and ahead.is_end(wait=whole)
                yield chunk.replace(
                    start=offset + chunk.start,
                    last=last,
                    marks=tuple(mark.moved(mark.start + offset) for mark in chunk.marks),
                )
                if last:
                    return
                if done:
                    break
                if ahead is None and end - offset >= ahead_after:
                    ahead = next_ahead()
            offset = end
            current.close()  # type: ignore[attr-defined]
            if ahead is None:
                ahead = next_ahead()
            current, first = ahead.take()
            ahead = None
            if current is None:
                yield Chunk({"audio": np.zeros((1, 0), dtype=np.float32)}, offset, last=True)
                return
            index += 1
    except BlockError as error:
        error.settled.append(sentences)  # the effects that it passes through are not its place
        raise
    finally:
        if ahead is not None:
            ahead.close()
        if current is not None:
            current.close()  # type: ignore[attr-defined]
