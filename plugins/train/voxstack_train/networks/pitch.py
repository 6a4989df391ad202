"""Mel spectrum to F0 and voicing, for vocoders without F0 as input.

With it, a source-filter vocoder serves acoustic models that only make a mel spectrum, as in
HiFTNet (Li et al. 2023).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from voxstack_train.features.spectrum import MELS
from voxstack_train.networks.layers import (
    MEL_MEAN,
    MEL_SCALE,
    PITCH_MEAN,
    PITCH_SCALE,
    ConvNeXtBlock,
    OutputLinear,
    channels_last,
)


class MelPitch(nn.Module):
    """Predicts F0 and voicing of each frame; stateless, with the context of its blocks."""

    def __init__(self, width: int = 128, blocks: int = 4) -> None:
        super().__init__()
        self.enter = nn.Conv1d(MELS, width, 1)
        self.blocks = nn.ModuleList(ConvNeXtBlock(width, 7, 2) for _ in range(blocks))
        self.norm = nn.LayerNorm(width)
        self.leave = OutputLinear(width, 2)

    def forward(self, mel: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Map mel `[B, MELS, T]` and mask `[B, T]` to f0 in Hz and voicing, a logit, `[B, T]`."""
        pitch, voicing = self.normalized(mel, mask)
        return torch.exp(pitch * PITCH_SCALE + PITCH_MEAN), voicing

    def normalized(self, mel: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Return the same with F0 on the scale of training."""
        mask = mask.unsqueeze(1).unsqueeze(1)
        x = self.enter((mel - MEL_MEAN) / MEL_SCALE).unsqueeze(2) * mask
        for block in self.blocks:
            x = block.whole(x, mask)
        pitch, voicing = self.leave(self.norm(channels_last(x))).squeeze(1).split(1, -1)
        return pitch.squeeze(-1), voicing.squeeze(-1)
