"""Add a phase from F0 as a feature of each frame."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from attrs import field, frozen
from voxstack import AudioFormat, BlockError, Chunk, StreamableBlock, Tensors

from .upstream import frames_of

TURN = 2.0**53  # steps of a cycle's fraction, all that a float64 resolves
SHIFT = np.uint64(11)  # to the top of 64 bits, where a full cycle overflows to 0
TO_24_BITS = np.uint64(40)  # what a float32 in [0, 1) holds


@frozen
class Phase(StreamableBlock):
    """Integrate F0 (Hz) to ``phase`` [1, frames] in cycles, [0, 1), at each frame's first sample.

    F0 is linear between frames. The sum is kept in 64-bit fixed point, in which a full cycle
    overflows to 0: sums are exact, so that any chunk sizes give the same bits, and the vocoder
    needs no state for the phase.
    """

    consumes = ("f0",)
    produces = ("phase",)

    audio: AudioFormat = field(kw_only=True)  # provided by the host

    def stream(self, sequence: Tensors, upstream: Iterator[Chunk] | None) -> Iterator[Chunk]:
        """Yield the frames with their phase."""
        hop, rate = self.audio.hop, self.audio.sample_rate
        total = np.zeros(1, dtype=np.uint64)
        before: np.ndarray | None = None
        for chunk in frames_of(upstream):
            f0 = np.asarray(chunk["f0"], dtype=np.float64)[0]
            if not np.isfinite(f0).all():
                raise BlockError("'f0' has values that are not finite")
            previous = np.concatenate((f0[:1] if before is None else before, f0[:-1]))[: len(f0)]
            # Sum over the samples n of the previous frame: f + (f_next - f) * n / hop.
            cycles = (previous * hop + (f0 - previous) * (hop - 1) / 2) / rate
            if before is None:
                cycles[:1] = 0.0
            steps = ((cycles % 1.0) * TURN).astype(np.uint64) << SHIFT
            totals = np.cumsum(np.concatenate((total, steps)), dtype=np.uint64)
            if len(f0):
                total, before = totals[-1:], f0[-1:]
            phase = (totals[1:] >> TO_24_BITS).astype(np.float32) * np.float32(2.0**-24)
            yield chunk.replace(phase=phase[None])
