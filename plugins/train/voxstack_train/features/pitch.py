"""F0 and voicing at frame rate."""

from __future__ import annotations

import numpy as np

from voxstack_train.corpus.utterances import TRACK_STEP, Utterance
from voxstack_train.errors import TrainError
from voxstack_train.features.spectrum import HOP, SAMPLE_RATE, frames_of

PERIODIC = 0.5  # the normalized correlation of consecutive periods that counts as voiced
QUIET = 2e-3  # frames with a lower root mean square are unvoiced
UNKNOWN = 150.0  # Hz: F0 of an utterance without voiced frames


def pitch_of(utterance: Utterance, audio: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return F0 in Hz, interpolated if unvoiced, and voiced (1 or 0), both float32 [frames]."""
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
    """Return where audio [samples] repeats with the period of F0 [frames]; bool [frames]."""
    padded = np.pad(audio, SAMPLE_RATE // 20)
    voiced = np.zeros(len(f0), bool)
    for frame, hertz in enumerate(f0):
        period = round(SAMPLE_RATE / hertz)
        center = frame * HOP + SAMPLE_RATE // 20
        before, after = padded[center - period : center], padded[center : center + period]
        size = np.sqrt(before @ before * (after @ after))
        loud = np.sqrt(size / period) > QUIET
        voiced[frame] = loud and before @ after > PERIODIC * size
    # A single frame is noise of the measurement either way.
    for frame in range(1, len(f0) - 1):
        if voiced[frame - 1] == voiced[frame + 1] != voiced[frame]:
            voiced[frame] = voiced[frame - 1]
    return voiced


def _harvest(audio: np.ndarray) -> tuple[np.ndarray, float]:
    """Return the F0 of a recording, by Harvest (Morise 2017)."""
    try:
        import pyworld
    except ImportError as error:  # pyworld 0.3.5 itself needs setuptools < 82
        raise TrainError(
            f"the F0 of recordings needs pyworld ({error}): pip install 'voxstack-train[recorded]'"
        ) from None
    step = 0.005
    track, _ = pyworld.harvest(audio.astype(np.float64), SAMPLE_RATE, frame_period=step * 1000)
    return track, step
