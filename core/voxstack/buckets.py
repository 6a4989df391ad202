"""The sizes that a static executor compiles: given, or chosen to keep the padding low."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, final

from attrs import field, frozen

Sizes = Mapping[str, Iterable[int]]


def _sorted(given: Sizes | Iterable[tuple[str, Iterable[int]]]) -> tuple[Any, ...]:
    pairs = given.items() if isinstance(given, Mapping) else given
    return tuple(sorted((name, tuple(sorted(set(sizes)))) for name, sizes in pairs))


@final
@frozen
class Buckets:
    """Sizes of named dimensions, as the option ``buckets`` of a static executor.

    ``{"text": [64, 128, 256], "prosody.frames": [82, 146]}``: a dimension of every network, or of
    one. What is left out the host chooses. A network with state is fed the smallest size given
    for its frames, at every step.
    """

    sizes: tuple[tuple[str, tuple[int, ...]], ...] = field(default=(), converter=_sorted)

    def __attrs_post_init__(self) -> None:
        for name, sizes in self.sizes:
            if not sizes or min(sizes) < 1:
                raise ValueError(f"{name!r}: sizes must be 1 or more, not {list(sizes)}")

    def of(self, network: str, dimension: str) -> tuple[int, ...]:
        """Give the sizes for a dimension of a network, in order; none if none are given."""
        given = dict(self.sizes)
        return given.get(f"{network}.{dimension}", given.get(dimension, ()))


def least_waste(sizes: Sequence[int], weights: Sequence[float], count: int) -> tuple[int, ...]:
    """Choose ``count`` buckets at most that hold all ``sizes`` with the least padding.

    ``weights`` says how often each size comes. By dynamic programming over the sorted sizes: the
    largest size is a bucket, and so is each size at which a run that shares a bucket ends.
    """
    pairs = sorted(zip(sizes, weights, strict=True))
    ends = [size for size, _ in pairs]
    nothing: list[tuple[float, tuple[int, ...]]] = [(0.0, ())]
    best = nothing + [(float("inf"), ())] * len(pairs)
    for _ in range(min(count, len(pairs))):
        previous, best = best, list(best)
        for end in range(1, len(pairs) + 1):
            waste = 0.0
            for start in range(end, 0, -1):  # pairs[start - 1:end] share the bucket ends[end - 1]
                waste += (ends[end - 1] - ends[start - 1]) * pairs[start - 1][1]
                total = previous[start - 1][0] + waste
                if total < best[end][0]:
                    best[end] = total, (*previous[start - 1][1], ends[end - 1])
    return tuple(dict.fromkeys(best[-1][1]))
