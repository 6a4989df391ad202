"""Blocks of an installed voice, with the tensors that reach them there."""

from __future__ import annotations

import atexit
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, final

import attrs
from attrs import frozen
from voxstack import (
    Chunk,
    Host,
    InputError,
    Schedule,
    SequenceBlock,
    StreamableBlock,
    Tensors,
    Voice,
)
from voxstack.inspection import BuiltStack, options_of, walk

from voxstack_kit.testing.streams import collected


@final
@frozen(eq=False)
class InVoice:
    """A block of a built voice, and its inputs for a text."""

    block: Any
    sequence: Tensors  # with the marks of the first sentence
    frames: Mapping[str, Any] | None  # whole tensors of its upstream; None: it begins a row


def in_voice(
    voice_name: str,
    pointer: str,
    text: str | None = None,
    *,
    edits: Mapping[str, Any] | None = None,
    host: Host | None = None,
) -> InVoice:
    """Return the block at ``pointer`` of an installed voice, and its inputs there.

    ``text`` is spoken to see them, its first sentence; by default the voice's sample. ``edits``
    set values of its addon.json, as ``Host.voice`` takes them. ``host`` is one that stays open.
    InputError if there is no block at the pointer.
    """
    voice = (host or shared_host()).voice(voice_name, edits=edits or {})
    seen = _Seen()
    path = pointer.split("/")[1:]
    if path[:1] != ["stack"]:
        raise InputError(f"{pointer!r} is not in the stack of {voice_name!r}; use /stack/0/...")
    watched = _watched(voice.built.blocks, path[1:], pointer, seen)
    built = BuiltStack(voice.built.frontend, watched, voice.built.programs)
    copy = Voice(voice.addon, built, voice.defaults)
    with copy.stream(text or voice.addon.manifest.sample or "a") as chunks:
        for _ in chunks:
            pass
    if seen.sequence is None:
        raise InputError(f"the block at {pointer!r} of {voice_name!r} is not asked for anything")
    frames = None if seen.chunks is None else dict(collected(seen.chunks))
    return InVoice(seen.block, seen.sequence, frames)


def blocks_of(voice: Voice) -> Iterator[tuple[str, Any]]:
    """Yield all blocks of a voice with their pointers, at any depth."""
    yield from walk(voice.built.blocks, "/stack")


@lru_cache(maxsize=1)
def shared_host() -> Host:
    """Return the host whose voices stay loaded until Python ends."""
    host = Host()
    atexit.register(host.close)
    return host


@final
class _Seen:
    """The first inputs of a block."""

    def __init__(self) -> None:
        self.block: Any = None
        self.sequence: Tensors | None = None
        self.chunks: list[Chunk] | None = None


def _watched(value: Any, path: list[str], pointer: str, seen: _Seen) -> Any:
    """Return ``value`` with the block at ``path`` below it observed."""
    if not path:
        if not isinstance(value, SequenceBlock | StreamableBlock):
            raise InputError(f"{pointer!r} is not a block but {type(value).__name__}")
        seen.block = value
        kind = _WatchedSequence if isinstance(value, SequenceBlock) else _WatchedStreamable
        return kind(value, seen)
    name, *rest = path
    if isinstance(value, list | tuple):
        items = list(value)
        if not name.isdigit() or int(name) >= len(items):
            raise InputError(f"{pointer!r}: there is no {name!r} among {len(items)} blocks")
        items[int(name)] = _watched(items[int(name)], rest, pointer, seen)
        return tuple(items)
    options = {o.name: o for o in options_of(value)} if attrs.has(type(value)) else {}
    if name not in options:
        there = ", ".join(options) or "none"
        raise InputError(f"{pointer!r}: {type(value).__name__} has no {name!r} (there: {there})")
    inner = _watched(getattr(value, name), rest, pointer, seen)
    return attrs.evolve(value, **{options[name].alias or name: inner})


@attrs.define(init=False, eq=False, slots=False)  # without options: nothing to walk into
class _WatchedSequence(SequenceBlock):
    def __init__(self, inner: Any, seen: _Seen) -> None:
        self.inner, self.seen = inner, seen

    def __call__(self, inputs: Tensors) -> Tensors:
        if self.seen.sequence is None:
            self.seen.sequence = Tensors(inputs, inputs.marks)
        made: Tensors = self.inner(inputs)
        return made


@attrs.define(init=False, eq=False, slots=False)
class _WatchedStreamable(StreamableBlock):
    def __init__(self, inner: Any, seen: _Seen) -> None:
        self.inner, self.seen = inner, seen

    @property
    def ends_sentence(self) -> bool:  # type: ignore[override]
        return any(getattr(block, "ends_sentence", False) for _, block in walk(self.inner))

    def planned(self, schedule: Schedule) -> Any:
        inner, upstream = self.inner.planned(schedule)
        return _WatchedStreamable(inner, self.seen), upstream

    def stream(self, sequence: Tensors, upstream: Iterator[Chunk] | None) -> Iterator[Chunk]:
        if self.seen.sequence is None:
            self.seen.sequence = Tensors(sequence, sequence.marks)
            if upstream is not None:
                self.seen.chunks = []
                upstream = _recorded(upstream, self.seen.chunks)
        made: Iterator[Chunk] = self.inner.stream(sequence, upstream)
        return made


def _recorded(upstream: Iterator[Chunk], chunks: list[Chunk]) -> Iterator[Chunk]:
    for chunk in upstream:
        chunks.append(chunk)
        yield chunk
