"""Running a StreamableBlock under test: its fixtures, and streams of it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from voxstack import Chunk, Mark, Schedule, Tensors
from voxstack.inspection import MissingTensorError

from voxstack_kit.testing.blocks import BlockSuite, copied, names, programs_of
from voxstack_kit.testing.failures import fail
from voxstack_kit.testing.streams import chunks_of, collected
from voxstack_kit.testing.toys import drawn

FRAMES = 200  # where they are drawn for networks
Frames = Mapping[str, Any] | None


class StreamsBase(BlockSuite):
    """Fixtures of the suite of StreamableBlocks, and how its checks run them."""

    # Frames that it reads beyond those it yields; None: what its networks look ahead, else none.
    look_ahead: int | None = None
    # Frames that it yields for each that it reads; None: what its networks make, else 1.
    frame_ratio: float | None = None

    @pytest.fixture
    def frames(self, block: Any, sequence: Tensors) -> Frames:
        """Return the whole tensors of its upstream: audio, or what it declares."""
        return drawn_for(block, sequence)

    def _stream(
        self,
        block: Any,
        sequence: Tensors,
        frames: Frames,
        sizes: Sequence[int] = (),
        marks: Sequence[Mark] = (),
    ) -> Iterator[Chunk]:
        upstream = None if frames is None else chunks_of(frames, sizes, marks)
        stream = streamed(block, copied(sequence), upstream)
        return with_advice(stream, [*sequence, *(frames or ())])

    def _whole(
        self, block: Any, sequence: Tensors, frames: Frames, sizes: Sequence[int] = ()
    ) -> Tensors:
        return collected(self._stream(block, sequence, frames, sizes))

    def _planned(self, block: Any) -> tuple[Any, int, float]:
        """Return the block with small chunks planned, its look-ahead in frames, and its ratio."""
        planned, upstream = block.planned(Schedule((8,)))
        programs = list(programs_of(planned))
        ratio = math.prod(program.network.frame_ratio for program in programs)
        ahead = 0
        if programs:
            wanted = upstream.sizes or (8,)
            ahead = max(0, max(wanted) - 8) + max((p.step or 1) - 1 for p in programs)
        ahead = ahead if self.look_ahead is None else self.look_ahead
        return planned, ahead, ratio if self.frame_ratio is None else self.frame_ratio


def streamed(block: Any, sequence: Tensors, upstream: Iterator[Chunk] | None) -> Iterator[Chunk]:
    """Return a stream of the block; fail if it is not an iterator."""
    __tracebackhide__ = True
    stream = block.stream(sequence, upstream)
    if not isinstance(stream, Iterator):
        fail(
            f"stream() returns {type(stream).__name__}, expected an iterator of chunks",
            "write it as a generator: for chunk in upstream: yield chunk.replace(...)",
        )
    return stream


def drawn_for(block: Any, sequence: Tensors) -> dict[str, Any]:
    """Return random frames for a block: a second of audio, or what its networks read."""
    wanted = [name for name in block.consumes or () if name not in sequence]
    random = np.random.default_rng(0)
    if not wanted or "audio" in wanted:
        return {"audio": random.normal(0.0, 0.1, (1, 16000)).astype(np.float32)}
    declared = {n: s for p in programs_of(block) for n, s in p.network.inputs.items()}
    unknown = [name for name in wanted if name not in declared]
    along = {declared[name].shape[-1] for name in wanted if name in declared}
    if (
        unknown
        or len(along) > 1
        or not all(isinstance(a, str) for a in along)
        or along == {"batch"}
    ):
        fail(
            f"it consumes {names(wanted)}, and the suite cannot know what they look like",
            f"add the fixture 'frames': @pytest.fixture def frames(self): return {{{wanted[0]!r}: "
            "np.zeros((1, 80, 200), np.float32)}; for a block that begins a row None, and "
            "all that it reads in the fixture 'sequence'",
        )
    return {name: drawn(random, declared[name], FRAMES) for name in wanted}


def with_advice(stream: Iterator[Chunk], given: Sequence[str]) -> Iterator[Chunk]:
    """Yield from a stream; fail if it reads what the fixtures lack."""
    try:
        yield from stream
    except MissingTensorError as error:
        if error.name in given:
            raise
        fail(
            f"it reads {error.name!r}, and the suite has {names(list(given))}",
            f"add it to the fixture 'frames' (what comes from upstream) or 'sequence': "
            f"return {{..., {error.name!r}: array}}",
        )


def length_of(frames: Mapping[str, Any]) -> int:
    """Return the number of frames."""
    return next((int(np.shape(tensor)[-1]) for tensor in frames.values()), 0)


def parts_of(frames: Frames, count: int) -> list[int]:
    """Return sizes of about ``count`` chunks: a short one, an empty one, and an empty last one."""
    if frames is None:
        return []
    total = length_of(frames)
    size = max(1, total // count)
    sizes = [1, 0]
    while sum(sizes) < total:
        sizes.append(size)
    return [*sizes, 0]
