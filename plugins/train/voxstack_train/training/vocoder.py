"""Train vocoders: on the true F0, or on F0 read from the mel spectrum."""

from __future__ import annotations

import math
from pathlib import Path
from typing import final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from voxstack_train.features.spectrum import HOP, SAMPLE_RATE
from voxstack_train.networks.layers import normalized_pitch
from voxstack_train.networks.pitch import MelPitch
from voxstack_train.networks.vocoder import Vocoder
from voxstack_train.training.discriminator import Discriminators
from voxstack_train.training.examples import MARGIN, Crops, Examples, crops, middles
from voxstack_train.training.loop import Settings, Task
from voxstack_train.training.waveform import distances, log_mel

EDGE = 3  # frames at each side of a crop that lack neighbors to overlap with


def phases(f0: Tensor, start: Tensor) -> Tensor:
    """Return the phase in cycles at the first sample of each frame, from F0 in Hz, `[B, T]`.

    This is what the block Phase computes at run time, from the phase `start` `[B, 1]`.
    """
    exact = f0.double()
    cycles = (exact[:, :-1] * HOP + exact.diff(dim=1) * (HOP - 1) / 2) / SAMPLE_RATE
    total = torch.cat([torch.zeros_like(exact[:, :1]), cycles.cumsum(1)], 1) + start
    return (total % 1).float()


def noise_like(f0: Tensor) -> Tensor:
    """Return white noise of variance 1, `[B, HOP, T]`, uniform as at run time."""
    draw = torch.rand(f0.shape[0], HOP, f0.shape[1], device=f0.device)
    return (draw - 0.5) * math.sqrt(12)


def vocode(model: nn.Module, mel: Tensor, f0: Tensor, voiced: Tensor) -> Tensor:
    """Compute audio `[B, HOP * T]` of a batch of whole crops."""
    start = torch.rand(len(f0), 1, device=f0.device)
    args = (mel, f0, voiced, phases(f0, start), noise_like(f0), torch.ones_like(f0))
    return model.whole(*args)


class VocoderTask(Task):
    """Trains a vocoder by spectral distances and, if `adversarial`, against discriminators."""

    def __init__(
        self,
        model: Vocoder,
        examples: Examples,
        settings: Settings,
        *,
        crop: int = 64,
        batch: int = 16,
        vary: float = 0.25,
        pitch: MelPitch | None = None,
        adversarial: float = 0.0,
    ) -> None:
        super().__init__(model, settings)
        self.examples, self.crop, self.batch, self.vary = examples, crop, batch, vary
        self.pitch = pitch.to(settings.device).eval() if pitch is not None else None
        self.adversarial = adversarial
        self.held = middles(examples.held, crop, 24, settings.device)
        if adversarial:
            self.discriminators = Discriminators().to(settings.device)
            self.helpers["discriminators"] = self.discriminators
            self.optimizers["discriminators"] = self.optimizer(self.discriminators, 0.5)

    def drawn(self, step: int) -> Crops:
        """Draw the crops of one step."""
        rng = np.random.default_rng((self.settings.seed, step))
        device = self.settings.device
        return crops(self.examples.train, self.batch, self.crop, rng, self.vary, device)

    def made(self, model: nn.Module, cut: Crops) -> tuple[Tensor, Tensor]:
        """Return the model's audio of crops, and the target; without their edges."""
        mel = log_mel(cut.around, MARGIN)
        f0, voiced = cut.f0, cut.voiced
        if self.pitch is not None:
            with torch.no_grad():
                f0, voicing = self.pitch(mel, torch.ones_like(f0))
                voiced = (voicing > 0).float()
        inner = slice(EDGE * HOP, -EDGE * HOP)
        return vocode(model, mel, f0.float(), voiced)[:, inner], cut.audio[:, inner]

    def losses(self, step: int) -> dict[str, Tensor]:
        """Return the distances of one step."""
        return distances(*self.made(self.model, self.drawn(step)))

    def update(self, step: int) -> dict[str, Tensor]:
        """Run one step, of the discriminators too."""
        if not self.adversarial:
            return super().update(step)
        with self.mixed():
            made, wanted = self.made(self.model, self.drawn(step))
            apart = self.discriminators.tell_apart(made.detach(), wanted)
        self.lower("discriminators", self.discriminators, apart)
        for parameter in self.discriminators.parameters():
            parameter.requires_grad_(False)
        with self.mixed():
            fool, features = self.discriminators.fooled(made, wanted)
        losses = distances(made, wanted)
        fade = min(1.0, (step + 1) / 200)  # the discriminators are untrained at first
        losses |= {
            "fool": self.adversarial * fade * fool,
            "features": self.adversarial * fade * 2 * features,
        }
        self.lower("model", self.model, sum(losses.values(), torch.zeros(())))
        for parameter in self.discriminators.parameters():
            parameter.requires_grad_(True)
        return losses | {"told": apart}

    def validate(self, model: nn.Module) -> dict[str, float]:
        """Return mean distances of the held-out crops."""
        found = distances(*self.made(model, self.held))
        return {name: float(value) for name, value in found.items()}

    def picture(self, model: nn.Module, path: Path) -> None:
        """Draw the result of one held-out crop."""
        from voxstack_train.features.spectrum import log_mel as mel_of
        from voxstack_train.pictures import compare_mels

        made, wanted = self.made(model, self.held)
        both = {"target": wanted[0], "vocoded": made[0]}
        compare_mels(path, {name: mel_of(audio.cpu().numpy()) for name, audio in both.items()})


@final
class PitchTask(Task):
    """Trains a network that reads F0 and voicing from the mel spectrum."""

    def __init__(
        self, model: MelPitch, examples: Examples, settings: Settings, vary: float = 0.6
    ) -> None:
        super().__init__(model, settings)
        self.examples, self.vary = examples, vary
        self.held = middles(examples.held, 64, 64, settings.device)

    def losses(self, step: int) -> dict[str, Tensor]:
        """Return the losses of one step."""
        rng = np.random.default_rng((self.settings.seed, step))
        cut = crops(self.examples.train, 24, 64, rng, self.vary, self.settings.device)
        return self._measured(self.model, cut)

    def _measured(self, model: nn.Module, cut: Crops) -> dict[str, Tensor]:
        mel = log_mel(cut.around, MARGIN)
        pitch, voicing = model.normalized(mel, torch.ones_like(cut.f0))
        away = (pitch - normalized_pitch(cut.f0)).abs()
        weight = cut.voiced * 0.95 + 0.05
        return {
            "pitch": 5 * (away * weight).sum() / weight.sum(),
            "voicing": functional.binary_cross_entropy_with_logits(voicing, cut.voiced),
        }

    def validate(self, model: nn.Module) -> dict[str, float]:
        """Return losses of the held-out crops."""
        return {name: float(value) for name, value in self._measured(model, self.held).items()}
