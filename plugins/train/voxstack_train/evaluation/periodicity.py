"""Measure the spectral fine structure: how far 1 to 6 kHz repeats with the voice's period.

1 is a pulse train, 0 is noise. Harmonics that are smeared or drowned in noise lower it first.
"""

from __future__ import annotations

import numpy as np

from voxstack_train.evaluation.filtering import band, resampled
from voxstack_train.features.spectrum import HOP, SAMPLE_RATE

BAND = (1000.0, 6000.0)  # Hz
GUIDE = 1000.0  # Hz: the period is found below it, so that noise in the band does not matter
FINER = 8  # oversampling: a period of 6 kHz has under three samples, too few for its phase
SEARCH = 0.06  # of the period, either way


def periodicity(audio: np.ndarray, f0: np.ndarray) -> np.ndarray:
    """Return the correlation of consecutive periods in the band, [voiced frames].

    `audio` [samples] at SAMPLE_RATE; `f0` in Hz, 0 if unvoiced, [frames].
    """
    rate = SAMPLE_RATE * FINER
    guide = resampled(band(audio, SAMPLE_RATE, 0, GUIDE), SAMPLE_RATE, rate)
    fine = resampled(band(audio, SAMPLE_RATE, *BAND), SAMPLE_RATE, rate)
    found = []
    for frame in np.flatnonzero(f0):
        center = frame * HOP * FINER
        period = round(rate / f0[frame])
        slack = round(period * SEARCH)
        if center < period or center + period + slack > len(fine):
            continue
        first = guide[center - period : center]
        later = guide[center - slack : center + period + slack]
        shifted = np.lib.stride_tricks.sliding_window_view(later, period)
        best = _correlations(first, shifted).argmax() - slack
        ours = fine[center - period : center]
        found.append(_correlations(ours, fine[None, center + best : center + best + period])[0])
    return np.array(found)


def _correlations(one: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return normalized products of a window [n] with others [k, n]."""
    size = np.sqrt((one @ one) * np.einsum("kn,kn->k", others, others))
    return others @ one / np.maximum(size, 1e-12)
