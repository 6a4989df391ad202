"""The sizes that a static executor compiles: given, or chosen to keep the padding low."""

from __future__ import annotations

from collections.abc import Sequence

from voxstack.executors import Buckets
from voxstack.networks import MASK, Network
from voxstack.schedule import DOUBLING

COUNT = 4  # sizes that are compiled per dimension, if they are chosen
STEP = 32  # frames that a network with state is fed at a time
UNKNOWN = (32, 64, 128, 256, 512)  # sizes of a dimension of which nothing is known


def varying(network: Network) -> list[str]:
    """Return the named dimensions of a network's inputs, except the batch."""
    names = {d for spec in network.inputs.values() for d in spec.shape if isinstance(d, str)}
    return sorted(names - {"batch"})


def frames_of(network: Network) -> str | None:
    """Return the dimension that a network runs along: that of its mask."""
    spec = network.inputs.get(MASK)
    name = spec.shape[-1] if spec and spec.shape else None
    return name if isinstance(name, str) else None


def chosen(network: Network, given: Buckets) -> dict[str, tuple[int, ...]]:
    """Return the sizes of each named dimension of a network.

    Those given; else one for a network with state; for windows, those of the usual chunks with
    their context; for text and the like, those that pad the voice's own texts least.
    """
    along = frames_of(network)
    sizes: dict[str, tuple[int, ...]] = {}
    for dimension in varying(network):
        asked = given.of(network.name, dimension)
        if network.state and dimension == along:
            sizes[dimension] = asked[:1] or (STEP,)
        elif asked:
            sizes[dimension] = asked
        elif dimension in network.sizes:
            seen, shares = zip(*network.sizes[dimension], strict=True)
            sizes[dimension] = least_waste(seen, shares, COUNT)
        elif network.context and dimension == along:
            around = network.context.left + network.context.right
            shares = (*[1.0] * (len(DOUBLING) - 1), 3.0)  # the last one repeats
            sizes[dimension] = least_waste([n + around for n in DOUBLING], shares, COUNT)
        else:
            sizes[dimension] = UNKNOWN
    return sizes


def least_waste(sizes: Sequence[int], shares: Sequence[float], count: int) -> tuple[int, ...]:
    """Return at most ``count`` buckets that hold all ``sizes`` with the least padding.

    ``shares`` says how often each size occurs. By dynamic programming over the sorted sizes: the
    largest size is a bucket, and so is each size at which a run that shares a bucket ends.
    """
    pairs = sorted(zip(sizes, shares, strict=True))
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
