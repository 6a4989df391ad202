"""Noise as a feature of each frame."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from attrs import field, frozen
from voxstack import AudioFormat, Chunk, StreamableBlock, Tensors

from .networks import frames_of


@frozen
class Noise(StreamableBlock):
    """Add ``noise`` [1, hop, frames]: standard normal samples, one column a frame.

    Drawn in sequence from a generator seeded by (seed, sentence), so that the same seed gives
    the same audio, streamed or whole. numpy keeps the stream of ``RandomState`` frozen for good
    (NEP 19).
    """

    consumes = ("seed", "sentence")
    produces = ("noise",)

    audio: AudioFormat = field(kw_only=True)  # provided by the host

    def stream(self, sequence: Tensors, upstream: Iterator[Chunk] | None) -> Iterator[Chunk]:
        """Yield the frames with their noise."""
        seed = (int(sequence["seed"][0]), int(sequence["sentence"][0]))
        random = np.random.RandomState(np.random.MT19937(np.random.SeedSequence(seed)))
        for chunk in frames_of(upstream):
            samples = random.standard_normal((len(chunk), self.audio.hop))
            yield chunk.replace(noise=np.ascontiguousarray(samples.T[None], dtype=np.float32))
