"""F0 and voicing at frame rate."""

from __future__ import annotations

import numpy as np

from voxstack_train.corpus.utterances import TRACK_STEP, Utterance
from voxstack_train.errors import TrainError
from voxstack_train.features.spectrum import HOP, SAMPLE_RATE, frames_of

PERIODIC = 0.5  # a normalised correlation of one period with the next that counts as voiced
QUIET = 2e-3  # root mean square of a frame below which it is unvoiced
UNKNOWN = 150.0  # Hz: F0 where an utterance has no voiced frame at all


def pitch_of(utterance: Utterance, audio: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """F0 in Hz, filled in where unvoiced, and voiced (1 or 0), both float32 [frames]."""
    count = frames_of(len(audio))
    times = np.arange(count) * HOP / SAMPLE_RATE
    if utterance.f0 is None:
        track, step = _harvest(audio)
    else:
        track, step = np.asarray(utterance.f0, np.float64), TRACK_STEP
    index = np.minimum(np.round(times / step).astype(int), len(track) - 1)
    if utterance.voicing:
        voiced = track[index] > 0
        known = np.flatnonzero(track > 0)
        if not len(known):
            return np.full(count, UNKNOWN, np.float32), np.zeros(count, np.float32)
        logs = np.interp(times / step, known, np.log(track[known]))
        return np.exp(logs).astype(np.float32), voiced.astype(np.float32)
    f0 = np.interp(times / step, np.arange(len(track)), track)
    return f0.astype(np.float32), periodic(audio, f0).astype(np.float32)


def periodic(audio: np.ndarray, f0: np.ndarray) -> np.ndarray:
    """Tell where audio [samples] repeats with the period of F0 [frames]; bool [frames]."""
    padded = np.pad(audio, SAMPLE_RATE // 20)
    voiced = np.zeros(len(f0), bool)
    for frame, hertz in enumerate(f0):
        period = round(SAMPLE_RATE / hertz)
        centre = frame * HOP + SAMPLE_RATE // 20
        before, after = padded[centre - period : centre], padded[centre : centre + period]
        size = np.sqrt(before @ before * (after @ after))
        loud = np.sqrt(size / period) > QUIET
        voiced[frame] = loud and before @ after > PERIODIC * size
    # One frame alone is an accident either way.
    for frame in range(1, len(f0) - 1):
        if voiced[frame - 1] == voiced[frame + 1] != voiced[frame]:
            voiced[frame] = voiced[frame - 1]
    return voiced


def _harvest(audio: np.ndarray) -> tuple[np.ndarray, float]:
    """F0 of a recording, by Harvest (Morise 2017)."""
    try:
        import pyworld
    except ImportError as error:  # pyworld 0.3.5 itself needs setuptools < 82
        raise TrainError(
            f"the F0 of recordings needs pyworld ({error}): pip install 'voxstack-train[recorded]'"
        ) from None
    step = 0.005
    track, _ = pyworld.harvest(audio.astype(np.float64), SAMPLE_RATE, frame_period=step * 1000)
    return track, step
