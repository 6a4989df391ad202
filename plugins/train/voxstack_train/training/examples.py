"""Batches of examples, drawn from the step number alone, so that training can be resumed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import final

import numpy as np
import torch
from attrs import frozen
from torch import Tensor

from voxstack_train.errors import TrainError
from voxstack_train.features.shards import Example, read, shards_of
from voxstack_train.features.spectrum import HOP

MARGIN = 2  # frames of audio on each side of a crop, for the STFT of its edges
HELD = 75  # one in so many utterances is held out for validation


@final
class Examples:
    """The features of some speakers, in memory."""

    def __init__(self, folder: Path, speakers: Sequence[str]) -> None:
        self.speakers = tuple(speakers)
        self.train: list[Example] = []
        self.held: list[Example] = []
        for speaker in speakers:
            paths = shards_of(folder, speaker)
            if not paths:
                raise TrainError(f"{folder}: no features of {speaker!r}; run the stage 'features'")
            examples = [example for path in paths for example in read(path)]
            self.held += examples[::HELD]
            self.train += [e for place, e in enumerate(examples) if place % HELD]
        if not self.train:
            raise TrainError(
                f"{folder}: {len(self.held)} utterances of {', '.join(speakers)} are too few to"
                f" learn from (one in {HELD} is held out); add sentences to the corpus"
            )

    def batches(self, frames: int, seed: int) -> Batches:
        """Return batches of whole utterances, with about `frames` frames each."""
        return Batches(self.train, frames, seed)


@final
class Batches:
    """Whole utterances in batches of similar length, in a new random order in each epoch."""

    def __init__(self, examples: Sequence[Example], frames: int, seed: int) -> None:
        self.examples, self.frames, self.seed = examples, frames, seed
        self._epochs: dict[int, list[list[Example]]] = {}
        # Lengths are jittered when sorted, so epochs differ a little in their number of batches;
        # a step's epoch is found by counting through them.
        self._ends: list[int] = []

    def at(self, step: int) -> list[Example]:
        """Return the batch of a step, from 0."""
        while not self._ends or step >= self._ends[-1]:
            self._ends.append(
                (self._ends[-1] if self._ends else 0) + len(self._epoch(len(self._ends)))
            )
        epoch = int(np.searchsorted(self._ends, step, side="right"))
        first = self._ends[epoch - 1] if epoch else 0
        return self._epoch(epoch)[step - first]

    def _epoch(self, number: int) -> list[list[Example]]:
        if number not in self._epochs:
            rng = np.random.default_rng((self.seed, number))
            jitter = rng.uniform(0, 40, len(self.examples))
            order = np.argsort(np.array([e.frames for e in self.examples]) + jitter)
            batches = list(self._cut([self.examples[i] for i in order]))
            order = rng.permutation(len(batches))
            self._epochs = {number: [batches[i] for i in order]}
        return self._epochs[number]

    def _cut(self, examples: Sequence[Example]) -> Iterator[list[Example]]:
        batch: list[Example] = []
        for example in examples:
            if batch and (len(batch) + 1) * example.frames > self.frames:
                yield batch
                batch = []
            batch.append(example)
        yield batch


@final
@frozen(eq=False)
class Batch:
    """Whole utterances, padded to the longest."""

    rows: Tensor  # int64 [inputs, B, N]
    question: Tensor  # int64 [B]
    speaker: Tensor  # int64 [B]
    text_mask: Tensor  # float32 [B, N]
    durations: Tensor  # int64 [B, N]
    mel: Tensor  # float32 [B, MELS, T]
    f0: Tensor  # float32 [B, T], Hz
    voiced: Tensor  # float32 [B, T]
    mask: Tensor  # float32 [B, T]


def collate(examples: Sequence[Example], device: str = "cpu") -> Batch:
    """Pad utterances to one batch."""

    def padded(arrays: list[np.ndarray], dtype: torch.dtype) -> Tensor:
        longest = max(a.shape[-1] for a in arrays)
        joined = [np.pad(a, [(0, 0)] * (a.ndim - 1) + [(0, longest - a.shape[-1])]) for a in arrays]
        return torch.from_numpy(np.stack(joined)).to(device, dtype)

    real = torch.float32
    return Batch(
        padded([e.rows for e in examples], torch.int64).transpose(0, 1),
        torch.tensor([e.question for e in examples], device=device),
        torch.tensor([e.speaker for e in examples], device=device),
        padded([np.ones(e.rows.shape[1]) for e in examples], real),
        padded([e.durations for e in examples], torch.int64),
        padded([e.mel for e in examples], real),
        padded([e.f0 for e in examples], real),
        padded([e.voiced for e in examples], real),
        padded([np.ones(e.frames) for e in examples], real),
    )


@final
@frozen(eq=False)
class Crops:
    """Crops of equal length: the inputs of a vocoder, and its target audio."""

    f0: Tensor  # float32 [B, T], Hz
    voiced: Tensor  # float32 [B, T]
    around: Tensor  # float32 [B, (T + 2 * MARGIN) * HOP], the audio with a margin on each side

    @property
    def audio(self) -> Tensor:
        """The audio without its margins, `[B, T * HOP]`."""
        return self.around[:, MARGIN * HOP : -MARGIN * HOP]


def crops(
    examples: Sequence[Example],
    count: int,
    frames: int,
    rng: np.random.Generator,
    vary: float = 0.0,
    device: str = "cpu",
) -> Crops:
    """Cut `frames` frames out of examples drawn at random.

    With `vary`, half of them are played faster or slower by up to that share, and louder or
    quieter: voices of other sizes and pitches than those of the corpus.
    """
    least = frames + 2 * MARGIN + 2
    if not any(example.frames >= least for example in examples):
        raise TrainError(f"no utterance has the {least} frames of a crop; use longer ones")
    found = []
    while len(found) < count:
        example = examples[int(rng.integers(len(examples)))]
        other = vary > 0 and rng.random() < 0.5
        speed = float(np.exp(rng.uniform(-1, 1) * np.log1p(vary))) if other else 1.0
        gain = float(10 ** (rng.uniform(-0.5, 0.3))) if other else 1.0
        wanted = int(np.ceil(frames * speed)) + 2 * MARGIN + 2
        if example.frames < wanted:
            continue
        at = int(rng.integers(example.frames - wanted + 1)) + MARGIN
        found.append(_crop(example, at, frames, speed, gain))
    f0, voiced, around = (np.stack(part) for part in zip(*found, strict=True))
    return Crops(*(torch.from_numpy(a).to(device, torch.float32) for a in (f0, voiced, around)))


def _crop(
    example: Example, at: int, frames: int, speed: float, gain: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    size = (frames + 2 * MARGIN) * HOP
    first = round((at - MARGIN * speed) * HOP)
    audio = example.audio[max(first, 0) : first + round(size * speed)].astype(np.float32) / 32768
    if len(audio) != size:
        # The spectrum is cut or padded: resampling that is periodic over the crop.
        audio = np.fft.irfft(np.fft.rfft(audio), size) * (size / len(audio))
    peak = float(np.abs(audio).max())
    audio = audio * min(gain, 0.98 / max(peak, 1e-3))
    times = at + np.arange(frames) * speed
    index = np.minimum(np.round(times).astype(int), example.frames - 1)
    return example.f0[index] * speed, example.voiced[index], audio


def middles(examples: Sequence[Example], frames: int, count: int, device: str = "cpu") -> Crops:
    """Cut the middle out of the first examples that are long enough, deterministically."""
    least = frames + 2 * MARGIN + 2
    long = [e for e in examples if e.frames >= least][:count]
    if not long:
        raise TrainError(
            f"none of {len(examples)} held-out utterances has the {least} frames of a crop; use"
            " longer ones, or more of them"
        )
    found = [_crop(e, (e.frames - frames) // 2, frames, 1.0, 1.0) for e in long]
    f0, voiced, around = (np.stack(part) for part in zip(*found, strict=True))
    return Crops(*(torch.from_numpy(a).to(device, torch.float32) for a in (f0, voiced, around)))
