"""Discriminators that distinguish a vocoder's audio from the teacher's by its complex spectrum.

Source: multi-resolution discriminators of spectra (Jang et al. 2021; in complex form as in EnCodec,
Défossez et al. 2022), with the hinge loss and feature matching.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.parametrizations import weight_norm

from voxstack_train.training.waveform import spectrum

RESOLUTIONS = ((1024, 256), (512, 128), (256, 64))  # window, hop


class Discriminator(nn.Module):
    """One resolution: convolutions over frequency and time."""

    def __init__(self, window: int, hop: int, width: int = 16) -> None:
        super().__init__()
        self.window, self.hop = window, hop
        shapes = [
            (2, width, (7, 3), (2, 1)),
            (width, width, (7, 3), (2, 1)),
            (width, 2 * width, (5, 3), (2, 2)),
            (2 * width, 2 * width, (5, 3), (2, 1)),
        ]
        self.layers = nn.ModuleList(
            weight_norm(nn.Conv2d(i, o, k, s, (k[0] // 2, k[1] // 2))) for i, o, k, s in shapes
        )
        self.verdict = weight_norm(nn.Conv2d(2 * width, 1, 3, 1, 1))

    def forward(self, audio: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Return the verdicts on audio `[B, samples]`, and the intermediate features."""
        complex_ = spectrum(audio, self.window, self.hop)
        size = complex_.abs().unsqueeze(1) + 1e-5
        x = torch.stack([complex_.real, complex_.imag], 1) / size**0.7  # compress loudness
        features = []
        for layer in self.layers:
            x = functional.leaky_relu(layer(x), 0.1)
            features.append(x)
        return self.verdict(x), features


class Discriminators(nn.Module):
    """All resolutions."""

    def __init__(self) -> None:
        super().__init__()
        self.each = nn.ModuleList(Discriminator(*sizes) for sizes in RESOLUTIONS)

    def tell_apart(self, made: Tensor, wanted: Tensor) -> Tensor:
        """Return the discriminators' own loss."""
        losses = [
            functional.relu(1 - one(wanted)[0].float()).mean()
            + functional.relu(1 + one(made)[0].float()).mean()
            for one in self.each
        ]
        return torch.stack(losses).mean()

    def fooled(self, made: Tensor, wanted: Tensor) -> tuple[Tensor, Tensor]:
        """Return the vocoder's adversarial loss, and the distance of features to the teacher's."""
        fool, apart = [], []
        for one in self.each:
            verdict, ours = one(made)
            with torch.no_grad():
                _, theirs = one(wanted)
            fool.append(functional.relu(1 - verdict.float()).mean())
            apart += [
                (a.float() - b.float()).abs().mean() / (b.float().abs().mean() + 1e-3)
                for a, b in zip(ours, theirs, strict=True)
            ]
        return torch.stack(fool).mean(), torch.stack(apart).mean()
