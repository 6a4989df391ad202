"""Fades."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from attrs import field, frozen
from attrs.validators import gt
from voxstack import AudioFormat, Chunk, StreamableBlock, Tensors


@frozen
class FadeIn(StreamableBlock):
    """Raise the audio from silence, linearly."""

    # What it reads and makes: optional, and checked before anything loads.
    consumes = ("audio",)
    produces = ("audio",)

    seconds: float = field(default=0.1, validator=gt(0))  # until full level
    audio: AudioFormat = field(kw_only=True)  # the host provides it from the voice

    def stream(self, sequence: Tensors, upstream: Iterator[Chunk] | None) -> Iterator[Chunk]:
        """Yield the audio, the beginning of the utterance raised from silence."""
        length = self.seconds * self.audio.sample_rate
        for chunk in upstream or ():
            # ``start`` counts samples from the beginning of the utterance: nothing to remember.
            times = np.arange(chunk.start, chunk.start + len(chunk), dtype=np.float32)
            yield chunk.replace(audio=chunk["audio"] * np.minimum(times / length, 1))
