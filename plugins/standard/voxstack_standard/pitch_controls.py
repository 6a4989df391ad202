"""Apply the controls of pitch to F0, after the network that makes it."""

from __future__ import annotations

from typing import Self, final

import numpy as np
from attrs import frozen
from voxstack import BlockError, Tensors

LOWEST, HIGHEST = 40.0, 800.0  # Hz, the bounds of a changed F0
SEMITONE = np.log(2.0) / 12


@final
@frozen
class PitchControls:
    """Move and stretch F0, on the scale of its logarithm.

    The control ``pitch`` moves it by semitones (0: the speaker's own). The control
    ``pitch_range`` stretches its distance from the speaker's mean (1: the speaker's own, 0: flat);
    it needs the sequence tensor ``f0_mean`` in Hz, which an encoder makes.
    """

    semitones: float = 0.0
    stretch: float = 1.0
    mean: float = 1.0  # Hz; not used if nothing is stretched

    @classmethod
    def of(cls, sequence: Tensors) -> Self:
        """Return the controls of a sentence; BlockError if they need a tensor that is not there."""
        semitones, stretch = sequence.scalar("pitch", 0.0), sequence.scalar("pitch_range", 1.0)
        if stretch == 1.0:
            return cls(semitones)
        if "f0_mean" not in sequence:
            raise BlockError(
                "the control 'pitch_range' needs the sequence tensor 'f0_mean' (the speaker's mean "
                "F0 in Hz), which no encoder of the voice makes; export one that does, or remove "
                "the control from the addon"
            )
        mean = sequence.scalar("f0_mean")
        if not 0.0 < mean < np.inf:
            raise BlockError(f"'f0_mean' must be a frequency in Hz, not {mean:g}")
        return cls(semitones, stretch, mean)

    def __call__(self, f0: np.ndarray) -> np.ndarray:
        """Return F0 in Hz with the controls applied; at their defaults the same array.

        Zeros, by which some networks mark unvoiced frames, stay.
        """
        if self.semitones == 0.0 and self.stretch == 1.0:
            return f0
        sounding = ~(f0 <= 0)  # NaN stays visible
        distance = np.log(np.where(sounding, f0, 1.0).astype(np.float64)) - np.log(self.mean)
        moved = np.exp(np.log(self.mean) + self.stretch * distance + self.semitones * SEMITONE)
        return np.where(sounding, np.clip(moved, LOWEST, HIGHEST), f0).astype(f0.dtype)
