"""The log-mel spectrum that acoustic models predict and vocoders read."""

from __future__ import annotations

from functools import cache

import numpy as np

SAMPLE_RATE = 16_000  # Hz
HOP = 200  # samples per frame, 12.5 ms
WINDOW = 4 * HOP  # samples of the STFT, Hann
BINS = WINDOW // 2 + 1
MELS = 80
FLOOR = 1e-4  # of the mel magnitudes, before the logarithm


def frames_of(samples: int) -> int:
    """Return the number of frames of `samples`: a frame is centered at its first sample."""
    return -(-samples // HOP)


@cache
def mel_filters() -> np.ndarray:
    """Return triangles, equally wide on the mel scale (O'Shaughnessy 1987), [MELS, BINS]."""
    highest = 2595 * np.log10(1 + SAMPLE_RATE / 2 / 700)
    edges = 700 * (10 ** (np.linspace(0, highest, MELS + 2) / 2595) - 1)
    bins = np.linspace(0, SAMPLE_RATE / 2, BINS)
    rising = (bins - edges[:-2, None]) / np.diff(edges)[:-1, None]
    falling = (edges[2:, None] - bins) / np.diff(edges)[1:, None]
    filters = np.maximum(0, np.minimum(rising, falling))
    for band in np.flatnonzero(filters.sum(1) < 1e-3):  # narrower than a bin: use the nearest
        filters[band, round(edges[band + 1] / (SAMPLE_RATE / 2) * (BINS - 1))] = 0.5
    return filters.astype(np.float32)


@cache
def _window() -> np.ndarray:
    return np.hanning(WINDOW + 1)[:-1].astype(np.float32)


def log_mel(audio: np.ndarray) -> np.ndarray:
    """Return the natural-log mel spectrum [MELS, frames] of audio [samples] in [-1, 1]."""
    count = frames_of(len(audio))
    padded = np.zeros(count * HOP + WINDOW, np.float32)
    padded[WINDOW // 2 : WINDOW // 2 + len(audio)] = audio
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[: count * HOP : HOP]
    magnitudes = np.abs(np.fft.rfft(frames * _window(), axis=1)).astype(np.float32)
    return np.log(np.maximum(magnitudes @ mel_filters().T, FLOOR)).T
