"""The layers of the networks.

Axis 0 is the batch, time is the last axis: text `[B, T]`, features `[B, C, T]`, audio `[B, T]`.
One frame is `HOP` samples. Inside, features are images of height 1, `[B, C, 1, T]`, because ONNX
Runtime has a fast depthwise convolution only for images. Every operator costs time to load and to
call, so these modules are written with few of them.

**Masks.** `mask [B, T]` is 1 for real positions and 0 for padding. It is applied before every
convolution, so padding equals the zeros beyond the edges, and a padded call returns the frames of
the exact-size call.

**Delayed states.** A convolution with kernel K reads R = K // 2 frames ahead. A streaming one keeps
its last K - 1 inputs as state, and its output is R frames late: nothing is computed twice. The
delays of a stack add up, so output j of a network belongs to frame j - delay; the first `delay`
outputs are discarded, and `delay` masked frames at the end flush the last ones. All states start
as zeros. `forward` is this form; `whole` is the same network offline, for training.

Source: ConvNeXt (Liu et al. 2022) in one dimension, as in Vocos (Siuzdak 2023).
"""

from __future__ import annotations

import math
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor, nn
from torch.nn import functional

MEL_MEAN, MEL_SCALE = -5.0, 2.5  # of the natural-log mel spectrum
PITCH_MEAN, PITCH_SCALE = 5.0, 0.4  # of the natural log of F0 in Hz
LOWEST_F0 = 20.0  # Hz; keeps log and division finite where F0 is padding
LAYER_SCALE = 0.3  # of a block's residual at the start of training


def channels_last(x: Tensor) -> Tensor:
    """Move channels last for norms and linear layers: `[B, C, 1, T]` -> `[B, 1, T, C]`."""
    return x.permute(0, 2, 3, 1)


def channels_first(x: Tensor) -> Tensor:
    """Move channels first: `[B, 1, T, C]` -> `[B, C, 1, T]`."""
    return x.permute(0, 3, 1, 2)


class ConvNeXtBlock(nn.Module):
    """A ConvNeXt block over time: depthwise convolution, LayerNorm, two-layer network, residual.

    The layer scale of the paper is in the initial values of `contract`. A causal block reads only
    the past.
    """

    def __init__(self, width: int, kernel: int, expansion: int, causal: bool = False) -> None:
        super().__init__()
        self.memory = kernel - 1
        self.reach = 0 if causal else kernel // 2
        self.depthwise = nn.Conv2d(width, width, (1, kernel), groups=width)
        self.norm = nn.LayerNorm(width)
        self.expand = nn.Linear(width, expansion * width)
        self.contract = nn.Linear(expansion * width, width)
        with torch.no_grad():
            self.contract.weight *= LAYER_SCALE
            self.contract.bias.zero_()

    def forward(self, x: Tensor, state: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Run one step: x `[B, C, 1, T]`, state `[B, C, 1, memory]`; mask of the *output*."""
        x = torch.cat([state, x], -1)
        passed = x[..., self.memory - self.reach : x.shape[-1] - self.reach]
        return (passed + self._residual(self.depthwise(x))) * mask, x[..., -self.memory :]

    def whole(self, x: Tensor, mask: Tensor) -> Tensor:
        """Run without delay: x `[B, C, 1, T]`, mask `[B, 1, 1, T]` -> `[B, C, 1, T]`."""
        padded = functional.pad(x, (self.memory - self.reach, self.reach))
        return (x + self._residual(self.depthwise(padded))) * mask

    def _residual(self, h: Tensor) -> Tensor:
        """Return what the block adds, from the output of its convolution."""
        h = self.contract(functional.silu(self.expand(self.norm(channels_last(h)))))
        return channels_first(h)


def full_precision(module: nn.Module, device: str) -> AbstractContextManager[object]:
    """Return a context in which a module computes in full precision despite mixed training.

    bfloat16 has 8 bits: too few for a waveform, or for values that are compared with a target. At
    run time and in exports everything is in full precision anyway.
    """
    return torch.autocast(device, enabled=False) if module.training else nullcontext()


class OutputLinear(nn.Linear):
    """A linear layer in full precision."""

    def forward(self, x: Tensor) -> Tensor:
        """Map `[..., in]` to `[..., out]`."""
        with full_precision(self, x.device.type):
            return super().forward(x.float())


def position_features(elapsed: Tensor, duration: Tensor) -> Tensor:
    """Return the position of each frame in its symbol: both `[B, T]` in frames -> `[B, 6, T]`."""
    elapsed, duration = elapsed.unsqueeze(1), duration.unsqueeze(1).clamp(min=1)
    part = elapsed / duration
    features = [
        part,
        1 - part,
        elapsed / 10,
        (duration - elapsed) / 10,
        torch.log1p(duration) / 3,
        torch.sin(math.pi * part),
    ]
    return torch.cat(features, 1).clamp(-4, 4)


def normalized_pitch(f0: Tensor) -> Tensor:
    """Map F0 in Hz to the scale on which the networks are trained."""
    return (torch.log(f0.clamp(min=LOWEST_F0)) - PITCH_MEAN) / PITCH_SCALE
