"""The three containers: Encoders, StreamableStack and StreamablePipeline.

They are all that the core brings by way of blocks, and come in by the door of every component:
an entry point.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from traceback import walk_tb
from typing import NoReturn, Self

from attrs import evolve, field, frozen
from attrs.exceptions import FrozenInstanceError

from voxstack.blocks import SequenceBlock, StreamableBlock
from voxstack.errors import BlockError, MissingTensorError, VoxstackError
from voxstack.executors import Program
from voxstack.networks import network
from voxstack.schedule import Schedule
from voxstack.tensors import Chunk, Tensors
from voxstack.utterance import Stopped, current_utterance


def reraise(
    error: Exception,
    pointer: str,
    row: object = None,
    block: object = None,
    first: bool = False,
) -> NoReturn:
    """Raise ``error`` as one that names the block at ``pointer``, in front of what it named.

    ``row`` is the row of blocks that it goes on through.
    """
    if isinstance(error, VoxstackError) and not isinstance(error, BlockError):
        raise error
    named = error
    if not isinstance(error, BlockError):
        text = f"{type(error).__name__}: {error}" if str(error) else repr(error)
        if block is not None:
            text = f"{type(block).__name__} failed: {text}{_place(error, block)}"
        if isinstance(error, FrozenInstanceError):
            text += "; a block is frozen: keep what changes in local variables"
        named = BlockError(f"{text} (first of its row: its upstream is None)" if first else text)
        named.__cause__ = error
    assert isinstance(named, BlockError)
    if not named.settled:  # else it comes from upstream, where it got its place
        named.pointer = pointer + named.pointer
        if row is not None:
            named.settled.append(row)
    raise named


def _place(error: Exception, block: object) -> str:
    """Say where in a block's own package an error was raised, if it was there."""
    package, told = type(block).__module__.partition(".")[0], ""
    for frame, line in walk_tb(error.__traceback__):
        module = str(frame.f_globals.get("__name__", ""))
        if module.partition(".")[0] == package:
            path = Path(frame.f_code.co_filename)
            names = module.count(".") + (2 if path.name == "__init__.py" else 1)
            told = f" ({'/'.join(path.parts[-names:])}:{line})"
    return told


def guarded(
    chunks: Iterator[Chunk],
    pointer: str,
    row: object = None,
    block: object = None,
    first: bool = False,
) -> Iterator[Chunk]:
    """Pass chunks on, stop when the utterance is stopped, and say where an error came from.

    Frames that a block loses, doubles or does not count would be heard far from it: BlockError.
    ``first`` tells that the block has no upstream, which its error then says.
    """
    utterance = current_utterance()
    end, last = 0, False
    try:
        if isinstance(chunks, Chunk):
            raise BlockError("returned a Chunk, expected an iterator of them: yield it")
        iterator = iter(chunks)
        while True:
            if utterance is not None and utterance.stopped:
                raise Stopped("the utterance was stopped")
            try:
                chunk = next(iterator)
            except StopIteration:
                if not last:
                    raise BlockError("ended without a last chunk: pass on chunk.last") from None
                return
            if not isinstance(chunk, Chunk):
                raise BlockError(f"yielded {type(chunk).__name__}, expected voxstack.Chunk")
            if last:
                raise BlockError(
                    "yielded a chunk after its last one: those before are not, "
                    "chunk.replace(last=False)"
                )
            if chunk.start != end:
                raise BlockError(
                    f"yielded a chunk that starts at {chunk.start} where {end} frames had come: "
                    "some were lost or doubled, or not counted: chunk.replace(start=...)"
                )
            end, last = end + len(chunk), chunk.last
            yield chunk
    except Exception as error:
        reraise(error, pointer, row, block, first)
    finally:
        close = getattr(chunks, "close", None)
        if close is not None:
            close()


def chained(
    blocks: Sequence[StreamableBlock],
    sequence: Tensors,
    upstream: Iterator[Chunk] | None,
    first: int = 0,
) -> Iterator[Chunk]:
    """Stream through ``blocks``; when closed, close all their generators, the last one first.

    ``first`` is the index of the first block in its stack, for the pointers of errors.
    """
    opened: list[Iterator[Chunk]] = []
    row = object()
    try:
        for index, block in enumerate(blocks, start=first):
            pointer = f"/stack/{index}"
            try:
                chunks = block.stream(sequence, upstream)
            except Exception as error:
                reraise(error, pointer, row, block)
            upstream = guarded(chunks, pointer, row, block, first=upstream is None)
            opened.append(upstream)
        yield from upstream or ()
    except BlockError as error:
        if row in error.settled:
            error.settled.remove(row)
        raise
    finally:
        for chunks in reversed(opened):
            chunks.close()  # type: ignore[attr-defined]


@frozen
class Encoders(SequenceBlock):
    """Run every encoder of the addon, each as soon as its inputs exist, and merge the outputs."""

    networks: tuple[Program, ...] = network(role="encoder")  # default: all with the role encoder

    @property
    def consumes(self) -> Collection[str]:  # type: ignore[override]
        """What the networks need and do not make for each other."""
        made = set(self.produces)
        return [n for p in self.networks for n in p.network.consumes if n not in made]

    @property
    def produces(self) -> Collection[str]:  # type: ignore[override]
        """What any of the networks makes."""
        return [name for program in self.networks for name in program.network.produces]

    def problems(self, available: Collection[str]) -> Iterable[str]:
        """Beside missing tensors: networks that wait for each other in a circle."""
        yield from super().problems(available)
        unmade = {name for program in self.networks for name in program.network.produces}
        waiting = list(self.networks)
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
        """Run the networks in the order that their inputs ask for."""
        tensors = Tensors(inputs)
        made = Tensors()
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
        """Run networks that do not wait for each other, and merge what they make."""
        made = Tensors()
        for program in programs:
            made.update(self.produced(program, tensors))
        return made

    @staticmethod
    def produced(program: Program, tensors: Tensors) -> Tensors:
        """Run one network and keep what it makes for others."""
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
        return chained(self.stack, sequence, upstream)


@frozen
class StreamablePipeline(StreamableBlock):
    """One SequenceBlock and one StreamableBlock; itself a StreamableBlock, so that it nests.

    What the SequenceBlock makes is seen inside the pipeline only.
    """

    sequence_block: SequenceBlock  # reads the enclosing sequence tensors
    streamable_block: StreamableBlock  # reads what the sequence block made, and upstream

    def stream(self, sequence: Tensors, upstream: Iterator[Chunk] | None) -> Iterator[Chunk]:
        """Run the sequence block once, then stream."""
        try:
            made = self.sequence_block(sequence)
        except Exception as error:
            reraise(error, "/sequence_block", None, self.sequence_block)
        try:
            chunks = self.streamable_block.stream(sequence.merged(made), upstream)
        except Exception as error:
            reraise(error, "/streamable_block", None, self.streamable_block)
        yield from guarded(chunks, "/streamable_block", None, self.streamable_block)
