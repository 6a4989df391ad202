"""Log the tensors that pass."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from attrs import frozen
from voxstack import Chunk, StreamableBlock, Tensors
from voxstack.logs import get_logger

from .upstream import frames_of

log = get_logger("tap")


@frozen
class Tap(StreamableBlock):
    """Log the tensors that pass, at the level info; changes nothing. Fits anywhere in a row."""

    produces = ()

    label: str = "tap"  # the event of the log lines
    tensors: tuple[str, ...] = ()  # the tensors to log; none: all

    def stream(self, sequence: Tensors, upstream: Iterator[Chunk] | None) -> Iterator[Chunk]:
        """Yield the frames unchanged."""
        for chunk in frames_of(upstream):
            for name in self.tensors or chunk.tensors:
                values = np.asarray(chunk[name])
                log.info(
                    self.label,
                    tensor=name,
                    start=chunk.start,
                    shape=list(values.shape),
                    rms=round(float(np.sqrt(np.mean(np.square(values)))) if values.size else 0, 5),
                )
            yield chunk
