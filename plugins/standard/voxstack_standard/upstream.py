"""Require the frames that a block reads."""

from __future__ import annotations

from collections.abc import Iterator

from voxstack import BlockError, Chunk


def frames_of(upstream: Iterator[Chunk] | None) -> Iterator[Chunk]:
    """Return the upstream of a block that reads frames; BlockError if there is none."""
    if upstream is None:
        raise BlockError("is the first block of its row; put a block that makes frames before it")
    return upstream
