"""Train the attention model with teacher forcing, all steps of an utterance at once.

The teacher's places are known, so the moves of the attention are learned directly, as are the
frames and the stop. A model that has only been fed the truth does not survive its own mistakes:
frames are fed back with noise, later also the model's own (scheduled sampling, Bengio et al. 2015,
in the parallel form of Mihaylova and Martins 2019), and places are perturbed, with moves that
correct them.
"""

from __future__ import annotations

from pathlib import Path
from typing import final

import numpy as np
import torch
from attrs import frozen
from torch import Tensor, nn
from torch.nn import functional

from voxstack_train.features.spectrum import MELS
from voxstack_train.networks.attention import (
    STRIDE,
    AttentionDecoder,
    AttentionEncoder,
)
from voxstack_train.networks.layers import MEL_MEAN, MEL_SCALE, normalized_pitch
from voxstack_train.training.examples import Batch, collate
from voxstack_train.training.utterances import UtteranceTask

NOISE = 0.2  # deviation of the noise on fed-back frames, on the scale of training
SHAKE = 0.2  # symbols, deviation of the noise on places
OWN_FROM = 0.25  # of the steps, after which the model's own frames are mixed in
OWN = 0.5  # of the frames that are fed back from then on
LEAST_MOVE = 0.02  # symbols per step
LAST_WEIGHT = 5.0  # of the single step that stops among the many that do not


class Attention(nn.Module):
    """The two networks of a legacy voice."""

    def __init__(self, symbols: int, speakers: int) -> None:
        super().__init__()
        self.encoder = AttentionEncoder(symbols, speakers)
        self.decoder = AttentionDecoder()

    def encodings(self, batch: Batch) -> Tensor:
        """Encode a batch's text."""
        return self.encoder(*batch.rows, batch.question, batch.speaker, batch.text_mask)[0]


@final
@frozen(eq=False)
class Steps:
    """An utterance divided into steps."""

    frames: Tensor  # [B, S, FRAME, STRIDE]: the target of each step, on the scale of training
    real: Tensor  # [B, S, STRIDE]: 1 for real frames
    goals: Tensor  # [B, S]: the place after each step
    mask: Tensor  # [B, S]
    stop: Tensor  # [B, S]: 1 at the last step


def steps_of(batch: Batch) -> Steps:
    """Divide a batch into steps."""
    mel = (batch.mel - MEL_MEAN) / MEL_SCALE
    frames = torch.cat([mel, normalized_pitch(batch.f0)[:, None], batch.voiced[:, None]], 1)
    padding = -frames.shape[-1] % STRIDE
    frames = functional.pad(frames, (0, padding), mode="replicate")
    real = functional.pad(batch.mask, (0, padding)).unflatten(1, (-1, STRIDE))
    mask = real[..., 0]
    count = mask.shape[1]
    ends = torch.cumsum(batch.durations, 1).float()
    times = torch.arange(1, count + 1, device=mask.device).float() * STRIDE
    times = torch.minimum(times.expand(len(ends), -1), ends[:, -1:])
    symbol = torch.searchsorted(ends, times.contiguous()).clamp(max=ends.shape[1] - 1)
    duration = batch.durations.gather(1, symbol).float().clamp(min=1)
    goals = symbol + 1 - (ends.gather(1, symbol) - times) / duration
    stop = torch.zeros_like(mask)
    stop.scatter_(1, mask.sum(1, keepdim=True).long() - 1, 1.0)
    return Steps(frames.unflatten(2, (-1, STRIDE)).transpose(1, 2), real, goals, mask, stop)


def before(values: Tensor) -> Tensor:
    """Return the values one step earlier; zeros before the first."""
    return torch.cat([torch.zeros_like(values[:, :1]), values[:, :-1]], 1)


@final
class AttentionTask(UtteranceTask):
    """Trains encoder and decoder together."""

    def losses(self, step: int) -> dict[str, Tensor]:
        """Return the weighted losses of one batch."""
        batch = collate(self.batches.at(step), self.settings.device)
        steps = steps_of(batch)
        encodings = self.model.encodings(batch)
        fed = steps.frames
        places = before(steps.goals)
        if step >= OWN_FROM * self.settings.steps:
            with torch.no_grad():
                made = self.model.decoder.whole(
                    encodings,
                    batch.text_mask,
                    before(fed).flatten(2),
                    places,
                    steps.goals,
                    steps.mask,
                )[0]
                own = made.clone()
                own[:, :, -1] = (made[:, :, -1] > 0).float()
                chosen = torch.rand_like(steps.mask) < OWN
                fed = torch.where(chosen[..., None, None], own, fed)
        noise = torch.randn_like(fed) * NOISE
        noise[:, :, -1] = 0
        shaken = (places + torch.randn_like(places) * SHAKE).clamp(min=0)
        shaken[:, 0] = 0
        return _measured(self.model, batch, steps, encodings, before(fed + noise), shaken)

    def validate(self, model: nn.Module) -> dict[str, float]:
        """Return held-out losses with the truth fed back, and how a free run ends."""
        found = []
        for examples in self.held:
            batch = collate(examples, self.settings.device)
            steps = steps_of(batch)
            args = (model.encodings(batch), before(steps.frames), before(steps.goals))
            found.append(_measured(model, batch, steps, *args))
        means = {name: float(np.mean([float(f[name]) for f in found])) for name in found[0]}
        some = [e for examples in self.held[::3] for e in examples[:2]]
        batch = collate(some, self.settings.device)
        *_, made, stopped = speak(model, batch)
        true = batch.mask.sum(1)
        lengths = (made * STRIDE / true - 1).abs()
        return means | {
            "free_length": float(lengths.mean()),
            "free_endless": float((~stopped).float().mean()),
        }

    def picture(self, model: nn.Module, path: Path) -> None:
        """Draw one held-out utterance: the truth, a free run, and its attention."""
        from voxstack_train.pictures import alignment, compare_mels

        batch = collate(self.held[len(self.held) // 2][:1], self.settings.device)
        mel, places, _, _ = speak(model, batch)
        compare_mels(path, {"target": batch.mel[0], "free run": mel[0]})
        centers = torch.arange(batch.text_mask.shape[1], device=places.device) + 0.5
        weights = torch.softmax(-(places[0, :, None] - centers).square(), -1)
        alignment(path.with_name("alignment.png"), weights, steps_of(batch).goals[0])


def _measured(
    model: nn.Module, batch: Batch, steps: Steps, encodings: Tensor, fed: Tensor, places: Tensor
) -> dict[str, Tensor]:
    """Return the weighted losses of one batch."""
    made, move, _, stop = model.decoder.whole(
        encodings, batch.text_mask, fed.flatten(2), places, steps.goals, steps.mask
    )
    real = steps.real.unsqueeze(2)
    count = real.sum()
    error = (made - steps.frames) * real
    mel = error[:, :, :MELS]
    flat = mel.transpose(1, 2).flatten(2)  # [B, MELS, frames]
    voiced = steps.frames[:, :, -1]
    weight = (0.9 * voiced + 0.1) * steps.real
    goal = (steps.goals - places).clamp(min=LEAST_MOVE)
    # Squares, because their minimum is the mean: the median is shorter, and speech would drag.
    away = (torch.exp(move) - goal).square()
    voicing = functional.binary_cross_entropy_with_logits(made[:, :, -1], voiced, reduction="none")
    ending = functional.binary_cross_entropy_with_logits(stop, steps.stop, reduction="none")
    ending = ending * (1 + (LAST_WEIGHT - 1) * steps.stop) * steps.mask
    return {
        "mel": mel.abs().sum() / count / MELS,
        "change": 0.3 * flat.diff(dim=-1).abs().sum() / count / MELS,
        "pitch": 0.5 * (error[:, :, MELS].abs() * weight).sum() / weight.sum(),
        "voicing": 0.3 * (voicing * steps.real).sum() / count,
        "move": 5 * (away * steps.mask).sum() / steps.mask.sum(),
        "stop": ending.sum() / steps.mask.sum(),
    }


@torch.no_grad()
def speak(model: nn.Module, batch: Batch, most: int = 24) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Run freely, for at most `most` frames per symbol.

    Returns mel `[B, MELS, T]`, places `[B, S]`, the number of steps `[B]` until each stopped, and
    whether it did `[B]`.
    """
    encodings = model.encodings(batch)
    decoder = model.decoder
    count, device = len(encodings), encodings.device
    states = [torch.zeros(count, *shape, device=device) for shape in decoder.states().values()]
    limit = batch.text_mask.shape[1] * most // STRIDE
    stopped = torch.zeros(count, dtype=torch.bool, device=device)
    lengths = torch.full((count,), limit, device=device)
    mels, places = [], []
    for number in range(limit):
        mel, _, _, stop, place, *states = decoder(encodings, batch.text_mask, *states)
        mels.append(mel)
        places.append(place)
        ends = (stop[:, 0] > 0) & ~stopped
        lengths[ends] = number + 1
        stopped |= ends
        if stopped.all():
            break
    return torch.cat(mels, -1), torch.cat(places, 1), lengths, stopped
