"""Loudness."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import frozen
from voxstack import Chunk, StreamableBlock, Tensors

from .networks import frames_of


@frozen
class Gain(StreamableBlock):
    """Scale the audio by a constant."""

    consumes = ("audio",)
    produces = ("audio",)

    db: float = 0.0  # decibels

    def stream(self, sequence: Tensors, upstream: Iterator[Chunk] | None) -> Iterator[Chunk]:
        """Yield the scaled audio."""
        factor = 10 ** (self.db / 20)
        for chunk in frames_of(upstream):
            yield chunk.replace(audio=chunk["audio"] * factor)
