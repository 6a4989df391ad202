"""Match the frames of two utterances by dynamic time warping."""

from __future__ import annotations

import numpy as np


def warped(ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    """Return the pairs of frames (ours, theirs) with the least total distance, int [pairs, 2].

    `ours` [n, features] and `theirs` [m, features]; both ends are fixed, no frame is skipped
    (Sakoe and Chiba 1978, symmetric, without slope limits).
    """
    cost = _distances(ours, theirs)
    rows, columns = cost.shape
    total = np.full((rows + 1, columns + 1), np.inf)
    total[0, 0] = 0
    for diagonal in range(rows + columns - 1):  # cells of a diagonal do not depend on each other
        row = np.arange(max(0, diagonal - columns + 1), min(rows, diagonal + 1))
        column = diagonal - row
        before = np.minimum(total[row, column], total[row, column + 1])
        before = np.minimum(before, total[row + 1, column])
        total[row + 1, column + 1] = before + cost[row, column]
    row, column = rows, columns
    pairs = []
    while row and column:
        pairs.append((row - 1, column - 1))
        ways = (total[row - 1, column - 1], total[row - 1, column], total[row, column - 1])
        best = int(np.argmin(ways))
        row -= best != 2
        column -= best != 1
    return np.array(pairs[::-1], np.int64).reshape(-1, 2)


def moved(times: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """Return the positions in theirs, in frames, of positions in ours."""
    ours, first = np.unique(pairs[:, 0], return_index=True)
    last = np.append(first[1:], len(pairs)) - 1
    middles = (pairs[first, 1] + pairs[last, 1]) / 2
    return np.interp(times, ours, middles)


def _distances(ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    """Return Euclidean distances [n, m] of features [n, features] and [m, features]."""
    squares = (ours**2).sum(1)[:, None] + (theirs**2).sum(1) - 2 * ours @ theirs.T
    return np.sqrt(np.maximum(squares, 0))
