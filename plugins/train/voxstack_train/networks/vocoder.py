"""Mel spectrum and excitation to the waveform.

Sources: Vocos (Siuzdak 2023) for predicting spectra at frame rate; the neural source-filter model
(Wang et al. 2019) for what they filter.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from voxstack_train.features.spectrum import HOP, MELS, WINDOW
from voxstack_train.networks.layers import (
    MEL_MEAN,
    MEL_SCALE,
    ConvNeXtBlock,
    OutputLinear,
    channels_first,
    channels_last,
    full_precision,
    normalised_pitch,
)
from voxstack_train.networks.source import pulse_train

HALF = WINDOW // 2
BINS = HALF // 2 + 1  # even bins of the STFT: 0, 2, ..., 400; there is one odd one less


class Vocoder(nn.Module):
    """A neural source-filter in the STFT domain, in the delayed-state form.

    A ConvNeXt stack at frame rate gives, for each bin of an 800-sample STFT, the magnitude and the
    phase of a filter for the pulse train and the magnitude of one for the noise. Filtering is a
    product of spectra; the frames overlap and add. The STFT of frame t is centred at the first
    sample of frame t, and so spans the frames t-2 to t+1.

    The transforms are real matrix products, split once by parity as in the fast Fourier transform:
    the even bins depend only on the sum of a frame's halves, the odd bins on the difference, which
    halves the products. Spectra are `[..., T, 2, BINS]`, the even bins, then the odd ones and one
    of zeros. The constant overlap of the squared Hann window, 1.5, is folded into the inverse.
    """

    window: Tensor  # [WINDOW]
    analyse_even: Tensor  # [HALF, 2 * BINS], real parts then imaginary parts
    analyse_odd: Tensor
    resynthesise_even: Tensor  # [2 * BINS, HALF]
    resynthesise_odd: Tensor

    BEFORE, AFTER = 2, 2  # frames of excitation that the spectrum of one frame needs on each side

    def __init__(self, width: int = 192, blocks: int = 6) -> None:
        super().__init__()
        self.enter = nn.Conv2d(MELS + 2, width, (1, 7))
        self.enter_norm = nn.LayerNorm(width)
        self.blocks = nn.ModuleList(ConvNeXtBlock(width, 7, 3) for _ in range(blocks))
        self.norm = nn.LayerNorm(width)
        self.leave = OutputLinear(width, 2 * 3 * BINS)
        nn.init.normal_(self.leave.weight, 0, 0.02)
        nn.init.zeros_(self.leave.bias)
        self.spectrum_delay = 3 + sum(block.reach for block in self.blocks)
        # Two frames more: the last spectra that overlap with a frame's samples.
        self.delay = self.spectrum_delay + 2

        self.register_buffer("window", torch.hann_window(WINDOW, dtype=torch.float64).float())
        time = torch.arange(HALF, dtype=torch.float64)
        for first, name in enumerate(["even", "odd"]):
            bins = torch.arange(first, first + 2 * BINS, 2, dtype=torch.float64)
            angle = 2 * math.pi / WINDOW * torch.outer(time, bins)
            # A real signal has the bins above the middle as mirror images: count them here, and
            # leave out bin 401, which is one of them.
            count = torch.full_like(bins, 2.0)
            count[(bins == 0) | (bins == HALF)] = 1
            count[bins > HALF] = 0
            analyse = torch.cat([torch.cos(angle), -torch.sin(angle)], 1)
            resynthesise = analyse * count.repeat(2) / WINDOW / 1.5
            self.register_buffer(f"analyse_{name}", (analyse * (count > 0).repeat(2)).float())
            self.register_buffer(f"resynthesise_{name}", resynthesise.T.contiguous().float())

    def states(self) -> dict[str, tuple[int, ...]]:
        """The shape of each state, without the batch axis."""
        width = self.enter.out_channels
        convolutions = {f"block{i}": (width, 1, b.memory) for i, b in enumerate(self.blocks)}
        return {
            "excitation": (4, 1, self.delay),  # F0, voiced, phase, mask
            "noise": (HOP, 1, self.delay),
            "enter": (MELS + 2, 1, 6),
            **convolutions,
            "frames": (1, 3, WINDOW),  # that later ones overlap with
        }

    def forward(
        self,
        mel: Tensor,
        f0: Tensor,
        voiced: Tensor,
        phase: Tensor,
        noise: Tensor,
        mask: Tensor,
        *states: Tensor,
    ) -> tuple[Tensor, ...]:
        """Mel `[B, 80, T]`, f0 in Hz, voiced, phase in cycles, mask `[B, T]`, noise `[B, 200, T]`.

        Then the states; returns audio `[B, 200 * T]`, `delay` frames late, and the next states.
        """
        excitation, noises, entered, *convolutions, frames = states
        lines, noise, features, mask = self._gate(mel, f0, voiced, phase, noise, mask)
        excitation = torch.cat([excitation, lines], -1)
        noises = torch.cat([noises, noise], -1)
        entered = torch.cat([entered, features], -1)
        next_states = [
            excitation[..., -self.delay :],
            noises[..., -self.delay :],
            entered[..., -6:],
        ]
        masks = excitation[:, 3:]

        late = 3
        x = self._enter(entered) * masks[..., self.delay - late : -late]
        for block, state in zip(self.blocks, convolutions, strict=True):
            late += block.reach
            mask = masks[..., self.delay - late : -late]
            x, next_state = block(x, state, mask)
            next_states.append(next_state)

        ahead = late - self.AFTER  # the newest frame of excitation that is needed is this late
        source = pulse_train(excitation[..., :-ahead])
        noises = channels_last(noises[..., : -ahead - 1])
        frames = torch.cat([frames, self._filter(x, source, noises, mask)], 2)
        return self._overlap_add(frames), *next_states, frames[..., -3:, :]

    def whole(
        self, mel: Tensor, f0: Tensor, voiced: Tensor, phase: Tensor, noise: Tensor, mask: Tensor
    ) -> Tensor:
        """A whole utterance at once, without delay: audio `[B, 200 * T]`."""
        lines, noise, features, mask = self._gate(mel, f0, voiced, phase, noise, mask)
        x = self._enter(functional.pad(features, (3, 3))) * mask
        for block in self.blocks:
            x = block.whole(x, mask)
        with full_precision(self, x.device.type):
            source = pulse_train(functional.pad(lines, (self.BEFORE, self.AFTER)))
            noises = channels_last(functional.pad(noise, (self.BEFORE, self.AFTER - 1)))
            frames = self._filter(x.float(), source, noises, mask)
            return self._overlap_add(functional.pad(frames, (0, 0, 1, 2)))

    def _gate(
        self, mel: Tensor, f0: Tensor, voiced: Tensor, phase: Tensor, noise: Tensor, mask: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Mask the inputs; returns images of height 1.

        The lines of `pulse_train` `[B, 4, 1, T]`, noise, what the filters are made from, normalised
        `[B, 82, 1, T]`, and the mask.
        """
        f0, voiced, mask = f0.unsqueeze(1), voiced.unsqueeze(1), mask.unsqueeze(1)
        lines = torch.cat([f0, voiced, phase.unsqueeze(1), mask], 1) * mask
        mel = (mel - MEL_MEAN) / MEL_SCALE
        features = torch.cat([mel, normalised_pitch(f0) * voiced, voiced], 1) * mask
        noise = noise * mask
        return lines.unsqueeze(2), noise.unsqueeze(2), features.unsqueeze(2), mask.unsqueeze(2)

    def _enter(self, x: Tensor) -> Tensor:
        """`[B, 82, 1, T + 6]` -> `[B, C, 1, T]`."""
        return channels_first(self.enter_norm(channels_last(self.enter(x))))

    def _filter(self, x: Tensor, source: Tensor, noise: Tensor, mask: Tensor) -> Tensor:
        """Filter the excitation, one windowed frame for each frame of x.

        x `[B, C, 1, T]`, source and noise `[B, 1, T + 3, HOP]`, mask `[B, 1, 1, T]`; returns
        `[B, 1, T, WINDOW]`.
        """
        spectra = self._analyse(torch.cat([source, noise], 1))
        pulses, hiss = spectra.split(1, 1)
        pulses_real, pulses_imaginary = pulses.split(BINS, -1)
        hiss_real, hiss_imaginary = hiss.split(BINS, -1)

        filters = self.leave(self.norm(channels_last(x)))
        filters = torch.stack(filters.split(3 * BINS, -1), -2)  # [B, 1, T, 2, 3 * BINS]
        magnitudes, hiss_magnitudes, phases = filters.split(BINS, -1)
        magnitudes = torch.exp(magnitudes.clamp(max=6) - 3)
        hiss_magnitudes = torch.exp(hiss_magnitudes.clamp(max=6) - 4)
        real, imaginary = magnitudes * torch.cos(phases), magnitudes * torch.sin(phases)

        filtered = [
            real * pulses_real - imaginary * pulses_imaginary + hiss_magnitudes * hiss_real,
            real * pulses_imaginary + imaginary * pulses_real + hiss_magnitudes * hiss_imaginary,
        ]
        return self._resynthesise(torch.cat(filtered, -1)) * mask.transpose(2, 3)

    def _analyse(self, blocks: Tensor) -> Tensor:
        """Blocks `[B, 2, T + 3, HOP]` to spectra `[B, 2, T, 2, 2 * BINS]` of windowed frames."""
        first = torch.cat([blocks[..., :-3, :], blocks[..., 1:-2, :]], -1)
        second = torch.cat([blocks[..., 2:-1, :], blocks[..., 3:, :]], -1)
        first, second = first * self.window[:HALF], second * self.window[HALF:]
        even, odd = (first + second) @ self.analyse_even, (first - second) @ self.analyse_odd
        return torch.stack([even, odd], -2)

    def _resynthesise(self, spectra: Tensor) -> Tensor:
        """Spectra `[B, 1, T, 2, 2 * BINS]` to windowed frames `[B, 1, T, WINDOW]`."""
        even, odd = spectra.split(1, -2)
        even, odd = even @ self.resynthesise_even, odd @ self.resynthesise_odd
        return torch.cat([even + odd, even - odd], -1).squeeze(-2) * self.window

    def _overlap_add(self, frames: Tensor) -> Tensor:
        """Windowed frames `[B, 1, T + 3, WINDOW]`, one before and two after -> `[B, HOP * T]`."""
        first, second, third, fourth = frames.split(HOP, -1)
        blocks = (
            fourth[..., :-3, :] + third[..., 1:-2, :] + second[..., 2:-1, :] + first[..., 3:, :]
        )
        return blocks.flatten(1)
