"""Text rate to frame rate by durations (the length regulator of FastSpeech, Ren et al. 2019)."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import numpy as np
from attrs import field, frozen
from attrs.validators import ge
from voxstack import BlockError, Chunk, Schedule, StreamableBlock, Tensors


@frozen
class Upsampler(StreamableBlock):
    """Repeat each symbol's features for each of its frames.

    Yields the named tensors ``[1, C, frames]`` and, for the networks behind it, ``elapsed``
    ``[1, frames]`` (frames since the symbol began, at the frame's middle) and ``duration``
    ``[1, frames]`` (the symbol's frames). The control ``rate`` divides the durations.
    """

    tensors: tuple[str, ...] = ("encodings",)  # text-rate tensors to repeat, [1, C, T]
    durations: str = "durations"  # the tensor with the frames of each symbol, [1, T]
    minimum: int = field(default=1, validator=ge(0))  # frames of a symbol at least
    schedule: Schedule = Schedule()  # frames per chunk; derived by the host

    @property
    def consumes(self) -> Collection[str]:
        """The tensors that are repeated, and the durations."""
        return (self.durations, *self.tensors)

    @property
    def produces(self) -> Collection[str]:
        """The tensors that are repeated, ``elapsed`` and ``duration``."""
        return (*self.tensors, "elapsed", "duration")

    def stream(self, sequence: Tensors, upstream: Iterator[Chunk] | None) -> Iterator[Chunk]:
        """Yield frames; ``upstream`` is not read, as this block begins a row."""
        frames = self._frames(sequence)
        ends = np.cumsum(frames)
        starts = ends - frames
        total = int(ends[-1]) if len(ends) else 0
        tensors = {name: np.asarray(sequence[name]) for name in self.tensors}
        marks = [mark.moved(int(starts[mark.start])) for mark in sequence.marks]
        start = 0
        for size in self.schedule:
            end = min(start + size, total)
            times = np.arange(start, end)
            symbols = np.searchsorted(ends, times, side="right")
            chunk = {name: tensor[..., symbols] for name, tensor in tensors.items()}
            chunk["elapsed"] = (times - starts[symbols] + 0.5).astype(np.float32)[None]
            chunk["duration"] = frames[symbols].astype(np.float32)[None]
            last = end >= total
            begun = tuple(m for m in marks if start <= m.start and (m.start < end or last))
            yield Chunk(chunk, start, last, begun)
            if last:
                return
            start = end

    def _frames(self, sequence: Tensors) -> np.ndarray:
        """Return the whole frames of each symbol."""
        durations = np.asarray(sequence[self.durations], dtype=np.float64)[0]
        if not np.isfinite(durations).all():
            raise BlockError(f"{self.durations!r} has values that are not finite")
        rate = sequence.scalar("rate", 1.0)
        return np.maximum(np.rint(durations / rate), self.minimum).astype(np.int64)
