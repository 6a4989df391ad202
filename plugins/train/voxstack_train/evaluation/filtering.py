"""Band-limit and resample whole utterances exactly, by their Fourier transform.

The signal is assumed to repeat, which suits utterances that begin and end in silence.
"""

from __future__ import annotations

import numpy as np


def resampled(audio: np.ndarray, rate: int, wanted: int) -> np.ndarray:
    """Return audio [samples] at `rate` Hz resampled to `wanted` Hz."""
    count = round(len(audio) * wanted / rate)
    if rate == wanted or not count:
        return audio[:count]
    spectrum = np.fft.rfft(audio)
    fitted = np.zeros(count // 2 + 1, complex)
    kept = min(len(spectrum), len(fitted))
    fitted[:kept] = spectrum[:kept]
    return np.fft.irfft(fitted, count) * (count / len(audio))


def band(audio: np.ndarray, rate: int, low: float, high: float) -> np.ndarray:
    """Return the part of audio [samples] at `rate` Hz between two frequencies in Hz."""
    if not len(audio):
        return audio
    spectrum = np.fft.rfft(audio)
    frequencies = np.fft.rfftfreq(len(audio), 1 / rate)
    spectrum[(frequencies < low) | (frequencies > high)] = 0
    return np.fft.irfft(spectrum, len(audio))
