"""The decoder: encodings and prosody at frame rate to the mel spectrum."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from voxstack_train.features.spectrum import MELS
from voxstack_train.networks.layers import (
    MEL_MEAN,
    MEL_SCALE,
    ConvNeXtBlock,
    OutputLinear,
    channels_first,
    channels_last,
    normalized_pitch,
    position_features,
)


class Decoder(nn.Module):
    """Maps encodings and prosody at frame rate to the log-mel spectrum, in delayed-state form.

    The normalization of the mel spectrum is in the initial values of `leave`.
    """

    def __init__(self, width: int = 192, blocks: int = 6) -> None:
        super().__init__()
        self.enter = nn.Conv1d(width + 6 + 3, width, 1)
        self.blocks = nn.ModuleList(ConvNeXtBlock(width, 7, 2) for _ in range(blocks))
        self.norm = nn.LayerNorm(width)
        self.leave = OutputLinear(width, MELS)
        with torch.no_grad():
            self.leave.weight *= MEL_SCALE
            self.leave.bias.fill_(MEL_MEAN)
        self.delay = sum(block.reach for block in self.blocks)

    def states(self) -> dict[str, tuple[int, ...]]:
        """Return the shape of each state, without the batch axis."""
        width = self.enter.out_channels
        convolutions = {f"block{i}": (width, 1, b.memory) for i, b in enumerate(self.blocks)}
        return {"mask": (1, 1, self.delay), **convolutions}

    def forward(
        self,
        encodings: Tensor,
        elapsed: Tensor,
        duration: Tensor,
        f0: Tensor,
        voiced: Tensor,
        mask: Tensor,
        *states: Tensor,
    ) -> tuple[Tensor, ...]:
        """Run one step: encodings `[B, C, T]`, the others `[B, T]`, then the states.

        Returns the mel spectrum `[B, 80, T]`, `delay` frames late, and the next states.
        """
        mask = mask.unsqueeze(1).unsqueeze(1)
        x = self._enter(encodings, elapsed, duration, f0, voiced) * mask
        masks = torch.cat([states[0], mask], -1)
        next_states = [masks[..., -self.delay :]]
        late = 0
        for block, state in zip(self.blocks, states[1:], strict=True):
            late += block.reach
            x, next_state = block(x, state, masks[..., self.delay - late : -late])
            next_states.append(next_state)
        return self._leave(x), *next_states

    def whole(
        self,
        encodings: Tensor,
        elapsed: Tensor,
        duration: Tensor,
        f0: Tensor,
        voiced: Tensor,
        mask: Tensor,
    ) -> Tensor:
        """Run a whole utterance at once, without delay."""
        mask = mask.unsqueeze(1).unsqueeze(1)
        x = self._enter(encodings, elapsed, duration, f0, voiced) * mask
        for block in self.blocks:
            x = block.whole(x, mask)
        return self._leave(x)

    def _enter(
        self, encodings: Tensor, elapsed: Tensor, duration: Tensor, f0: Tensor, voiced: Tensor
    ) -> Tensor:
        voiced, pitch = voiced.unsqueeze(1), normalized_pitch(f0.unsqueeze(1))
        position = position_features(elapsed, duration)
        x = torch.cat([encodings, position, pitch * voiced, pitch, voiced], 1)
        return self.enter(x).unsqueeze(2)

    def _leave(self, x: Tensor) -> Tensor:
        return channels_first(self.leave(self.norm(channels_last(x)))).squeeze(2)
