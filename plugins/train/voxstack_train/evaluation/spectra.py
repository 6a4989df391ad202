"""Compare mel spectra: their distance, and their variance."""

from __future__ import annotations

import numpy as np

ORDER = 24  # cepstral coefficients to compare, without the mean level
QUIET = 40.0  # dB below the loudest frame: quieter frames are not speech
SILENT = -60.0  # dB: quieter frames are not speech


def cepstra(mel: np.ndarray) -> np.ndarray:
    """Return mel cepstra [frames, 1 + ORDER] of a natural-log mel spectrum [bands, frames].

    Scaled so that the spectrum is the sum of c[k] cos(...), as in mel-cepstral analysis.
    """
    bands = len(mel)
    angles = np.pi / bands * np.outer(np.arange(ORDER + 1), np.arange(bands) + 0.5)
    return (2 / bands * np.cos(angles) @ mel).T


def distortion(ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    """Return mel-cepstral distortion in dB (Kubichek 1993), [...], of cepstra [..., 1 + ORDER]."""
    difference = ours[..., 1:] - theirs[..., 1:]
    return 10 / np.log(10) * np.sqrt(2 * (difference**2).sum(-1))


def speech(mel: np.ndarray) -> np.ndarray:
    """Return the frames of a natural-log mel spectrum [bands, frames] that contain speech."""
    level = 10 * np.log10(np.exp(2 * np.asarray(mel, np.float64)).mean(0))
    return level > max(level.max(initial=SILENT) - QUIET, SILENT)


def variance_ratio(ours: np.ndarray, theirs: np.ndarray) -> float | None:
    """Return the variance over time of our mel bands relative to theirs, as geometric mean.

    The global variance of Toda and Tokuda (2007): below 1 is over-smoothed. None without speech.
    """
    own, other = ours[:, speech(ours)].var(1), theirs[:, speech(theirs)].var(1)
    if not (own.all() and other.all()):
        return None
    return float(np.exp(np.mean(np.log(own / other))))
