"""Blocks that run one network over the frames that reach them."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from attrs import frozen
from voxstack import BlockError, Chunk, Program, Schedule, StreamableBlock, Tensors, network
from voxstack import run_network as run


def frames_of(upstream: Iterator[Chunk] | None) -> Iterator[Chunk]:
    """Give the upstream of a block that cannot be the first of a row."""
    if upstream is None:
        raise BlockError("is the first block of its row; put one before it that makes frames")
    return upstream


class RunsNetwork(StreamableBlock):
    """What blocks have in common that run their ``network`` over the frames, by ``schedule``."""

    __slots__ = ()

    network: Program
    schedule: Schedule

    @property
    def consumes(self) -> Collection[str]:
        """What the network needs."""
        return self.network.network.consumes

    @property
    def produces(self) -> Collection[str]:
        """What the network makes."""
        return self.network.network.produces

    def stream(self, sequence: Tensors, upstream: Iterator[Chunk] | None) -> Iterator[Chunk]:
        """Yield the network's outputs; at its frame rate, with what is wanted of the frames."""
        return run(self.network, sequence, frames_of(upstream), self.schedule)


@frozen
class Decoder(RunsNetwork):
    """Frames to acoustic features (mel) by a network."""

    network: Program = network(role="decoder")  # default: the one with the role decoder
    schedule: Schedule = Schedule()  # frames a call; derived by the host


@frozen
class Vocoder(RunsNetwork):
    """Acoustic features to waveform by a network: T frames to T * hop samples."""

    network: Program = network(role="vocoder")  # default: the one with the role vocoder
    schedule: Schedule = Schedule()  # frames a call; the block at the end owns the schedule
