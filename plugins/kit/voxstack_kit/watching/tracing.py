"""Where the time of an utterance goes: a traced copy of a voice.

The copy runs the same programs through blocks that record when each call began and ended. The
voice itself is unchanged, so untraced speech costs nothing.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Literal, cast, final

import attrs
import numpy as np
from attrs import define, field, frozen
from voxstack import (
    Chunk,
    Frontend,
    Program,
    Schedule,
    Sentence,
    SequenceBlock,
    Session,
    StreamableBlock,
    Tensors,
    Voice,
)
from voxstack.inspection import Block, BuiltStack, HostedProgram, Utterance, options_of, walk

Kind = Literal["host", "frontend", "block", "network", "wait"]
END: Any = object()


@final
@frozen(eq=False)
class Lane:
    """A row of the picture: the host, the frontend, a block or a network on its executor."""

    kind: Kind
    name: str
    place: str  # JSON pointer, or the executor


@final
@define(eq=False)
class Span:
    """Something that took time, on one thread."""

    lane: Lane
    thread: int
    began: float  # seconds, of time.perf_counter
    seconds: float = 0.0
    within: float = 0.0  # seconds of the spans in it
    depth: int = 0
    about: dict[str, Any] = field(factory=dict)

    @property
    def ended(self) -> float:
        """The time at which it ended."""
        return self.began + self.seconds

    @property
    def own(self) -> float:
        """Seconds that are not in any span within it."""
        return self.seconds - self.within


@final
class Recorder:
    """Collects spans as they end, from any thread."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self.lanes: list[Lane] = []
        self.threads: dict[int, str] = {}
        self.host = self.lane("host", "host", "")
        self.waits = self.lane("wait", "waits", "")
        self.caller = threading.get_ident()
        self._open = threading.local()

    def lane(self, kind: Kind, name: str, place: str) -> Lane:
        """Return a new lane."""
        lane = Lane(kind, name, place)
        self.lanes.append(lane)
        return lane

    @contextmanager
    def span(self, lane: Lane, **about: Any) -> Iterator[Span]:
        """Time what runs inside the context."""
        stack: list[Span] = self._open.__dict__.setdefault("stack", [])
        thread = threading.get_ident()
        self.threads.setdefault(thread, threading.current_thread().name)
        span = Span(lane, thread, time.perf_counter(), depth=len(stack), about=about)
        stack.append(span)
        try:
            yield span
        finally:
            span.seconds = time.perf_counter() - span.began
            stack.pop()
            if stack:
                stack[-1].within += span.seconds
            self.spans.append(span)

    def padded(self, network: str, used: int, computed: int) -> None:
        """Record what fixed shapes cost the network's open call."""
        for span in reversed(self._open.__dict__.get("stack", [])):
            if span.lane.kind == "network":
                span.about |= {"used": used, "computed": computed}
                return

    def find_waits(self) -> None:
        """Record when the caller waited, in the middle of a chunk, for a worker."""
        busy = sorted(
            (s.began, s.ended) for s in self.spans if s.thread != self.caller and not s.depth
        )
        mine = [s for s in self.spans if s.thread == self.caller]
        for chunk in [s for s in mine if s.lane is self.host]:
            inside = [s for s in mine if s.depth == 1 and chunk.began <= s.began < chunk.ended]
            at = chunk.began
            for end, after in [*((s.began, s.ended) for s in inside), (chunk.ended, chunk.ended)]:
                overlap = [(max(a, at), min(b, end)) for a, b in busy if a < end and b > at]
                if overlap:
                    begun, ended = overlap[0][0], overlap[-1][1]
                    wait = Span(self.waits, self.caller, begun, ended - begun, depth=1)
                    wait.about["for"] = "the sentence ahead"
                    self.spans.append(wait)
                    chunk.within += wait.seconds
                at = after


def traced(voice: Voice, recorder: Recorder) -> Voice:
    """Return a copy of a built voice whose blocks and programs report to ``recorder``."""
    wrap = _Wrapper(recorder)
    built = voice.built
    frontend = wrap.frontend(built.frontend)
    blocks = [wrap.block(block, f"/stack/{i}") for i, block in enumerate(built.blocks)]

    def announce(hook: str, **arguments: Any) -> None:
        utterance = arguments.get("utterance")
        if isinstance(utterance, Utterance):
            utterance.padding_seen = recorder.padded

    copy = BuiltStack(frontend, tuple(blocks), built.programs)
    return Voice(voice.addon, copy, voice.defaults, announce)


@final
class _Wrapper:
    """Wraps each block, at any depth, in one that reports to the recorder."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self._programs: dict[int, _TracedProgram] = {}

    def frontend(self, frontend: Frontend) -> Frontend:
        lane = self.recorder.lane("frontend", type(frontend).__name__, "/frontend")
        return cast(Frontend, _named(_TracedFrontend, frontend)(frontend, lane, self.recorder))

    def block(self, block: Any, pointer: str) -> Any:
        lane = self.recorder.lane("block", type(block).__name__, pointer)
        changes = {}
        for option in options_of(block):
            value = getattr(block, option.name)
            wrapped = self.value(value, f"{pointer}/{option.name}")
            if wrapped is not value:
                changes[option.alias or option.name] = wrapped
        inner = attrs.evolve(block, **changes) if changes else block
        kind = _TracedSequence if isinstance(block, SequenceBlock) else _TracedStreamable
        return _named(kind, block)(inner, lane, self.recorder)

    def value(self, value: Any, pointer: str) -> Any:
        if isinstance(value, HostedProgram):
            if id(value) not in self._programs:  # one that two options share has one lane
                self._programs[id(value)] = _TracedProgram(value, self.recorder)
            return self._programs[id(value)]
        if isinstance(value, SequenceBlock | StreamableBlock):
            return self.block(value, pointer)
        if isinstance(value, list | tuple):
            items = [self.value(v, f"{pointer}/{i}") for i, v in enumerate(value)]
            changed = any(a is not b for a, b in zip(items, value, strict=True))
            return (tuple(items) if isinstance(value, tuple) else items) if changed else value
        return value


def _named(kind: type, inner: object) -> Any:
    """Return a class with the name that errors should show."""
    return type(type(inner).__name__, (kind,), {})


@attrs.define(init=False, eq=False, slots=False)  # without options: nothing to walk into
class _Traced:
    """A wrapper of a part, to which it delegates its attributes."""

    def __init__(self, inner: Any, lane: Lane, recorder: Recorder) -> None:
        self._inner, self._lane, self._recorder = inner, lane, recorder

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    @property
    def consumes(self) -> Any:
        return self._inner.consumes

    @property
    def produces(self) -> Any:
        return self._inner.produces

    def _pulled(self, opened: Any, about: Any) -> Iterator[Any]:
        """Time each item of an iterator; ``about`` describes it."""
        chunks: Any = None
        try:
            while True:
                with self._recorder.span(self._lane) as span:
                    if chunks is None:
                        chunks = iter(opened())
                    item = next(chunks, END)
                    span.about = {"end": True} if item is END else about(item)
                if item is END:
                    return
                yield item
        finally:
            if hasattr(chunks, "close"):
                chunks.close()


class _TracedFrontend(_Traced, Frontend):  # type: ignore[override]
    def sentences(self, text: Iterable[str]) -> Iterator[Sentence]:
        return self._pulled(
            lambda: self._inner.sentences(text),
            lambda sentence: {"text": sentence.text[:200]},
        )


class _TracedSequence(_Traced, SequenceBlock):  # type: ignore[override]
    def __call__(self, inputs: Tensors) -> Tensors:
        with self._recorder.span(self._lane) as span:
            made: Tensors = self._inner(inputs)
            span.about["made"] = _shapes(made)
            return made


class _TracedStreamable(_Traced, StreamableBlock):  # type: ignore[override]
    @property
    def ends_sentence(self) -> bool:  # type: ignore[override]
        return any(getattr(block, "ends_sentence", False) for _, block in walk(self._inner))

    def planned(self, schedule: Schedule) -> Any:
        inner, upstream = self._inner.planned(schedule)
        return type(self)(inner, self._lane, self._recorder), upstream

    def problems(self, available: Any) -> Iterable[str]:
        return cast(Block, self._inner).problems(available)

    def stream(self, sequence: Tensors, upstream: Iterator[Chunk] | None) -> Iterator[Chunk]:
        return self._pulled(lambda: self._inner.stream(sequence, upstream), _about)


def _about(chunk: Any) -> dict[str, Any]:
    if not isinstance(chunk, Chunk):  # the host refuses it
        return {}
    return {"start": chunk.start, "frames": len(chunk), "last": chunk.last}


class _TracedProgram(Program):
    """A program whose calls are timed."""

    def __init__(self, inner: HostedProgram, recorder: Recorder) -> None:
        self.network, self.inner, self.recorder = inner.network, inner, recorder
        executor = type(inner.executor).__name__
        self.lane = recorder.lane("network", inner.network.qualified_name, executor)

    @property
    def step(self) -> int | None:  # type: ignore[override]
        return self.inner.step

    @property
    def longest(self) -> int | None:  # type: ignore[override]
        return self.inner.longest

    def __call__(self, inputs: Mapping[str, Any]) -> Tensors:
        with self.recorder.span(self.lane, inputs=_shapes(inputs)):
            return self.inner(inputs)

    def session(self, constants: Mapping[str, Any]) -> Session:
        return _TracedSession(self, self.inner.session(constants))


class _TracedSession(Session):
    def __init__(self, program: _TracedProgram, inner: Session) -> None:
        self._program, self._inner = program, inner

    @property
    def state(self) -> Mapping[str, Any]:
        return self._inner.state

    @state.setter
    def state(self, state: Mapping[str, Any]) -> None:
        self._inner.state = state

    def step(self, inputs: Mapping[str, Any]) -> Tensors:
        with self._program.recorder.span(self._program.lane, inputs=_shapes(inputs)):
            return self._inner.step(inputs)


def _shapes(tensors: Mapping[str, Any]) -> dict[str, list[int]]:
    return {name: list(np.shape(value)) for name, value in tensors.items()}


# What is made of the spans ----------------------------------------------------------------------


def chrome_events(recorder: Recorder) -> list[dict[str, Any]]:
    """Return Chrome trace events: a process per thread, in it a lane per part.

    Perfetto wants the spans of a lane to nest, which those of one part on two threads do not.
    """
    threads = [recorder.caller, *(t for t in recorder.threads if t != recorder.caller)]
    zero = min((span.began for span in recorder.spans), default=0.0)
    lanes = {id(lane): number for number, lane in enumerate(recorder.lanes, start=1)}
    events: list[dict[str, Any]] = []
    for pid, thread in enumerate(threads, start=1):
        name = recorder.threads.get(thread, "")
        title = "caller" if pid == 1 else name.replace("voxstack-ahead", "sentence ahead")
        events.append(_meta("process_name", pid, 0, name=f"{title} (thread)"))
        events.append(_meta("process_sort_index", pid, 0, sort_index=pid))
        used = {id(span.lane) for span in recorder.spans if span.thread == thread}
        for lane in recorder.lanes:
            if id(lane) in used:
                tid = lanes[id(lane)]
                events.append(_meta("thread_name", pid, tid, name=_title(lane)))
                events.append(_meta("thread_sort_index", pid, tid, sort_index=tid))
    pids = {thread: pid for pid, thread in enumerate(threads, start=1)}
    for span in sorted(recorder.spans, key=lambda s: (s.began, -s.seconds)):
        events.append(
            {
                "name": span.lane.name,
                "cat": span.lane.kind,
                "ph": "X",
                "ts": round((span.began - zero) * 1e6, 3),
                "dur": round(span.seconds * 1e6, 3),
                "pid": pids[span.thread],
                "tid": lanes[id(span.lane)],
                "args": {"place": span.lane.place, **span.about},
            }
        )
    return events


def _title(lane: Lane) -> str:
    if lane.kind == "network":
        return f"{lane.name} on {lane.place}"
    return f"{lane.name} {lane.place}".strip()


def _meta(what: str, pid: int, tid: int, **args: Any) -> dict[str, Any]:
    return {"name": what, "ph": "M", "pid": pid, "tid": tid, "ts": 0, "args": args}


def where_it_went(recorder: Recorder) -> list[dict[str, Any]]:
    """Return a row per part: its calls, its own ms, and their share of all the work."""
    work = sum(span.own for span in recorder.spans if span.lane.kind != "wait") or 1.0
    rows = []
    for lane in recorder.lanes:
        spans = [span for span in recorder.spans if span.lane is lane]
        own = sum(span.own for span in spans)
        used, computed = (sum(s.about.get(k, 0) for s in spans) for k in ("used", "computed"))
        rows.append(
            {
                "kind": lane.kind,
                "name": lane.name,
                "place": lane.place,
                "calls": sum("end" not in span.about for span in spans),
                "ms": round(own * 1e3, 3),
                "share": None if lane.kind == "wait" else round(own / work, 4),
                "padding": round(1 - used / computed, 3) if computed else None,
            }
        )
    return rows
