"""The three containers: Encoders, StreamableStack and StreamablePipeline; and blocks in place.

The containers are the only blocks of the core. They are registered like every component: by an
entry point.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from traceback import walk_tb
from typing import Any, Self, TypeVar, cast, final, get_args

from attrs import evolve, field, frozen, resolve_types
from attrs.exceptions import FrozenInstanceError

from voxstack.blocks import Block, SequenceBlock, StreamableBlock, options_of
from voxstack.errors import BlockError, MissingTensorError, VoxstackError, escape
from voxstack.executors import Program
from voxstack.networks import network
from voxstack.schedule import Schedule
from voxstack.tensors import Chunk, Tensors
from voxstack.utterance import Stopped, current_utterance


@frozen
class Encoders(SequenceBlock):
    """Run every encoder of the addon, each as soon as its inputs exist, and merge the outputs."""

    networks: tuple[Program, ...] = network(role="encoder")  # default: all with the role encoder

    @property
    def consumes(self) -> Collection[str]:  # type: ignore[override]
        """What the networks need and do not produce for each other."""
        made = set(self.produces)
        return [n for p in self.networks for n in p.network.consumes if n not in made]

    @property
    def produces(self) -> Collection[str]:  # type: ignore[override]
        """What any of the networks produces."""
        return [name for program in self.networks for name in program.network.produces]

    def problems(self, available: Collection[str]) -> Iterable[str]:
        """Yield missing tensors, and networks that wait for each other in a circle."""
        yield from super().problems(available)
        waiting, unmade = list(self.networks), set(self.produces)
        while ready := [p for p in waiting if not unmade.intersection(p.network.consumes)]:
            waiting = [program for program in waiting if program not in ready]
            unmade = {name for program in waiting for name in program.network.produces}
        if waiting:
            needs = "; ".join(
                f"{p.network.name!r} waits for "
                + ", ".join(repr(name) for name in p.network.consumes if name in unmade)
                for p in waiting
            )
            yield f"the encoders are wired in a circle: {needs}"

    def __call__(self, inputs: Tensors) -> Tensors:
        """Run the networks in the order that their inputs require."""
        tensors, made = Tensors(inputs), Tensors()
        waiting = list(self.networks)
        while waiting:
            ready = [p for p in waiting if all(n in tensors for n in p.network.consumes)]
            if not ready:
                missing = next(n for n in waiting[0].network.consumes if n not in tensors)
                raise MissingTensorError(missing, tensors, "sequence tensors")
            made.update(self.run(ready, tensors))
            tensors.update(made)
            waiting = [program for program in waiting if program not in ready]
        return made

    def run(self, programs: Sequence[Program], tensors: Tensors) -> Tensors:
        """Run networks that do not wait for each other, and merge what they produce."""
        made = Tensors()
        for program in programs:
            made.update(self.produced(program, tensors))
        return made

    @staticmethod
    def produced(program: Program, tensors: Tensors) -> Tensors:
        """Run one network and keep what it produces for others."""
        outputs = program({name: tensors[name] for name in program.network.consumes})
        return Tensors({name: outputs[name] for name in program.network.produces})


def _row(blocks: Iterable[StreamableBlock]) -> tuple[StreamableBlock, ...]:
    return tuple(blocks)


@frozen
class StreamableStack(StreamableBlock):
    """StreamableBlocks in a row, each fed by the one before."""

    stack: tuple[StreamableBlock, ...] = field(converter=_row)  # in the order of the data

    def planned(self, schedule: Schedule) -> tuple[Self, Schedule]:
        """Plan the blocks from the last to the first."""
        blocks: list[StreamableBlock] = []
        for block in reversed(self.stack):
            planned, schedule = block.planned(schedule)
            blocks.append(planned)
        return evolve(self, stack=tuple(reversed(blocks))), schedule

    def stream(self, sequence: Tensors, upstream: Iterator[Chunk] | None) -> Iterator[Chunk]:
        """Chain the blocks' generators."""
        for block in self.stack:
            upstream = block.stream(sequence, upstream)
        empty: tuple[Chunk, ...] = ()
        return (chunk for chunk in empty) if upstream is None else upstream


@frozen
class StreamablePipeline(StreamableBlock):
    """One SequenceBlock and one StreamableBlock; itself a StreamableBlock, so that it nests.

    What the SequenceBlock produces is visible inside the pipeline only.
    """

    sequence_block: SequenceBlock  # reads the enclosing sequence tensors
    streamable_block: StreamableBlock  # reads what the sequence block produced, and upstream

    def stream(self, sequence: Tensors, upstream: Iterator[Chunk] | None) -> Iterator[Chunk]:
        """Run the sequence block once, then stream."""
        made = self.sequence_block(sequence)
        yield from self.streamable_block.stream(sequence.merged(made), upstream)


# Blocks at their place --------------------------------------------------------------------------

B = TypeVar("B", bound=SequenceBlock | StreamableBlock)
_END = object()


def located(block: B, pointer: str) -> B:
    """Return ``block`` with every block in it guarded at its place, once, before it runs.

    The two containers of a row pass on what their last block yields: they need no guard.
    """
    changes = {}
    resolve_types(cast(Any, type(block)))
    for option in filter(_takes_any_block, options_of(block)):
        value = getattr(block, option.name)
        inside = _located_value(value, f"{pointer}/{option.name}")
        if inside is not value:
            changes[option.alias or option.name] = inside
    inner = evolve(cast(Any, block), **changes) if changes else block
    if type(block) in (StreamableStack, StreamablePipeline):
        return cast(B, inner)
    guard: Any = _LocatedSequence if isinstance(block, SequenceBlock) else _Located
    return cast(B, guard(inner, pointer))


def _takes_any_block(option: Any) -> bool:
    """Return whether an option's type is an abstraction, and not the class of some block."""
    types = [option.type]
    for type_ in types:
        types += get_args(type_)
    return any(type_ in (Block, SequenceBlock, StreamableBlock) for type_ in types)


def _located_value(value: Any, pointer: str) -> Any:
    if isinstance(value, SequenceBlock | StreamableBlock):
        return located(value, pointer)
    if isinstance(value, list | tuple):
        items = [_located_value(item, f"{pointer}/{i}") for i, item in enumerate(value)]
        if any(new is not old for new, old in zip(items, value, strict=True)):
            return type(value)(items)
    if isinstance(value, dict):
        return {
            key: _located_value(item, f"{pointer}/{escape(key)}") for key, item in value.items()
        }
    return value


@final
@frozen(eq=False)
class _LocatedSequence(SequenceBlock):
    """A SequenceBlock whose errors carry its place."""

    block: SequenceBlock
    pointer: str

    def __call__(self, inputs: Tensors) -> Tensors:
        with locating(self.pointer, self.block):
            made = self.block(inputs)
            if not isinstance(made, Mapping):
                raise BlockError(f"returned {type(made).__name__}, expected voxstack.Tensors")
            return made


@final
@frozen(eq=False)
class _Located(StreamableBlock):
    """A StreamableBlock whose chunks are checked and whose errors carry its place."""

    block: StreamableBlock
    pointer: str

    def stream(self, sequence: Tensors, upstream: Iterator[Chunk] | None) -> Iterator[Chunk]:
        """Pass chunks on; stop if the utterance was stopped.

        Frames that a block loses, doubles or does not count would be heard far from it: refused
        here. When it is closed, it closes the block's generator and then the one before.
        """
        utterance = current_utterance()
        chunks: Any = None
        end, last = 0, False
        try:
            with locating(self.pointer, self.block, first=upstream is None):
                chunks = self.block.stream(sequence, upstream)
                if isinstance(chunks, Chunk):
                    raise BlockError("returned a Chunk, expected an iterator; yield the chunk")
                iterator = iter(chunks)
                while True:
                    if utterance is not None and utterance.stopped:
                        raise Stopped("the utterance was stopped")
                    chunk = next(iterator, _END)
                    if chunk is _END:
                        break
                    if not isinstance(chunk, Chunk):
                        what = type(chunk).__name__
                        raise BlockError(f"yielded {what}, expected voxstack.Chunk")
                    if last or chunk.start != end:
                        raise _inconsecutive(chunk, end, last)
                    end, last = end + len(chunk), chunk.last
                    yield chunk
                if not last:
                    raise BlockError("ended without a last chunk; pass on chunk.last")
        finally:
            try:
                with locating(self.pointer, self.block):
                    _close(chunks)
            finally:
                _close(upstream)


def _close(generator: Any) -> None:
    if hasattr(generator, "close"):
        generator.close()


def _inconsecutive(chunk: Chunk, end: int, last: bool) -> BlockError:
    if last:
        return BlockError(
            "yielded a chunk after the last one; set last=True only on the final chunk, "
            "chunk.replace(last=False) on those before"
        )
    return BlockError(
        f"yielded a chunk that starts at {chunk.start}, expected {end}: frames were lost, doubled "
        "or not counted; set the start, chunk.replace(start=...)"
    )


@contextmanager
def locating(pointer: str, block: object, first: bool = False) -> Iterator[None]:
    """Add the place to errors that have none, and turn other exceptions into BlockError.

    ``first``: the block has no upstream, which the message then mentions.
    """
    try:
        yield
    except BlockError as error:
        error.pointer = error.pointer or pointer
        raise
    except VoxstackError:
        raise
    except Exception as error:
        reason = f"{type(error).__name__}: {error}" if str(error) else repr(error)
        text = f"{type(block).__name__} failed: {reason}{_source(error, block)}"
        if isinstance(error, FrozenInstanceError):
            text += "; a block is frozen: keep what changes in local variables"
        if first:
            text += " (first of its row: its upstream is None)"
        raise BlockError(text, pointer) from error


def _source(error: Exception, block: object) -> str:
    """Return the line in the block's own package that raised the error, if one did."""
    package, found = type(block).__module__.partition(".")[0], ""
    for frame, line in walk_tb(error.__traceback__):
        module = str(frame.f_globals.get("__name__", ""))
        if module.partition(".")[0] == package:
            path = Path(frame.f_code.co_filename)
            names = module.count(".") + (2 if path.name == "__init__.py" else 1)
            found = f" ({'/'.join(path.parts[-names:])}:{line})"
    return found
