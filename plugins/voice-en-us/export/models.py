"""The networks of the default voice, in the form in which they are exported.

Four small modules: `TextEncoder`, `Prosody`, `Decoder` and `Vocoder`. Axis 0 is the batch, time is
the last axis: text `[B, T]`, features `[B, C, T]`, audio `[B, T]`. One frame is `HOP` samples.
Inside, features are images of height 1, `[B, C, 1, T]`: ONNX Runtime has a fast depthwise
convolution for images only. Every operator costs some time to load and to call, so these modules
are written to need few.

**Masks.** `mask [B, T]` is 1 for real positions and 0 for padding. It is applied before every
convolution, so padding reads exactly like the zeros beyond the edges, and a padded call gives the
frames of the exact-size call.

**Delayed states.** A convolution of kernel K looks R = K // 2 frames ahead. A streaming one keeps
its last K - 1 inputs as state, and its output comes R frames late: nothing is computed twice. The
delays of a stack add up, so output j of a network belongs to frame j - delay; the first `delay`
outputs are discarded, and `delay` masked frames at the end flush the last ones. All states start
as zeros. `forward` is this form; `whole` is the same network offline, to check it against.

Sources: ConvNeXt (Liu et al. 2022) in one dimension; Vocos (Siuzdak 2023) for predicting spectra
at frame rate; the neural source-filter model (Wang et al. 2019) for the excitation.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

SAMPLE_RATE = 16_000  # Hz
HOP = 200  # samples a frame, 12.5 ms
WINDOW = 4 * HOP  # samples of the STFT, Hann
HALF = WINDOW // 2
BINS = HALF // 2 + 1  # even bins of the STFT: 0, 2, ..., 400; there is one odd one less
MELS = 80
MEL_MEAN, MEL_SCALE = -5.0, 2.5  # of the natural-log mel spectrum
PITCH_MEAN, PITCH_SCALE = 5.0, 0.4  # of the natural log of F0 in Hz
LOWEST_F0 = 20.0  # Hz; keeps log and division finite where F0 is padding
HIGHEST_HARMONIC = 0.98 * SAMPLE_RATE / 2  # Hz


def channels_last(x: Tensor) -> Tensor:
    """`[B, C, 1, T]` -> `[B, 1, T, C]`, what norms and linear layers work on."""
    return x.permute(0, 2, 3, 1)


def channels_first(x: Tensor) -> Tensor:
    """`[B, 1, T, C]` -> `[B, C, 1, T]`."""
    return x.permute(0, 3, 1, 2)


class ConvNeXtBlock(nn.Module):
    """A ConvNeXt block over time: depthwise convolution, LayerNorm, two-layer network, residual.

    The layer scale of the paper is folded into `contract`.
    """

    def __init__(self, width: int, kernel: int, expansion: int) -> None:
        super().__init__()
        self.reach = kernel // 2
        self.depthwise = nn.Conv2d(width, width, (1, kernel), groups=width)
        self.norm = nn.LayerNorm(width)
        self.expand = nn.Linear(width, expansion * width)
        self.contract = nn.Linear(expansion * width, width)

    def forward(self, x: Tensor, state: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """One step: x `[B, C, 1, T]`, state `[B, C, 1, 2 * reach]`; mask of the *output*."""
        x = torch.cat([state, x], -1)
        return self._valid(x) * mask, x[..., -2 * self.reach :]

    def whole(self, x: Tensor, mask: Tensor) -> Tensor:
        """The same without delay: x `[B, C, 1, T]`, mask `[B, 1, 1, T]` -> `[B, C, 1, T]`."""
        return self._valid(functional.pad(x, (self.reach, self.reach))) * mask

    def _valid(self, x: Tensor) -> Tensor:
        """`[B, C, 1, T + 2 * reach]` -> `[B, C, 1, T]`: positions that see their whole kernel."""
        h = self.norm(channels_last(self.depthwise(x)))
        h = self.contract(functional.silu(self.expand(h)))
        return x[..., self.reach : -self.reach] + channels_first(h)


class TextEncoder(nn.Module):
    """Symbols with their linguistic features to encodings and durations."""

    def __init__(self, symbols: int = 44, speakers: int = 2, width: int = 192) -> None:
        super().__init__()
        self.symbol = nn.Embedding(symbols, width)
        self.stress = nn.Embedding(2, width)
        self.word_position = nn.Embedding(5, width)
        self.function_word = nn.Embedding(2, width)
        self.question = nn.Embedding(2, width)
        self.speaker = nn.Embedding(speakers, width)
        self.blocks = nn.ModuleList(ConvNeXtBlock(width, 5, 2) for _ in range(4))
        self.norm = nn.LayerNorm(width)
        self.duration_blocks = nn.ModuleList(ConvNeXtBlock(width, 3, 2) for _ in range(2))
        self.duration = nn.Linear(width, 1)

    def forward(
        self,
        ids: Tensor,
        stress: Tensor,
        word_position: Tensor,
        function_word: Tensor,
        question: Tensor,
        speaker: Tensor,
        mask: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """Integers `[B, T]`, question and speaker `[B]`, mask `[B, T]`.

        Returns encodings `[B, C, T]` and durations `[B, T]` in frames, not rounded.
        """
        utterance = self.question(question) + self.speaker(speaker)
        x = self.symbol(ids) + self.stress(stress) + self.word_position(word_position)
        x = x + self.function_word(function_word) + utterance.unsqueeze(1)
        mask = mask.unsqueeze(1).unsqueeze(1)
        x = channels_first(x.unsqueeze(1)) * mask
        for block in self.blocks:
            x = block.whole(x, mask)
        x = channels_first(self.norm(channels_last(x))) * mask
        h = x
        for block in self.duration_blocks:
            h = block.whole(h, mask)
        log_durations = self.duration(channels_last(h)).squeeze(-1)  # log(1 + frames)
        durations = functional.relu(torch.exp(log_durations) - 1) * mask.squeeze(1)
        return x.squeeze(2), durations.squeeze(1)


def position_features(elapsed: Tensor, duration: Tensor) -> Tensor:
    """Where each frame lies in its symbol: both `[B, T]` in frames -> `[B, 6, T]`."""
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


def normalised_pitch(f0: Tensor) -> Tensor:
    """F0 in Hz to the scale that the networks are trained on."""
    return (torch.log(f0.clamp(min=LOWEST_F0)) - PITCH_MEAN) / PITCH_SCALE


class Prosody(nn.Module):
    """F0 and voicing of each frame; stateless, its reach on each side is that of its blocks."""

    def __init__(self, width: int = 192) -> None:
        super().__init__()
        self.enter = nn.Conv1d(width + 6, width, 1)
        self.blocks = nn.ModuleList(ConvNeXtBlock(width, 7, 2) for _ in range(3))
        self.norm = nn.LayerNorm(width)
        self.leave = nn.Linear(width, 2)

    def forward(
        self, encodings: Tensor, elapsed: Tensor, duration: Tensor, mask: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Encodings `[B, C, T]` and elapsed, duration, mask `[B, T]` at frame rate.

        Returns f0 `[B, T]` in Hz, for unvoiced frames too, and voicing `[B, T]`, a logit.
        """
        mask = mask.unsqueeze(1).unsqueeze(1)
        x = self.enter(torch.cat([encodings, position_features(elapsed, duration)], 1))
        x = x.unsqueeze(2) * mask
        for block in self.blocks:
            x = block.whole(x, mask)
        pitch, voicing = self.leave(self.norm(channels_last(x))).squeeze(1).split(1, -1)
        f0 = torch.exp(pitch * PITCH_SCALE + PITCH_MEAN)
        return f0.squeeze(-1), voicing.squeeze(-1)


class Decoder(nn.Module):
    """Encodings and prosody at frame rate to the log-mel spectrum, in the delayed-state form.

    The normalisation of the mel spectrum is folded into `leave`.
    """

    def __init__(self, width: int = 192, blocks: int = 6) -> None:
        super().__init__()
        self.enter = nn.Conv1d(width + 6 + 3, width, 1)
        self.blocks = nn.ModuleList(ConvNeXtBlock(width, 7, 2) for _ in range(blocks))
        self.norm = nn.LayerNorm(width)
        self.leave = nn.Linear(width, MELS)
        self.delay = sum(block.reach for block in self.blocks)

    def states(self) -> dict[str, tuple[int, ...]]:
        """The shape of each state, without the batch axis."""
        width = self.enter.out_channels
        convolutions = {f"block{i}": (width, 1, 2 * b.reach) for i, b in enumerate(self.blocks)}
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
        """Encodings `[B, C, T]`, the others `[B, T]`, then the states -> mel, next states.

        The mel spectrum `[B, 80, T]` is `delay` frames late.
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
        """A whole utterance at once, without delay."""
        mask = mask.unsqueeze(1).unsqueeze(1)
        x = self._enter(encodings, elapsed, duration, f0, voiced) * mask
        for block in self.blocks:
            x = block.whole(x, mask)
        return self._leave(x)

    def _enter(
        self, encodings: Tensor, elapsed: Tensor, duration: Tensor, f0: Tensor, voiced: Tensor
    ) -> Tensor:
        voiced, pitch = voiced.unsqueeze(1), normalised_pitch(f0.unsqueeze(1))
        position = position_features(elapsed, duration)
        x = torch.cat([encodings, position, pitch * voiced, pitch, voiced], 1)
        return self.enter(x).unsqueeze(2)

    def _leave(self, x: Tensor) -> Tensor:
        return channels_first(self.leave(self.norm(channels_last(x)))).squeeze(2)


def pulse_train(lines: Tensor) -> Tensor:
    """The voiced excitation: all harmonics of F0 in phase, at unit power.

    lines `[B, 4, 1, T + 1]`: F0 in Hz, voiced 0 or 1, the phase in cycles at the first sample of
    each frame, the mask. Returns `[B, 1, T, HOP]`. Within a frame F0 and voicing go linearly to
    those of the next frame; after the last real frame they hold.
    """
    lines = channels_last(lines)
    now, after = lines[..., :-1, :], lines[..., 1:, :]
    change = (after - now) * after[..., 3:]
    f0, voiced, phase, real = now.split(1, -1)
    f0_change, voiced_change, _, _ = change.split(1, -1)

    sample = torch.arange(HOP, dtype=torch.float32)
    part = sample / HOP
    frequency = (f0 + f0_change * part).clamp(min=LOWEST_F0)
    # The running sum of `frequency` up to and including the sample, in closed form.
    seconds = (sample + 1) / SAMPLE_RATE
    # The last term keeps the division below from 0 / 0 at the pulse itself. It is no multiple of
    # the rounding step, so the sum is never zero (and 1e-9 would be optimised away on export).
    cycles = _wrap(phase + f0 * seconds + f0_change * (seconds * part / 2)) + 1e-7

    # A whole number of harmonics jumps where F0 drifts, and two runtimes that round differently
    # may disagree on the sample. The highest harmonic is faded instead: nothing jumps.
    harmonics = HIGHEST_HARMONIC / frequency
    whole = torch.floor(harmonics)
    middle = whole + 0.5
    dirichlet = torch.sin(2 * math.pi * _wrap(middle * cycles)) / torch.sin(math.pi * cycles)
    highest = torch.cos(2 * math.pi * _wrap((whole + 1) * cycles))
    pulses = dirichlet + 2 * (harmonics - whole) * highest - 1
    power = torch.sqrt(frequency * (0.5 / HIGHEST_HARMONIC))
    return pulses * power * ((voiced + voiced_change * part) * real)


def _wrap(cycles: Tensor) -> Tensor:
    """To [-0.5, 0.5]: sines of small arguments are fast, and exact where the pulse is, at 0."""
    return cycles - torch.round(cycles)


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
        self.leave = nn.Linear(width, 2 * 3 * BINS)
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
        convolutions = {f"block{i}": (width, 1, 2 * b.reach) for i, b in enumerate(self.blocks)}
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
        source = pulse_train(functional.pad(lines, (self.BEFORE, self.AFTER)))
        noises = channels_last(functional.pad(noise, (self.BEFORE, self.AFTER - 1)))
        frames = self._filter(x, source, noises, mask)
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
