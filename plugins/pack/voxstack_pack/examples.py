"""Example inputs of a network, made longer, cut, padded or paired.

``shapes`` are those of the network: if the last dimension of a tensor has a name, it is time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from voxstack_pack.running import Array, Arrays

Shapes = Mapping[str, Sequence[int | str]]
PADDING = 13  # positions of padding that a mask must neutralize


def dimension(shape: Sequence[int | str]) -> str | None:
    """Return the name of a tensor's time dimension, None if it has none."""
    last = shape[-1] if len(shape) > 1 else None
    return last if isinstance(last, str) else None


def timed_inputs(shapes: Shapes, time: str | None = None) -> list[str]:
    """Return the inputs that have a time dimension, or the one named ``time``."""
    found = {name: dimension(shape) for name, shape in shapes.items()}
    return [name for name, own in found.items() if own and time in (None, own)]


def length(inputs: Arrays, shapes: Shapes, time: str) -> int:
    """Return the number of positions along a time dimension."""
    names = timed_inputs(shapes, time)
    return int(inputs[names[0]].shape[-1]) if names else 0


def resized(inputs: Arrays, shapes: Shapes, time: str, count: int, first: int = 0) -> Arrays:
    """Take ``count`` positions from ``first`` on, starting over at the end."""
    there = length(inputs, shapes, time)
    index = (np.arange(count) + first) % max(1, there)
    return inputs | {name: inputs[name][..., index] for name in timed_inputs(shapes, time)}


def cut(inputs: Arrays, shapes: Shapes, time: str, sizes: Callable[[], int]) -> Iterator[Arrays]:
    """Yield the inputs in consecutive chunks along time, of sizes() positions each."""
    at, end = 0, length(inputs, shapes, time)
    names = set(timed_inputs(shapes, time))
    while at < end:
        size = min(sizes(), end - at)
        yield {n: v[..., at : at + size] if n in names else v for n, v in inputs.items()}
        at += size


def padded(inputs: Arrays, shapes: Shapes, time: str, after: int) -> Arrays:
    """Append zeros along time; a mask is zero there too."""
    return inputs | {
        name: np.pad(inputs[name], [(0, 0)] * (inputs[name].ndim - 1) + [(0, after)])
        for name in timed_inputs(shapes, time)
    }


def with_garbage(
    inputs: Arrays, shapes: Shapes, time: str, frames: int, rng: np.random.Generator
) -> Arrays:
    """Write meaningless values after the first ``frames``; the masks stay."""
    dirty = {name: value.copy() for name, value in inputs.items()}
    for name in timed_inputs(shapes, time):
        if name.endswith("mask"):
            continue
        tail = dirty[name][..., frames:]
        if dirty[name].dtype.kind == "f":
            tail[...] = rng.uniform(-300, 300, tail.shape)
        elif frames:  # integers may index a table: other values from it are valid
            tail[...] = dirty[name][..., rng.integers(0, frames, tail.shape[-1])]
    return dirty


def backwards(inputs: Arrays, shapes: Shapes) -> Arrays:
    """Return a different utterance of the same lengths."""
    return inputs | {name: inputs[name][..., ::-1] for name in timed_inputs(shapes)}


def paired(first: Arrays, second: Arrays) -> Arrays:
    """Join two utterances in a batch."""
    return {name: np.concatenate([value, second[name]]) for name, value in first.items()}


def twice(inputs: Mapping[str, Array]) -> dict[str, Any]:
    """Return a batch of two, as torch tensors, for tracing."""
    import torch

    return {n: torch.from_numpy(np.concatenate([value, value])) for n, value in inputs.items()}
