"""Running a StreamableBlock under test: its fixtures, and streams of it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from voxstack.schedule import Schedule
from voxstack.tensors import Chunk, Mark, Tensors
from voxstack.testing.blocks import BlockSuite, copied, programs_of
from voxstack.testing.streams import chunks_of, collected

Frames = Mapping[str, Any] | None


class StreamsBase(BlockSuite):
    """Fixtures of the suite of StreamableBlocks, and how its checks run them."""

    # Frames that it reads beyond those it yields; None: what its networks look ahead, else none.
    look_ahead: int | None = None
    # Frames that it yields for each that it reads; None: what its networks make, else 1.
    frame_ratio: float | None = None

    @pytest.fixture
    def frames(self) -> Frames:
        """The whole tensors of its upstream."""
        audio = np.random.default_rng(0).normal(0.0, 0.1, (1, 16000)).astype(np.float32)
        return {"audio": audio}

    def _stream(
        self,
        block: Any,
        sequence: Tensors,
        frames: Frames,
        sizes: Sequence[int] = (),
        marks: Sequence[Mark] = (),
    ) -> Iterator[Chunk]:
        upstream = None if frames is None else chunks_of(frames, sizes, marks)
        made: Iterator[Chunk] = block.stream(copied(sequence), upstream)
        return made

    def _whole(
        self, block: Any, sequence: Tensors, frames: Frames, sizes: Sequence[int] = ()
    ) -> Tensors:
        return collected(self._stream(block, sequence, frames, sizes))

    def _planned(self, block: Any) -> tuple[Any, int, float]:
        """Give the block with small chunks planned, the frames it looks ahead, and its ratio."""
        planned, upstream = block.planned(Schedule((8,)))
        programs = list(programs_of(planned))
        ratio = math.prod(program.network.frame_ratio for program in programs)
        ahead = 0
        if programs:
            wanted = upstream.sizes or (8,)
            ahead = max(0, max(wanted) - 8) + max((p.step or 1) - 1 for p in programs)
        ahead = ahead if self.look_ahead is None else self.look_ahead
        return planned, ahead, ratio if self.frame_ratio is None else self.frame_ratio


def length_of(frames: Mapping[str, Any]) -> int:
    """Give the number of frames."""
    return next((int(np.shape(tensor)[-1]) for tensor in frames.values()), 0)


def parts_of(frames: Frames, count: int) -> list[int]:
    """Give sizes of about ``count`` chunks: a short one, an empty one, and an empty one last."""
    if frames is None:
        return []
    total = length_of(frames)
    size = max(1, total // count)
    sizes = [1, 0]
    while sum(sizes) < total:
        sizes.append(size)
    return [*sizes, 0]
