"""The prosody network: encodings to F0 and voicing."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from voxstack_train.networks.layers import (
    PITCH_MEAN,
    PITCH_SCALE,
    ConvNeXtBlock,
    OutputLinear,
    channels_last,
    position_features,
)


class Prosody(nn.Module):
    """Predicts F0 and voicing of each frame; stateless, with the context of its blocks."""

    def __init__(self, width: int = 192) -> None:
        super().__init__()
        self.enter = nn.Conv1d(width + 6, width, 1)
        self.blocks = nn.ModuleList(ConvNeXtBlock(width, 7, 2) for _ in range(3))
        self.norm = nn.LayerNorm(width)
        self.leave = OutputLinear(width, 2)

    def forward(
        self, encodings: Tensor, elapsed: Tensor, duration: Tensor, mask: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Map encodings `[B, C, T]` and elapsed, duration, mask `[B, T]` at frame rate to F0.

        Returns f0 `[B, T]` in Hz, for unvoiced frames too, and voicing `[B, T]`, a logit.
        """
        pitch, voicing = self.normalized(encodings, elapsed, duration, mask)
        return torch.exp(pitch * PITCH_SCALE + PITCH_MEAN), voicing

    def normalized(
        self, encodings: Tensor, elapsed: Tensor, duration: Tensor, mask: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return the same with F0 on the scale of training."""
        mask = mask.unsqueeze(1).unsqueeze(1)
        x = self.enter(torch.cat([encodings, position_features(elapsed, duration)], 1))
        x = x.unsqueeze(2) * mask
        for block in self.blocks:
            x = block.whole(x, mask)
        pitch, voicing = self.leave(self.norm(channels_last(x))).squeeze(1).split(1, -1)
        return pitch.squeeze(-1), voicing.squeeze(-1)
