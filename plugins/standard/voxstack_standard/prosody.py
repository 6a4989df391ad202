"""F0 and voicing, computed once for each frame."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import numpy as np
from attrs import frozen
from voxstack import Chunk, Program, Schedule, StreamableBlock, Tensors, network
from voxstack import run_network as run

from .networks import frames_of
from .pitch_controls import PitchControls


@frozen
class Prosody(StreamableBlock):
    """F0 and voicing of each frame by a network, on a grid anchored at frame 0.

    The network is called on the same windows whatever the consumer pulls, so that F0 is the same
    to the last bit: noise of 1e-6 in F0 moves the waveform by 4e-3. Adds ``voiced`` [1, frames],
    1 or 0, to what the network makes (``f0`` in Hz, ``voicing``).

    The control ``pitch`` moves ``f0`` by semitones; ``pitch_range`` stretches its distance from
    the speaker's mean, the sequence tensor ``f0_mean`` in Hz. A network that reads F0 off a ``mel``
    spectrum is spared them: what they do is in the spectrum already.
    """

    network: Program = network(role="prosody")  # default: the one with the role prosody
    grid: Schedule = Schedule((64, 128, 256))  # frames a call, never derived
    threshold: float = 0.0  # voicing above it is voiced

    @property
    def consumes(self) -> Collection[str]:
        """What the network needs."""
        return self.network.network.consumes

    @property
    def produces(self) -> Collection[str]:
        """What the network makes, and the decision on voicing."""
        return (*self.network.network.produces, "voiced")

    def stream(self, sequence: Tensors, upstream: Iterator[Chunk] | None) -> Iterator[Chunk]:
        """Yield one chunk a cell of the grid."""
        read_off = "mel" in self.network.network.consumes
        pitch = PitchControls() if read_off else PitchControls.of(sequence)
        for chunk in run(self.network, sequence, frames_of(upstream), self.grid):
            voiced = np.asarray(chunk["voicing"]) > self.threshold
            made = {"voiced": voiced.astype(np.float32)}
            if "f0" in self.network.network.produces:
                made["f0"] = pitch(np.asarray(chunk["f0"]))
            yield chunk.replace(**made)
