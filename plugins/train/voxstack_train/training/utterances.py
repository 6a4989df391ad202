"""The common part of tasks over whole utterances."""

from __future__ import annotations

from torch import nn

from voxstack_train.training.examples import Examples
from voxstack_train.training.loop import Settings, Task

HELD_BATCH = 10  # utterances


class UtteranceTask(Task):
    """Trains on batches of whole utterances, with about `frames` frames each."""

    def __init__(
        self, model: nn.Module, examples: Examples, frames: int, settings: Settings
    ) -> None:
        super().__init__(model, settings)
        self.batches = examples.batches(frames, settings.seed)
        held = sorted(examples.held, key=lambda e: e.frames)
        self.held = [held[i : i + HELD_BATCH] for i in range(0, len(held), HELD_BATCH)]
