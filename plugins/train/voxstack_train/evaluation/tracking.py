"""Track F0 and voicing of any audio, by the same method for all systems.

Normalized cross-correlation with the best path through the frames: RAPT (Talkin 1995), without
its first, coarse pass.
"""

from __future__ import annotations

import numpy as np

from voxstack_train.evaluation.filtering import band
from voxstack_train.features.spectrum import HOP, SAMPLE_RATE, frames_of

LOWEST, HIGHEST = 60, 400  # Hz
WINDOW = 400  # samples to compare, 25 ms
HARMONICS = 1200.0  # Hz: higher frequencies contain as much noise as tone
QUIET = 2e-3  # root mean square below which correlation has little weight
VOICED = 0.55  # the correlation at which voiced and unvoiced are equally good
LONG = 0.1  # of the correlation: penalty of the longest period, against octave errors
JUMP = 2.0  # the cost of an octave between consecutive frames
SWITCH = 0.35  # the cost of a change of voicing

LAGS = np.arange(SAMPLE_RATE // HIGHEST, SAMPLE_RATE // LOWEST + 1)


def tracked(audio: np.ndarray) -> np.ndarray:
    """Return F0 in Hz, 0 if unvoiced, float64 [frames], of audio [samples] at SAMPLE_RATE."""
    if not len(audio):
        return np.zeros(0)
    correlation = _correlation(audio)
    score = correlation[:, LAGS] * (1 - LONG * LAGS / LAGS[-1])
    lag = _best_path(score)
    f0 = np.zeros(len(lag))
    for frame in np.flatnonzero(lag):
        f0[frame] = SAMPLE_RATE / _refined(correlation[frame], lag[frame])
    return f0


def _correlation(audio: np.ndarray) -> np.ndarray:
    """Return the correlation of a window with the window a lag later, [frames, lags]."""
    longest = int(LAGS[-1]) + 1
    reach = WINDOW + longest
    before = (WINDOW + longest // 2) // 2  # center the pair of windows on the frame
    low = band(audio, SAMPLE_RATE, 0, HARMONICS)
    padded = np.pad(low, (before, reach + HOP))
    frames = np.lib.stride_tricks.sliding_window_view(padded, reach)[::HOP][: frames_of(len(audio))]
    size = 1 << (reach - 1).bit_length()
    heads = np.fft.rfft(frames[:, :WINDOW], size)
    products = np.fft.irfft(heads.conj() * np.fft.rfft(frames, size), size)[:, : longest + 1]
    energy = np.pad(np.cumsum(frames**2, axis=1), ((0, 0), (1, 0)))
    energy = energy[:, WINDOW : WINDOW + longest + 1] - energy[:, : longest + 1]
    silence = (WINDOW * QUIET**2) ** 2
    return products / np.sqrt(energy[:, :1] * energy + silence)


def _best_path(score: np.ndarray) -> np.ndarray:
    """Return the lag of each frame, 0 if unvoiced, by Viterbi's algorithm over [frames, lags]."""
    octaves = np.log2(LAGS)
    moves = -JUMP * np.abs(octaves[:, None] - octaves)  # [to, from]
    voiced, unvoiced = score[0], VOICED
    came = np.zeros((len(score), len(LAGS) + 1), np.int64)  # previous state; the last is unvoiced
    for frame in range(1, len(score)):
        ways = moves + voiced
        stay = ways.argmax(1)
        stayed = np.take_along_axis(ways, stay[:, None], 1)[:, 0]
        begun = unvoiced - SWITCH
        ended = voiced.max() - SWITCH
        came[frame, :-1] = np.where(stayed >= begun, stay, len(LAGS))
        came[frame, -1] = len(LAGS) if unvoiced >= ended else voiced.argmax()
        voiced, unvoiced = (
            np.maximum(stayed, begun) + score[frame],
            max(unvoiced, ended) + VOICED,
        )
    state = len(LAGS) if unvoiced >= voiced.max() else int(voiced.argmax())
    path = np.zeros(len(score), np.int64)
    for frame in reversed(range(len(score))):
        path[frame] = 0 if state == len(LAGS) else LAGS[state]
        state = came[frame, state]
    return path


def _refined(correlation: np.ndarray, lag: int) -> float:
    """Return the peak of the parabola through a lag and its neighbors."""
    before, here, after = correlation[lag - 1 : lag + 2]
    bend = before - 2 * here + after
    shift = 0.5 * (before - after) / bend if bend < 0 else 0.0
    return lag + float(np.clip(shift, -0.5, 0.5))
