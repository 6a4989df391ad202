"""A robot's voice in four small networks: the formant synthesis of Klatt (1980), in PyTorch.

It consists of tables and rules and needs no training, so that the package speaks at once. Replace
it with your own models: each function that voice.toml names returns a module and examples of its
inputs, and `voxstack addon pack` exports, measures and checks them.

Time is the last axis. ``mask`` is 1 for real positions and 0 in the padding of executors with
fixed shapes; each network applies it before it reads neighboring positions.
"""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

RATE, HOP = 16000, 160  # samples per second, samples per frame
PITCH = 110.0  # Hz
HARMONICS = 64
BANDS = (500, 1500, 3000, 4500, 6000, 7800)  # Hz, the edges of the five bands of noise
WIDTHS = (70, 90, 150, 220, 300)  # Hz, of the formants
UPPER = (3500.0, 4500.0)  # Hz, the fourth and the fifth formant, equal in all sounds

# A sound is nine numbers: the voice level, three formants in Hz, the levels of the noise bands.
SOUND = 9
QUIET = (0.0, 0.0, 0.0, 0.0, 0.0)
HISS_S = (0, 0, 0.02, 0.25, 0.45)
HISS_SH = (0, 0.15, 0.45, 0.25, 0.1)
HISS_F = (0.03, 0.03, 0.03, 0.05, 0.05)


def _vowel(ms, first, last=None, level=1.0):
    """Return a row of PHONES: milliseconds, the sound at its start, the sound at its end."""
    return ms, (level, *first, *QUIET), (level, *(last or first), *QUIET)


def _even(ms, level, formants, noise):
    return ms, (level, *formants, *noise), (level, *formants, *noise)


def _stop(ms, closed, formants, burst):
    return ms, (closed, *formants, *QUIET), (0.0, *formants, *burst)


PHONES = {
    "pau": _even(180, 0, (500, 1500, 2500), QUIET),
    "<start>": _even(40, 0, (500, 1500, 2500), QUIET),
    "<end>": _even(120, 0, (500, 1500, 2500), QUIET),
    "aa": _vowel(130, (730, 1090, 2440)),
    "ae": _vowel(130, (660, 1720, 2410)),
    "ah": _vowel(90, (640, 1190, 2390)),
    "ao": _vowel(130, (570, 840, 2410)),
    "aw": _vowel(160, (730, 1250, 2440), (420, 950, 2300)),
    "ax": _vowel(60, (500, 1450, 2450), None, 0.8),
    "ay": _vowel(160, (730, 1200, 2440), (340, 2050, 2600)),
    "eh": _vowel(100, (530, 1840, 2480)),
    "er": _vowel(120, (490, 1350, 1690)),
    "ey": _vowel(140, (480, 1950, 2550), (320, 2250, 2850)),
    "ih": _vowel(75, (400, 1980, 2550)),
    "iy": _vowel(110, (285, 2250, 2950)),
    "ow": _vowel(140, (540, 1000, 2400), (390, 800, 2300)),
    "oy": _vowel(170, (540, 850, 2400), (350, 2000, 2600)),
    "uh": _vowel(85, (440, 1050, 2240)),
    "uw": _vowel(115, (320, 900, 2240)),
    "w": _vowel(70, (290, 610, 2150), None, 0.6),
    "y": _vowel(65, (270, 2200, 3000), None, 0.6),
    "r": _vowel(75, (330, 1100, 1450), None, 0.7),
    "l": _vowel(70, (360, 1000, 2800), None, 0.6),
    "m": _vowel(75, (250, 1000, 2200), None, 0.4),
    "n": _vowel(70, (250, 1600, 2600), None, 0.4),
    "ng": _vowel(80, (250, 2100, 2700), None, 0.4),
    "f": _even(100, 0, (350, 1100, 2100), HISS_F),
    "th": _even(95, 0, (350, 1350, 2550), HISS_F),
    "s": _even(105, 0, (350, 1600, 2600), HISS_S),
    "sh": _even(110, 0, (350, 1800, 2500), HISS_SH),
    "hh": _even(65, 0.05, (500, 1500, 2500), (0.15, 0.2, 0.1, 0.05, 0.02)),
    "v": _even(65, 0.3, (280, 1100, 2100), (0.02, 0.02, 0.02, 0.03, 0.03)),
    "dh": _even(50, 0.35, (300, 1350, 2550), (0.01, 0.01, 0.02, 0.02, 0.02)),
    "z": _even(85, 0.2, (280, 1600, 2600), (0, 0, 0.01, 0.12, 0.2)),
    "zh": _even(85, 0.2, (280, 1800, 2500), (0, 0.08, 0.2, 0.1, 0.05)),
    "p": _stop(95, 0.0, (350, 900, 2100), (0.25, 0.15, 0.08, 0.05, 0.03)),
    "t": _stop(85, 0.0, (350, 1700, 2600), (0.02, 0.08, 0.25, 0.35, 0.3)),
    "k": _stop(95, 0.0, (350, 1800, 2300), (0.1, 0.35, 0.2, 0.08, 0.05)),
    "b": _stop(75, 0.12, (280, 900, 2100), (0.12, 0.06, 0.03, 0.02, 0.01)),
    "d": _stop(65, 0.12, (280, 1700, 2600), (0.01, 0.04, 0.12, 0.15, 0.12)),
    "g": _stop(75, 0.12, (280, 1800, 2300), (0.06, 0.16, 0.08, 0.03, 0.02)),
    "ch": _stop(120, 0.0, (350, 1800, 2500), HISS_SH),
    "jh": _stop(90, 0.12, (280, 1800, 2500), (0, 0.08, 0.25, 0.14, 0.06)),
}  # fmt: skip
STOPS = {"p", "t", "k", "b", "d", "g", "ch", "jh"}


def encoder():
    """Return the network from phones to sounds, durations and F0 of a sentence."""
    ids = torch.randint(4, len(PHONES), (1, 17))
    ids[0, 5] = ids[0, -1] = 2
    flags = torch.zeros_like(ids)
    inputs = {"ids": ids, "stress": flags, "function_word": flags}
    inputs |= {"question": torch.ones(1, dtype=torch.long), "mask": torch.ones(1, 17)}
    return Encoder().eval(), inputs


def prosody():
    """Return the network of F0 and voicing per frame."""
    return Prosody().eval(), {"encodings": _encodings(50), "mask": torch.ones(1, 50)}


def decoder():
    """Return the network of sounds that glide from phone to phone, frame by frame."""
    inputs = {"encodings": _encodings(50), "elapsed": torch.arange(50)[None] % 10 + 0.5}
    inputs |= {"duration": torch.full((1, 50), 10.0), "mask": torch.ones(1, 50)}
    return Decoder().eval(), inputs


def vocoder():
    """Return the network from sounds to audio: harmonics through formants, noise through bands."""
    inputs = {"sound": torch.rand(1, SOUND, 50), "f0": torch.full((1, 50), PITCH)}
    inputs["sound"][:, 1:4] = torch.tensor([500.0, 1500.0, 2500.0])[:, None]
    inputs |= {"phase": torch.rand(1, 50), "noise": torch.randn(1, HOP, 50)}
    return Vocoder().eval(), inputs | {"mask": torch.ones(1, 50)}


def _encodings(frames: int) -> Tensor:
    encode, inputs = encoder()
    return encode(**inputs)[0][..., torch.arange(frames) * 17 // frames].detach()


class Encoder(nn.Module):
    """Looks up each phone, and computes a duration and an F0."""

    def __init__(self) -> None:
        super().__init__()
        unused = _even(0, 0, (500, 1500, 2500), QUIET)  # <pad>
        first = ["<pad>", "<start>", "<end>", "pau"]
        names = [*first, *sorted(PHONES.keys() - {*first})]  # by their numbers in symbols.json
        rows = [PHONES.get(name, unused) for name in names]
        stops = [float(name in STOPS) for name in names]
        voiced = [float(max(row[1][0], row[2][0]) > 0.1) for row in rows]
        flags = zip(rows, stops, voiced, strict=True)
        sounds = [[*row[1], *row[2], stop, voice] for row, stop, voice in flags]
        self.register_buffer("sounds", torch.tensor(sounds))
        self.register_buffer("frames", torch.tensor([row[0] * RATE / HOP / 1000 for row in rows]))
        self.register_buffer("pauses", torch.tensor([float(n in ("pau", "<end>")) for n in names]))

    def forward(self, ids, stress, function_word, question, mask):
        """Map [B, text] to encodings [B, 21, text], durations [B, text], mean F0 [B, 1]."""
        place = mask.cumsum(1) / mask.sum(1, keepdim=True)
        f0 = PITCH * (1.12 - 0.24 * place) * (1 + 0.14 * stress)
        f0 = f0 * (1 + question[:, None] * functional.relu(place - 0.7) * 1.5)
        f0 = f0 * mask
        last = functional.pad((self.pauses[ids] * mask)[:, 1:], (0, 1))  # a pause follows
        frames = self.frames[ids] * (1 + 0.2 * stress - 0.15 * function_word) * (1 + 0.4 * last)
        encodings = torch.cat((self.sounds[ids].transpose(1, 2), f0[:, None]), 1)
        return encodings * mask[:, None], frames * mask, torch.full_like(mask[:, :1], PITCH)


class Prosody(nn.Module):
    """Draws a smooth line through the F0 of the phones."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("window", _hann(13)[None, None])

    def forward(self, encodings, mask):
        """Map [B, 21, frames] to F0 in Hz and voicing (above 0 is voiced), [B, frames]."""
        f0 = _smooth((encodings[:, -1] * mask)[:, None], mask, self.window)[:, 0]
        return f0, encodings[:, -2] - 0.5


class Decoder(nn.Module):
    """Draws smooth lines through the sounds of the phones."""

    def __init__(self) -> None:
        super().__init__()
        slow, fast = _hann(9), functional.pad(_hann(3), (3, 3))  # formants glide, levels are fast
        windows = [fast, slow, slow, slow, *[fast] * 5]
        self.register_buffer("windows", torch.stack(windows)[:, None])

    def forward(self, encodings, elapsed, duration, mask):
        """Map [B, 21, frames] and positions in the phone [B, frames] to sounds [B, 9, frames]."""
        begin, end = encodings[:, :SOUND], encodings[:, SOUND : 2 * SOUND]
        stop = encodings[:, 2 * SOUND]
        place = elapsed / duration.clamp(min=1)
        # A stop is closed, then bursts; other phones change evenly from their start to their end.
        moved = torch.sigmoid((place - 0.5 - 0.15 * stop) * (6 + 34 * stop))[:, None]
        return _smooth((begin + (end - begin) * moved) * mask[:, None], mask, self.windows)


class Vocoder(nn.Module):
    """Adds up harmonics and bands of noise, sample by sample."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("numbers", torch.arange(1.0, HARMONICS + 1))
        self.register_buffer("samples", torch.arange(float(HOP)))
        self.register_buffer("filters", _bands()[:, None])

    def forward(self, sound, f0, phase, noise, mask):
        """Map [B, 9, frames], [B, frames] twice, [B, 160, frames] to audio [B, frames * 160]."""
        after = functional.pad(
            mask[:, 1:], (0, 1)
        )  # 1 if there is a next frame; if not, values stay as they are
        f0 = f0[..., None]
        rise = self._next(f0[..., 0], after)[..., None] - f0
        n = self.samples
        cycles = phase[..., None] + (f0 * n + rise * n * (n - 1) / (2 * HOP)) / RATE
        angles = cycles[:, :, None] * self.numbers[:, None]  # [batch, frames, harmonics, samples]
        waves = torch.sin(2 * math.pi * (angles - torch.floor(angles)))
        levels = self._harmonics(sound, f0)
        levels = torch.stack((levels, self._next(levels.mT, after).mT), -1)
        share = torch.stack((1 - n / HOP, n / HOP))
        voice = (waves * (levels @ share)).sum(2)

        line = (noise * mask[:, None]).mT.flatten(1)[:, None]
        bands = functional.conv1d(line, self.filters, padding=self.filters.shape[-1] // 2)
        bands = bands.unflatten(2, (-1, HOP)).transpose(1, 2)  # [batch, frames, bands, samples]
        levels = sound[:, 4:]
        levels = torch.stack((levels, self._next(levels, after)), -1).transpose(1, 2)
        hiss = (bands * (levels @ share)).sum(2)
        return (voice * 0.035 + hiss * 0.0175).flatten(1)

    def _next(self, frames, after):
        """Return the following frames, [..., frames], with the last one repeated."""
        if frames.dim() == 3:
            after = after[:, None]
        return torch.where(after > 0, functional.pad(frames[..., 1:], (0, 1)), frames)

    def _harmonics(self, sound, f0):
        """Return the level of each harmonic, [batch, frames, harmonics]."""
        f = f0 * self.numbers
        level = sound[:, 0, :, None] / self.numbers**0.6 * ((7600 - f) / 400).clamp(0, 1)
        formants = [*(sound[:, i, :, None] for i in (1, 2, 3)), *UPPER]
        for formant, width in zip(formants, WIDTHS, strict=True):
            square = formant * formant
            level = level * square / torch.sqrt((square - f * f) ** 2 + (width * f) ** 2 + 1)
        return level


def _hann(length: int) -> Tensor:
    return torch.hann_window(length + 2, periodic=False)[1:-1]


def _smooth(values, mask, windows):
    """Average each channel over neighboring frames within the mask."""
    half = windows.shape[-1] // 2
    channels = windows.shape[0]
    there = functional.conv1d(mask[:, None], windows, padding=half).clamp(min=1e-3)
    return functional.conv1d(values, windows, padding=half, groups=channels) / there


def _bands(taps: int = 65) -> Tensor:
    """Return FIR filters for the BANDS, [bands, taps], with gain 1 in the band."""
    n = torch.arange(taps) - taps // 2
    low = [2 * edge / RATE * torch.sinc(2 * edge / RATE * n) for edge in BANDS]
    window = torch.hamming_window(taps, periodic=False)
    return torch.stack([(b - a) * window for a, b in pairwise(low)])
