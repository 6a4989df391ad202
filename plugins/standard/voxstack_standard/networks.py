"""Run one network over the frames that arrive."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from attrs import frozen
from voxstack import Chunk, Program, Schedule, StreamableBlock, Tensors, network
from voxstack import run_network as run

from .upstream import frames_of


class RunsNetwork(StreamableBlock):
    """The base of blocks that run their ``network`` over the frames, by ``schedule``."""

    __slots__ = ()

    network: Program
    schedule: Schedule

    @property
    def consumes(self) -> Collection[str]:
        """The network's inputs that others make."""
        return self.network.network.consumes

    @property
    def produces(self) -> Collection[str]:
        """The network's outputs."""
        return self.network.network.produces

    def stream(self, sequence: Tensors, upstream: Iterator[Chunk] | None) -> Iterator[Chunk]:
        """Yield the network's outputs, with the tensors of the frames that later blocks want."""
        return run(self.network, sequence, frames_of(upstream), self.schedule)


@frozen
class Decoder(RunsNetwork):
    """Frames to acoustic features (mel) by a network."""

    network: Program = network(role="decoder")  # default: the one with the role decoder
    schedule: Schedule = Schedule()  # frames per call; derived by the host


@frozen
class Vocoder(RunsNetwork):
    """Acoustic features to waveform by a network: T frames to T * hop samples."""

    ends_sentence = True

    network: Program = network(role="vocoder")  # default: the one with the role vocoder
    schedule: Schedule = Schedule()  # frames per call; the block at the end owns the schedule
