"""Draw spectrograms of the same sentence by all systems, one above the other."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from voxstack_train.features.spectrum import SAMPLE_RATE

WINDOW, STEP = 512, 64  # samples: they resolve the harmonics of a low voice
DEEP = 70.0  # dB shown below the loudest


def spectrograms(path: Path, title: str, audios: Mapping[str, np.ndarray]) -> None:
    """Draw audio [samples] at SAMPLE_RATE, by name, as a PNG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 2.4 * len(audios) + 0.6), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(len(audios), 1, squeeze=False, sharex=True)[:, 0]
    for axis, (name, audio) in zip(axes, audios.items(), strict=True):
        extent = (0, len(audio) / SAMPLE_RATE, 0, SAMPLE_RATE / 2000)
        axis.imshow(
            _decibels(audio), origin="lower", aspect="auto", extent=extent, vmin=-DEEP, vmax=0,
            cmap="magma",
        )  # fmt: skip
        axis.set_ylabel("kHz")
        axis.set_title(name, fontsize=9, loc="left")
    axes[-1].set_xlabel("seconds")
    axes[-1].set_xlim(0, max(len(audio) for audio in audios.values()) / SAMPLE_RATE)
    figure.suptitle(title if len(title) < 120 else f"{title[:117]}...", fontsize=10)
    partial = path.with_name(path.name + ".part")
    figure.savefig(partial, dpi=100, format="png")
    partial.replace(path)


def _decibels(audio: np.ndarray) -> np.ndarray:
    """Return the spectrogram [bins, steps], 0 dB at its loudest point."""
    padded = np.pad(audio, (WINDOW // 2, WINDOW))
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::STEP]
    size = np.abs(np.fft.rfft(frames * np.hanning(WINDOW), axis=1)).T
    return 20 * np.log10(np.maximum(size / max(size.max(), 1e-9), 1e-6))
