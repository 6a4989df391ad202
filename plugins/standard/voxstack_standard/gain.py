"""Change the loudness."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import field, frozen
from attrs.validators import ge, le
from voxstack import Chunk, StreamableBlock, Tensors

from .upstream import frames_of


@frozen
class Gain(StreamableBlock):
    """Scale the audio by a constant."""

    consumes = ("audio",)
    produces = ("audio",)

    db: float = field(default=0.0, validator=[ge(-120.0), le(60.0)])  # decibels

    def stream(self, sequence: Tensors, upstream: Iterator[Chunk] | None) -> Iterator[Chunk]:
        """Yield the scaled audio."""
        factor = 10 ** (self.db / 20)
        for chunk in frames_of(upstream):
            yield chunk.replace(audio=chunk["audio"] * factor)
