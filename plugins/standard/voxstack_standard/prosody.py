"""Compute F0 and voicing once per frame."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import numpy as np
from attrs import frozen
from voxstack import Chunk, Program, Schedule, StreamableBlock, Tensors, network
from voxstack import run_network as run

from .pitch_controls import PitchControls
from .upstream import frames_of


@frozen
class Prosody(StreamableBlock):
    """F0 and voicing of each frame by a network, on a grid anchored at frame 0.

    The network is called on the same windows whatever the consumer pulls, so that F0 is the same
    to the last bit: a difference of 1e-6 in F0 moves the waveform by 4e-3. Adds ``voiced``
    [1, frames], 1 or 0, to the network's outputs (``f0`` in Hz, ``voicing``).

    The control ``pitch`` moves ``f0`` by semitones; ``pitch_range`` stretches its distance from
    the speaker's mean, the sequence tensor ``f0_mean`` in Hz. They are not applied to a network
    that reads F0 off a ``mel`` spectrum, in which they are already.
    """

    network: Program = network(role="prosody")  # default: the one with the role prosody
    grid: Schedule = Schedule((64, 128, 256))  # frames per call, never derived
    threshold: float = 0.0  # a frame whose voicing is above it is voiced

    @property
    def consumes(self) -> Collection[str]:
        """The network's inputs that others make."""
        return self.network.network.consumes

    @property
    def produces(self) -> Collection[str]:
        """The network's outputs, and ``voiced``."""
        return (*self.network.network.produces, "voiced")

    def stream(self, sequence: Tensors, upstream: Iterator[Chunk] | None) -> Iterator[Chunk]:
        """Yield one chunk per cell of the grid."""
        read_off = "mel" in self.network.network.consumes
        pitch = PitchControls() if read_off else PitchControls.of(sequence)
        for chunk in run(self.network, sequence, frames_of(upstream), self.grid):
            voiced = np.asarray(chunk["voicing"]) > self.threshold
            made = {"voiced": voiced.astype(np.float32)}
            if "f0" in self.network.network.produces:
                made["f0"] = pitch(np.asarray(chunk["f0"]))
            yield chunk.replace(**made)
