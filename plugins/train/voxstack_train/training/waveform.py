"""Compare waveforms for the training of vocoders."""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor

from voxstack_train.features.spectrum import FLOOR, HOP, WINDOW, mel_filters

RESOLUTIONS = ((2048, 512), (1024, 256), (512, 128), (256, 64))  # window, hop


@cache
def _window(size: int, device: str) -> Tensor:
    return torch.hann_window(size, device=device)


@cache
def _filters(device: str) -> Tensor:
    return torch.from_numpy(mel_filters()).to(device)


def spectrum(audio: Tensor, window: int, hop: int, center: bool = True) -> Tensor:
    """Return the complex STFT `[B, bins, frames]` of audio `[B, samples]`."""
    return torch.stft(
        audio.float(),
        window,
        hop,
        window=_window(window, str(audio.device)),
        center=center,
        pad_mode="constant",
        return_complex=True,
    )


def magnitudes(audio: Tensor, window: int, hop: int) -> Tensor:
    """Return STFT magnitudes `[B, bins, frames]`, with a gradient at 0."""
    complex_ = spectrum(audio, window, hop)
    return (complex_.real.square() + complex_.imag.square() + 1e-10).sqrt()


def log_mel(around: Tensor, margin: int) -> Tensor:
    """Return log-mel `[B, MELS, T]` of audio with `margin` more frames on each side."""
    first = margin * HOP - WINDOW // 2
    inner = around[:, first : around.shape[1] - first - HOP]
    found = spectrum(inner, WINDOW, HOP, center=False).abs()
    return torch.log((_filters(str(around.device)) @ found).clamp(min=FLOOR))


def distances(made: Tensor, wanted: Tensor) -> dict[str, Tensor]:
    """Compare waveforms `[B, samples]` at several resolutions (Yamamoto et al. 2020) and in mel."""
    convergence, logarithm = torch.zeros(()), torch.zeros(())
    for window, hop in RESOLUTIONS:
        ours, theirs = magnitudes(made, window, hop), magnitudes(wanted, window, hop)
        size = theirs.norm(dim=(1, 2)) + 0.05
        convergence = convergence + ((ours - theirs).norm(dim=(1, 2)) / size).mean()
        difference = ours.clamp(min=FLOOR).log() - theirs.clamp(min=FLOOR).log()
        logarithm = logarithm + difference.abs().mean()
    filters = _filters(str(made.device))
    mels = [
        (filters @ magnitudes(audio, WINDOW, HOP // 2)).clamp(min=FLOOR).log()
        for audio in (made, wanted)
    ]
    count = len(RESOLUTIONS)
    return {
        "convergence": convergence / count,
        "logarithm": logarithm / count,
        "mel": (mels[0] - mels[1]).abs().mean(),
    }
