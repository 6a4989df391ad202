"""Reconstruct audio from a mel spectrum without a network, as a baseline for vocoders.

Griffin and Lim (1984) with the momentum of Perraudin, Balazs and Sondergaard (2013).
"""

from __future__ import annotations

import numpy as np

from voxstack_train.features.spectrum import BINS, HOP, WINDOW, mel_filters

ROUNDS = 60
MOMENTUM = 0.99
FITTING = 30  # iterations that fit magnitudes to the mel spectrum


def griffin_lim(mel: np.ndarray) -> np.ndarray:
    """Return audio float32 [frames * HOP] of a natural-log mel spectrum [MELS, frames]."""
    size = _magnitudes(np.exp(np.asarray(mel, np.float32)))
    phase = np.random.default_rng(0).random(size.shape) * 2 * np.pi
    spectrum = size * np.exp(1j * phase)
    before = np.zeros_like(spectrum)
    for _ in range(ROUNDS):
        again = _stft(_istft(spectrum))
        pushed = again + MOMENTUM * (again - before)
        before = again
        spectrum = size * pushed / np.maximum(np.abs(pushed), 1e-12)
    return _istft(spectrum).astype(np.float32)


def _magnitudes(mel: np.ndarray) -> np.ndarray:
    """Return nonnegative magnitudes [frames, BINS] with the mel magnitudes [MELS, frames]."""
    filters = mel_filters()
    size = np.maximum(np.linalg.pinv(filters) @ mel, 1e-5)
    for _ in range(FITTING):  # Lee and Seung (2001)
        size *= (filters.T @ mel) / (filters.T @ (filters @ size) + 1e-8)
    return size.T


def _window() -> np.ndarray:
    return np.hanning(WINDOW + 1)[:-1].astype(np.float32)


def _stft(audio: np.ndarray) -> np.ndarray:
    """Return the spectrum [frames, BINS] of audio [frames * HOP]; frame t centers at t * HOP."""
    padded = np.pad(audio, WINDOW // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[: len(audio) : HOP]
    return np.fft.rfft(frames * _window())


def _istft(spectrum: np.ndarray) -> np.ndarray:
    """Return the audio [frames * HOP] whose spectrum is nearest to [frames, BINS]."""
    assert spectrum.shape[1] == BINS
    count, overlap = len(spectrum), WINDOW // HOP
    window = _window()
    pieces = (np.fft.irfft(spectrum) * window).reshape(count, overlap, HOP)
    weights = (window**2).reshape(overlap, HOP)
    audio = np.zeros((count + overlap - 1, HOP))
    weight = np.full_like(audio, 1e-8)
    for place in range(overlap):
        audio[place : place + count] += pieces[:, place]
        weight[place : place + count] += weights[place]
    first = WINDOW // 2
    return (audio / weight).reshape(-1)[first : first + count * HOP]
