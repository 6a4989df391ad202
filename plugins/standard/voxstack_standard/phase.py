"""A phase from F0, as a feature of each frame."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from attrs import field, frozen
from voxstack import AudioFormat, Chunk, StreamableBlock, Tensors

from .networks import frames_of


@frozen
class Phase(StreamableBlock):
    """Integrate F0 (Hz) to ``phase`` [1, frames] in cycles, [0, 1), at each frame's first sample.

    F0 goes linearly from frame to frame; the sum is kept in float64 and wrapped. The vocoder so
    needs no state for it, and any chunk sizes give the same phase.
    """

    consumes = ("f0",)
    produces = ("phase",)

    audio: AudioFormat = field(kw_only=True)  # provided by the host

    def stream(self, sequence: Tensors, upstream: Iterator[Chunk] | None) -> Iterator[Chunk]:
        """Yield the frames with their phase."""
        hop, rate = self.audio.hop, self.audio.sample_rate
        phase, before = 0.0, None
        for chunk in frames_of(upstream):
            f0 = np.asarray(chunk["f0"], dtype=np.float64)[0]
            if not len(f0):
                yield chunk.replace(phase=np.zeros((1, 0), dtype=np.float32))
                continue
            previous = np.concatenate(([f0[0] if before is None else before], f0[:-1]))
            # Sum over the samples n of the previous frame: f + (f_next - f) * n / hop.
            steps = (previous * hop + (f0 - previous) * (hop - 1) / 2) / rate
            if before is None:
                steps[0] = 0.0
            cycles = np.cumsum(np.concatenate(([phase], steps)))[1:]
            phase, before = float(cycles[-1] % 1.0), f0[-1]
            yield chunk.replace(phase=(cycles % 1.0).astype(np.float32)[None])
