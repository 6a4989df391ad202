"""Add noise as a feature of each frame."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np
from attrs import field, frozen
from voxstack import AudioFormat, Chunk, StreamableBlock, Tensors

from .upstream import frames_of

UNIT = np.float32(12**0.5 / 2**16)  # scales 16 uniform bits to variance 1


@frozen
class Noise(StreamableBlock):
    """Add ``noise`` [1, hop, frames], white with mean 0 and variance 1, one column per frame.

    A function of seed, sentence and index of the sample alone: the same seed gives the same
    audio, streamed or whole, on every machine and with every version of numpy.

    ``uniform`` is many times as fast as ``normal``. A network that uses the noise's spectrum
    cannot tell them apart: each bin sums hundreds of samples.
    """

    consumes = ("seed", "sentence")
    produces = ("noise",)

    distribution: Literal["normal", "uniform"] = "normal"  # of the samples
    audio: AudioFormat = field(kw_only=True)  # provided by the host

    def stream(self, sequence: Tensors, upstream: Iterator[Chunk] | None) -> Iterator[Chunk]:
        """Yield the frames with their noise."""
        key = _mixed(_mixed(np.array([sequence["seed"][0]], dtype="u8")) ^ np.uint64(1))
        key = _mixed(key + np.array([sequence["sentence"][0]], dtype="u8"))
        draw = _uniform if self.distribution == "uniform" else _normal
        done = 0
        for chunk in frames_of(upstream):
            samples = draw(key, done, len(chunk), self.audio.hop)
            done += len(chunk)
            yield chunk.replace(noise=np.ascontiguousarray(samples.T[None], dtype=np.float32))


def _uniform(key: np.ndarray, first: int, frames: int, hop: int) -> np.ndarray:
    """Return samples [frames, hop], four from each 64 bits."""
    words = -(-hop // 4)
    bits = _bits(key, first * words, frames * words).astype("<u8").view("<i2")
    return (bits.reshape(frames, 4 * words)[:, :hop] + np.float32(0.5)) * UNIT


def _normal(key: np.ndarray, first: int, frames: int, hop: int) -> np.ndarray:
    """Return samples [frames, hop] by the transform of Box and Muller (1958)."""
    words = _bits(key, first * 2 * hop, frames * 2 * hop).reshape(2, -1, order="F")
    radius, angle = ((words >> np.uint64(11)) + 0.5) * 2.0**-53
    return (np.sqrt(-2 * np.log(radius)) * np.cos(2 * np.pi * angle)).reshape(frames, hop)


def _bits(key: np.ndarray, first: int, count: int) -> np.ndarray:
    """Return 64 random bits per index: SplitMix64 (Steele, Lea and Flood 2014)."""
    index = np.arange(first + 1, first + 1 + count, dtype="u8")
    return _mixed(key + index * np.uint64(0x9E3779B97F4A7C15))


def _mixed(words: np.ndarray) -> np.ndarray:
    """Return each word with its bits mixed."""
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return words ^ (words >> np.uint64(31))
