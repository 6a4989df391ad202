"""Let the teacher say a sentence, and keep all it knows about it. Runs in a worker."""

from __future__ import annotations

import time
from functools import cache
from typing import final

import numpy as np
from attrs import frozen

from voxstack_train.corpus.flite import Flite, Spoken
from voxstack_train.corpus.utterances import TRACK_STEP, Utterance
from voxstack_train.errors import TrainError
from voxstack_train.evaluation.errors import NotInstalledError
from voxstack_train.features.pitch import pitch_of
from voxstack_train.features.spectrum import SAMPLE_RATE, log_mel


@final
@frozen(eq=False)
class Lesson:
    """One sentence as its teacher says it."""

    audio: np.ndarray  # float32 [samples], full scale is 1
    seconds: float  # of work
    phones: tuple[str, ...]
    ends: np.ndarray  # [phones], seconds
    mel: np.ndarray  # float32 [MELS, frames]
    f0: np.ndarray  # float32 [frames], Hz, interpolated if unvoiced
    voiced: np.ndarray  # float32 [frames], 1 or 0


def require_teachers(names: set[str]) -> None:
    """Raise NotInstalledError if the library with these voices is missing."""
    for name in sorted(names):
        try:
            _flite(name)
        except (TrainError, OSError, AttributeError) as error:
            raise NotInstalledError(f"the teacher {name!r} cannot speak: {error}") from None


def lesson(teacher: str, text: str) -> Lesson:
    """Return a text as a voice of flite says it."""
    started = time.thread_time()
    spoken = _flite(teacher).speak(text)
    seconds = time.thread_time() - started
    audio = spoken.audio.astype(np.float32) / 32768
    f0, voiced = pitch_of(_utterance(text, spoken), audio)
    return Lesson(audio, seconds, spoken.phones, spoken.ends, log_mel(audio), f0, voiced)


def _utterance(text: str, spoken: Spoken) -> Utterance:
    """Return the utterance from which features are made, without text inputs."""
    times = np.arange(0.0, len(spoken.audio) / SAMPLE_RATE, TRACK_STEP)
    voicing = bool((spoken.f0 == 0).any())
    f0 = spoken.f0 if voicing else np.interp(times, spoken.f0_times, spoken.f0)
    return Utterance("", text, [], 0, [], f0.tolist(), voicing)


@cache
def _flite(name: str) -> Flite:
    return Flite(name)
