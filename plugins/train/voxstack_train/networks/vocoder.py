"""The vocoder: mel spectrum and excitation to the waveform.

Sources: Vocos (Siuzdak 2023) for predicting spectra at frame rate; the neural source-filter model
(Wang et al. 2019) for what they filter.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from voxstack_train.features.spectrum import HOP, MELS, WINDOW, mel_filters
from voxstack_train.networks.layers import (
    MEL_MEAN,
    MEL_SCALE,
    ConvNeXtBlock,
    OutputLinear,
    channels_first,
    channels_last,
    full_precision,
    normalized_pitch,
)
from voxstack_train.networks.source import pulse_train

HALF = WINDOW // 2
BINS = HALF // 2 + 1  # even bins of the STFT: 0, 2, ..., 400; there is one odd bin less
BEFORE, AFTER = 2, 2  # frames of excitation on each side that the spectrum of a frame needs
STRONGEST = 2.0  # nats: the most by which a correction raises or lowers a band
FAINTEST = 1e-5  # mel magnitudes below it are treated as zero


class Vocoder(nn.Module):
    """A neural source-filter in the STFT domain, in delayed-state form.

    A ConvNeXt stack at frame rate predicts, for each bin of an 800-sample STFT, the magnitude and
    the phase of a filter for the pulse train and the magnitude of one for the noise. Filtering is a
    product of spectra; the frames overlap and add. The STFT of frame t is centered at the first
    sample of frame t, so it spans the frames t-2 to t+1.

    The output must have the mel spectrum of the input, which can be enforced: the spectra are
    corrected band by band before they overlap, and once more after it, when neighbors have changed
    each other (a step of Griffin and Lim 1984 that keeps the phases). As a result, voices that were
    not in the training data are reproduced closely.

    The transforms are real matrix products, split once by parity as in the fast Fourier transform:
    the even bins depend only on the sum of a frame's halves, the odd bins on the difference, which
    halves the products. Spectra are `[..., T, 2, BINS]`: the even bins, then the odd bins and a
    zero bin. The constant overlap of the squared Hann window, 1.5, is folded into the inverse.
    """

    window: Tensor  # [WINDOW]
    analyse_even: Tensor  # [HALF, 2 * BINS], real parts then imaginary parts
    analyse_odd: Tensor
    resynthesise_even: Tensor  # [2 * BINS, HALF]
    resynthesise_odd: Tensor
    to_mel: Tensor  # [2 * BINS, MELS], even bins then odd ones
    from_mel: Tensor  # [MELS, 2 * BINS], the mean of the bands that a bin lies in

    def __init__(self, width: int = 192, blocks: int = 6) -> None:
        super().__init__()
        self.enter = nn.Conv2d(MELS + 2, width, (1, 7))
        self.enter_norm = nn.LayerNorm(width)
        self.blocks = nn.ModuleList(ConvNeXtBlock(width, 7, 3) for _ in range(blocks))
        self.norm = nn.LayerNorm(width)
        self.leave = OutputLinear(width, 2 * 3 * BINS)
        nn.init.normal_(self.leave.weight, 0, 0.02)
        nn.init.zeros_(self.leave.bias)
        self.filter_delay = 3 + sum(block.reach for block in self.blocks)
        # Two frames more for the last spectra that overlap with a frame's samples. Then one for
        # the last samples that a corrected spectrum spans, and two again.
        self.overlap_delay = self.filter_delay + 2
        self.delay = self.overlap_delay + 3

        self.register_buffer("window", torch.hann_window(WINDOW, dtype=torch.float64).float())
        time = torch.arange(HALF, dtype=torch.float64)
        filters = functional.pad(torch.from_numpy(mel_filters()), (0, 1))
        by_parity = torch.cat([filters[:, ::2], filters[:, 1::2]], 1)
        self.register_buffer("to_mel", by_parity.T.contiguous(), persistent=False)
        spread = by_parity / by_parity.sum(0).clamp(min=1e-8)
        self.register_buffer("from_mel", spread.contiguous(), persistent=False)
        for first, name in enumerate(["even", "odd"]):
            bins = torch.arange(first, first + 2 * BINS, 2, dtype=torch.float64)
            angle = 2 * math.pi / WINDOW * torch.outer(time, bins)
            # In a real signal the bins above the middle mirror those below: count them here, and
            # leave out bin 401, which is one of them.
            count = torch.full_like(bins, 2.0)
            count[(bins == 0) | (bins == HALF)] = 1
            count[bins > HALF] = 0
            analyse = torch.cat([torch.cos(angle), -torch.sin(angle)], 1)
            resynthesise = analyse * count.repeat(2) / WINDOW / 1.5
            self.register_buffer(f"analyse_{name}", (analyse * (count > 0).repeat(2)).float())
            self.register_buffer(f"resynthesise_{name}", resynthesise.T.contiguous().float())

    def states(self) -> dict[str, tuple[int, ...]]:
        """Return the shape of each state, without the batch axis."""
        width = self.enter.out_channels
        convolutions = {f"block{i}": (width, 1, b.memory) for i, b in enumerate(self.blocks)}
        return {
            "excitation": (4, 1, self.delay),  # F0, voiced, phase, mask
            "noise": (HOP, 1, self.delay),
            "mel": (MELS, 1, self.delay),
            "enter": (MELS + 2, 1, 6),
            **convolutions,
            "frames": (1, 3, WINDOW),  # later frames overlap with them
            "samples": (1, 3, HOP),  # later spectra span them
            "corrected": (1, 3, WINDOW),  # corrected frames; later ones overlap with them
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
        """Run one step: mel `[B, 80, T]`, f0, voiced, phase, mask `[B, T]`, noise `[B, 200, T]`.

        F0 is in Hz, the phase in cycles; the states follow. Returns audio `[B, 200 * T]`, `delay`
        frames late, and the next states.
        """
        excitation, noises, mels, entered, *convolutions, frames, samples, corrected = states
        lines, noise, features, mask = self._gate(mel, f0, voiced, phase, noise, mask)
        excitation = torch.cat([excitation, lines], -1)
        noises = torch.cat([noises, noise], -1)
        mels = torch.cat([mels, mel.unsqueeze(2)], -1)
        entered = torch.cat([entered, features], -1)
        next_states = [
            excitation[..., -self.delay :],
            noises[..., -self.delay :],
            mels[..., -self.delay :],
            entered[..., -6:],
        ]
        masks = excitation[:, 3:]

        late = 3
        x = self._enter(entered) * self._late(masks, late)
        for block, state in zip(self.blocks, convolutions, strict=True):
            late += block.reach
            x, next_state = block(x, state, self._late(masks, late))
            next_states.append(next_state)

        source = pulse_train(self._late(excitation, late, BEFORE, AFTER))
        noises = channels_last(self._late(noises, late, BEFORE, AFTER - 1))
        made = self._filter(x, source, noises, self._late(mels, late), self._late(masks, late))
        frames = torch.cat([frames, made], 2)
        late = self.overlap_delay
        blocks = self._overlap_add(frames) * self._late(masks, late).transpose(2, 3)
        samples = torch.cat([samples, blocks], 2)
        late += 1
        made = self._correct(samples, self._late(mels, late), self._late(masks, late))
        corrected = torch.cat([corrected, made], 2)
        audio = self._overlap_add(corrected).flatten(1)
        kept = (frames[..., -3:, :], samples[..., -3:, :], corrected[..., -3:, :])
        return audio, *next_states, *kept

    def _late(self, x: Tensor, late: int, before: int = 0, after: int = 0) -> Tensor:
        """Return the part of `x` that is `late` frames old; `x` begins `delay` frames early.

        It has `before` and `after` frames more on its sides.
        """
        return x[..., self.delay - late - before : after - late or None]

    def whole(
        self, mel: Tensor, f0: Tensor, voiced: Tensor, phase: Tensor, noise: Tensor, mask: Tensor
    ) -> Tensor:
        """Run a whole utterance at once, without delay: audio `[B, 200 * T]`."""
        lines, noise, features, mask = self._gate(mel, f0, voiced, phase, noise, mask)
        x = self._enter(functional.pad(features, (3, 3))) * mask
        for block in self.blocks:
            x = block.whole(x, mask)
        with full_precision(self, x.device.type):
            mels = mel.unsqueeze(2)
            source = pulse_train(functional.pad(lines, (BEFORE, AFTER)))
            noises = channels_last(functional.pad(noise, (BEFORE, AFTER - 1)))
            frames = self._filter(x.float(), source, noises, mels, mask)
            blocks = self._overlap_add(functional.pad(frames, (0, 0, 1, 2)))
            blocks = functional.pad(blocks * mask.transpose(2, 3), (0, 0, 2, 1))
            frames = self._correct(blocks, mels, mask)
            return self._overlap_add(functional.pad(frames, (0, 0, 1, 2))).flatten(1)

    def _gate(
        self, mel: Tensor, f0: Tensor, voiced: Tensor, phase: Tensor, noise: Tensor, mask: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Mask the inputs; return images of height 1.

        The lines of `pulse_train` `[B, 4, 1, T]`, noise, the normalized input of the filters
        `[B, 82, 1, T]`, and the mask.
        """
        f0, voiced, mask = f0.unsqueeze(1), voiced.unsqueeze(1), mask.unsqueeze(1)
        lines = torch.cat([f0, voiced, phase.unsqueeze(1), mask], 1) * mask
        mel = (mel - MEL_MEAN) / MEL_SCALE
        features = torch.cat([mel, normalized_pitch(f0) * voiced, voiced], 1) * mask
        noise = noise * mask
        return lines.unsqueeze(2), noise.unsqueeze(2), features.unsqueeze(2), mask.unsqueeze(2)

    def _enter(self, x: Tensor) -> Tensor:
        """Map `[B, 82, 1, T + 6]` to `[B, C, 1, T]`."""
        return channels_first(self.enter_norm(channels_last(self.enter(x))))

    def _filter(
        self, x: Tensor, source: Tensor, noise: Tensor, mels: Tensor, mask: Tensor
    ) -> Tensor:
        """Filter the excitation; return a windowed frame per frame of x.

        x `[B, C, 1, T]`, source and noise `[B, 1, T + 3, HOP]`, mels `[B, MELS, 1, T]`, mask
        `[B, 1, 1, T]`; returns `[B, 1, T, WINDOW]`.
        """
        spectra = self._analyze(torch.cat([source, noise], 1))
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
        return self._fitted(*filtered, mels, mask)

    def _correct(self, blocks: Tensor, mels: Tensor, mask: Tensor) -> Tensor:
        """Analyze the output, and correct it.

        blocks `[B, 1, T + 3, HOP]`, mels `[B, MELS, 1, T]`, mask `[B, 1, 1, T]`; returns
        `[B, 1, T, WINDOW]`.
        """
        return self._fitted(*self._analyze(blocks).split(BINS, -1), mels, mask)

    def _fitted(self, real: Tensor, imaginary: Tensor, mels: Tensor, mask: Tensor) -> Tensor:
        """Return windowed frames `[B, 1, T, WINDOW]` of spectra fitted to the mel spectrum."""
        power = (real.square() + imaginary.square()).clamp(min=1e-12)
        found = torch.log((torch.sqrt(power).flatten(3) @ self.to_mel).clamp(min=FAINTEST))
        away = (channels_last(mels) - found).clamp(-STRONGEST, STRONGEST)
        gain = torch.exp(away @ self.from_mel).unflatten(-1, (2, BINS))
        spectra = torch.cat([real * gain, imaginary * gain], -1)
        return self._resynthesize(spectra) * mask.transpose(2, 3)

    def _analyze(self, blocks: Tensor) -> Tensor:
        """Map blocks `[B, N, T + 3, HOP]` to the spectra of frames `[B, N, T, 2, 2 * BINS]`."""
        first = torch.cat([blocks[..., :-3, :], blocks[..., 1:-2, :]], -1)
        second = torch.cat([blocks[..., 2:-1, :], blocks[..., 3:, :]], -1)
        first, second = first * self.window[:HALF], second * self.window[HALF:]
        even, odd = (first + second) @ self.analyse_even, (first - second) @ self.analyse_odd
        return torch.stack([even, odd], -2)

    def _resynthesize(self, spectra: Tensor) -> Tensor:
        """Map spectra `[B, 1, T, 2, 2 * BINS]` to windowed frames `[B, 1, T, WINDOW]`."""
        even, odd = spectra.split(1, -2)
        even, odd = even @ self.resynthesise_even, odd @ self.resynthesise_odd
        return torch.cat([even + odd, even - odd], -1).squeeze(-2) * self.window

    def _overlap_add(self, frames: Tensor) -> Tensor:
        """Add frames `[B, 1, T + 3, WINDOW]`, one before and two after, to `[B, 1, T, HOP]`."""
        first, second, third, fourth = frames.split(HOP, -1)
        return fourth[..., :-3, :] + third[..., 1:-2, :] + second[..., 2:-1, :] + first[..., 3:, :]
