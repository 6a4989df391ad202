"""Train the parallel acoustic model: encodings, durations, F0, voicing and mel spectrum together.

Source: FastSpeech 2 (Ren et al. 2021), with ConvNeXt blocks.
"""

from __future__ import annotations

from pathlib import Path
from typing import final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from voxstack_train.networks.decoder import Decoder
from voxstack_train.networks.layers import MEL_SCALE, PITCH_SCALE, normalized_pitch
from voxstack_train.networks.prosody import Prosody
from voxstack_train.networks.text_encoder import TextEncoder
from voxstack_train.training.examples import Batch, collate
from voxstack_train.training.utterances import UtteranceTask

WEIGHTS = {"mel": 1.0, "change": 0.3, "pitch": 0.5, "voicing": 0.3, "duration": 0.5}


class Acoustic(nn.Module):
    """The three networks of a parallel voice."""

    def __init__(self, symbols: int, speakers: int, width: int = 192) -> None:
        super().__init__()
        self.text_encoder = TextEncoder(symbols, speakers, width)
        self.prosody = Prosody(width)
        self.decoder = Decoder(width)


def upsample(encodings: Tensor, durations: Tensor, frames: int) -> tuple[Tensor, Tensor, Tensor]:
    """Repeat encodings `[B, C, N]` by durations `[B, N]`: `[B, C, T]`; elapsed, duration."""
    ends = torch.cumsum(durations, 1)
    times = torch.arange(frames, device=durations.device).expand(len(durations), -1).contiguous()
    symbol = torch.searchsorted(ends, times, right=True).clamp(max=durations.shape[1] - 1)
    repeated = encodings.gather(2, symbol.unsqueeze(1).expand(-1, encodings.shape[1], -1))
    duration = durations.gather(1, symbol)
    elapsed = times - (ends - durations).gather(1, symbol) + 0.5
    return repeated, elapsed.clamp(max=10_000), duration.float()


@final
class AcousticTask(UtteranceTask):
    """Trains the three networks together, the decoder on the teacher's F0 and durations."""

    def losses(self, step: int) -> dict[str, Tensor]:
        """Return the weighted losses of one batch."""
        batch = collate(self.batches.at(step), self.settings.device)
        found = measured(self.model, batch, jitter=0.01)
        return {name: WEIGHTS[name] * loss for name, loss in found.items()}

    def validate(self, model: nn.Module) -> dict[str, float]:
        """Return mean losses of the held-out utterances; that of the mel spectrum in nats."""
        found = [measured(model, collate(b, self.settings.device), 0.0) for b in self.held]
        means = {name: float(np.mean([float(f[name]) for f in found])) for name in WEIGHTS}
        return means | {"mel_nats": means["mel"] * MEL_SCALE}

    def picture(self, model: nn.Module, path: Path) -> None:
        """Draw one held-out utterance: target, prediction, and the same computed in steps."""
        from voxstack_train.pictures import compare_mels

        batch = collate(self.held[len(self.held) // 2][:1], self.settings.device)
        mel, *_ = predicted(model, batch, batch.f0)
        mels = {"target": batch.mel[0], "predicted": mel[0], "streamed": streamed(model, batch)[0]}
        compare_mels(path, {name: value.cpu() for name, value in mels.items()})


def predicted(model: nn.Module, batch: Batch, f0: Tensor) -> tuple[Tensor, ...]:
    """Run the networks with the teacher's durations, F0 and voicing."""
    encodings, log_durations = model.text_encoder.encode(
        *batch.rows, batch.question, batch.speaker, batch.text_mask
    )
    place = upsample(encodings, batch.durations, batch.mask.shape[1])
    pitch, voicing = model.prosody.normalized(*place, batch.mask)
    mel = model.decoder.whole(*place, f0, batch.voiced, batch.mask)
    return mel, pitch, voicing, log_durations


def streamed(model: nn.Module, batch: Batch, size: int = 32) -> Tensor:
    """Compute the mel spectrum as at run time, `size` frames per step."""
    encodings, _ = model.text_encoder.encode(
        *batch.rows, batch.question, batch.speaker, batch.text_mask
    )
    place = upsample(encodings, batch.durations, batch.mask.shape[1])
    decoder = model.decoder
    flushed = [
        functional.pad(x, (0, decoder.delay)) for x in (*place, batch.f0, batch.voiced, batch.mask)
    ]
    count = len(batch.mask)
    states = [torch.zeros(count, *s, device=batch.mel.device) for s in decoder.states().values()]
    parts = []
    for at in range(0, flushed[-1].shape[-1], size):
        part, *states = decoder(*(x[..., at : at + size] for x in flushed), *states)
        parts.append(part)
    return torch.cat(parts, -1)[..., decoder.delay :]


def measured(model: nn.Module, batch: Batch, jitter: float) -> dict[str, Tensor]:
    """Return the losses of one batch; `jitter` is the deviation of noise on log F0, scaled."""
    f0 = batch.f0 * torch.exp(torch.randn_like(batch.f0) * (jitter * PITCH_SCALE))
    mel, pitch, voicing, log_durations = predicted(model, batch, f0)
    mask, count = batch.mask, batch.mask.sum()
    error = (mel - batch.mel) / MEL_SCALE * mask.unsqueeze(1)
    weight = mask * (0.9 * batch.voiced + 0.1)
    goal = normalized_pitch(batch.f0)
    logits = functional.binary_cross_entropy_with_logits(voicing, batch.voiced, reduction="none")
    squares = (log_durations - torch.log1p(batch.durations.float())).square()
    return {
        "mel": error.abs().sum() / count / error.shape[1],
        "change": error.diff(dim=-1).abs().sum() / count / error.shape[1],
        "pitch": ((pitch - goal).abs() * weight).sum() / weight.sum(),
        "voicing": (logits * mask).sum() / count,
        "duration": (squares * batch.text_mask).sum() / batch.text_mask.sum(),
    }
