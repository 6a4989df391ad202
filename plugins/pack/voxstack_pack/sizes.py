"""Count the symbols that a voice's frontend makes of typical sentences."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from voxstack import VoxstackError

from voxstack_pack.errors import ExportError

PAIRS = 24  # the most pairs of a size and its share


def text_sizes(voice: Any, lines: Iterable[str], inputs: Sequence[str]) -> list[list[float]]:
    """Run lines through a built voice's frontend, and return the sizes with their shares.

    ``inputs`` are names of symbol tensors, one of which the frontend makes.
    """
    counts: list[int] = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            for sentence in voice.built.frontend.sentences([line]):
                name = next((n for n in inputs if n in sentence.tensors), None)
                if name is None:
                    there = ", ".join(sentence.tensors)
                    raise ExportError(f"no network reads the frontend's tensors: {there}")
                counts.append(int(np.shape(sentence.tensors[name])[-1]))
        except ExportError:
            raise
        except VoxstackError as error:
            raise ExportError(f"line {number}: {error}") from error
    if not counts:
        raise ExportError("contains no sentences")
    return shares(counts)


def shares(counts: Sequence[int]) -> list[list[float]]:
    """Return quantiles of sizes with their shares, at most PAIRS; the last is the largest."""
    places = np.arange(1, PAIRS + 1) / PAIRS
    found = np.quantile(np.asarray(counts), places, method="higher")
    sizes, times = np.unique(found.astype(int), return_counts=True)
    return [[int(s), round(float(n) / PAIRS, 4)] for s, n in zip(sizes, times, strict=True)]
