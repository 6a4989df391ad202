"""Schedules: how many frames a block yields in each chunk.

The block at the end of the stack owns the schedule. From it, from the look-ahead of each network
and from the frame ratios the host derives what each block upstream must yield, so that the first
audio costs exactly one call of each network.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import final

from attrs import field, frozen

# Doubling: synthesis runs ahead of playback, and big chunks amortise the cost of a call.
DOUBLING = (8, 16, 32, 64, 128, 256)


def _sizes(value: Sequence[int]) -> tuple[int, ...]:
    return tuple(int(v) for v in value)


@final
@frozen
class Schedule:
    """Chunk sizes in frames of the network that reads them; the last one repeats.

    An empty schedule (the default of a block's option) is derived by the host.
    """

    sizes: tuple[int, ...] = field(default=(), converter=_sizes)
    owned: bool = False  # a block downstream has fixed it: it counts that block's input frames
    wanted: frozenset[str] | None = None  # tensors that are read downstream; None: any may be

    def __attrs_post_init__(self) -> None:
        if any(size < 1 for size in self.sizes):
            raise ValueError(f"chunk sizes must be 1 frame or more, not {list(self.sizes)}")

    def __bool__(self) -> bool:
        return bool(self.sizes)

    def __iter__(self) -> Iterator[int]:
        """Yield chunk sizes without end."""
        sizes = self.sizes or DOUBLING
        yield from sizes
        while True:
            yield sizes[-1]

    def ahead(self, frames: int) -> Schedule:
        """Return what upstream must yield for a block that looks ``frames`` ahead.

        Only the first chunk is longer: after it the look-ahead has been read already.
        """
        sizes = self.sizes or DOUBLING
        if len(sizes) == 1:
            sizes *= 2
        return Schedule((sizes[0] + frames, *sizes[1:]), True, self.wanted)

    def slower(self, ratio: int) -> Schedule:
        """Return the same schedule in frames that are ``ratio`` times as long (rounded up)."""
        if ratio == 1:
            return self
        ends, total = [0], 0
        for size in self.sizes or DOUBLING:
            total += size
            ends.append(-(-total // ratio))
        steps = [b - a for a, b in itertools.pairwise(ends) if b > a]
        last = max(1, (self.sizes or DOUBLING)[-1] // ratio)
        return Schedule((*steps, last), self.owned, self.wanted)

    def wanting(self, wanted: Iterable[str] | None) -> Schedule:
        """Return the same schedule with other tensors wanted."""
        return Schedule(self.sizes, self.owned, None if wanted is None else frozenset(wanted))
