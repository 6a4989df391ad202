"""The excitation of a source-filter vocoder: a pulse train in closed form.

Source: the neural source-filter model (Wang et al. 2019).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from voxstack_train.features.spectrum import HOP, SAMPLE_RATE
from voxstack_train.networks.layers import LOWEST_F0, channels_last

HIGHEST_HARMONIC = 0.98 * SAMPLE_RATE / 2  # Hz


def pulse_train(lines: Tensor) -> Tensor:
    """Return the voiced excitation: all harmonics of F0 in phase, at unit power.

    lines `[B, 4, 1, T + 1]`: F0 in Hz, voiced 0 or 1, the phase in cycles at the first sample of
    each frame, the mask. Returns `[B, 1, T, HOP]`. Within a frame F0 and voicing change linearly
    to those of the next frame; after the last real frame they hold.
    """
    lines = channels_last(lines)
    now, after = lines[..., :-1, :], lines[..., 1:, :]
    change = (after - now) * after[..., 3:]
    f0, voiced, phase, real = now.split(1, -1)
    f0_change, voiced_change, _, _ = change.split(1, -1)

    sample = torch.arange(HOP, dtype=torch.float32, device=lines.device)
    part = sample / HOP
    frequency = (f0 + f0_change * part).clamp(min=LOWEST_F0)
    # The running sum of `frequency` up to and including the sample, in closed form.
    seconds = (sample + 1) / SAMPLE_RATE
    # The last term keeps the division below from 0 / 0 at the pulse itself. It is not a multiple
    # of the rounding step, so the sum is never zero (1e-9 would be removed by the export).
    cycles = _wrap(phase + f0 * seconds + f0_change * (seconds * part / 2)) + 1e-7

    # An integer number of harmonics jumps if F0 drifts, and two runtimes that round differently
    # may disagree on the sample. The highest harmonic is faded instead, so nothing jumps.
    harmonics = HIGHEST_HARMONIC / frequency
    whole = torch.floor(harmonics)
    middle = whole + 0.5
    dirichlet = torch.sin(2 * math.pi * _wrap(middle * cycles)) / torch.sin(math.pi * cycles)
    highest = torch.cos(2 * math.pi * _wrap((whole + 1) * cycles))
    pulses = dirichlet + 2 * (harmonics - whole) * highest - 1
    power = torch.sqrt(frequency * (0.5 / HIGHEST_HARMONIC))
    return pulses * power * ((voiced + voiced_change * part) * real)


def _wrap(cycles: Tensor) -> Tensor:
    """Wrap to [-0.5, 0.5]: sines of small arguments are fast, and exact at the pulse, at 0."""
    return cycles - torch.round(cycles)
