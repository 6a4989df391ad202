"""Copy-synthesis: the voice's own vocoder, fed the features of the teacher's speech."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, final

import numpy as np
from attrs import frozen
from voxstack import (
    Chunk,
    Schedule,
    StreamableBlock,
    StreamablePipeline,
    StreamableStack,
    Tensors,
    Voice,
)

from voxstack_train.features.spectrum import HOP, MELS, SAMPLE_RATE

PIECE = 256  # frames per call
GIVEN = ("f0", "voiced")  # what the teacher provides besides its mel spectrum


@final
@frozen(eq=False)
class Copier:
    """The end of a voice's stack: its vocoder, and the blocks that make the vocoder's features."""

    row: StreamableStack
    sequence: Tensors  # seed, sentence, the voice's controls

    def __call__(self, mel: np.ndarray, f0: np.ndarray, voiced: np.ndarray) -> np.ndarray:
        """Return audio float32 [frames * HOP] of mel [MELS, frames], F0 (Hz), voicing [frames]."""
        tensors = {"mel": mel[None], "f0": f0[None], "voiced": voiced[None]}
        given = Chunk({n: np.asarray(t, np.float32) for n, t in tensors.items()}, last=True)
        parts = [chunk["audio"] for chunk in self.row.stream(self.sequence, iter([given]))]
        return np.concatenate([np.asarray(p, np.float32)[0] for p in parts])


def copier(voice: Voice, controls: Mapping[str, Any]) -> Copier | str:
    """Return a voice's stack from the mel spectrum on, or why that is not possible."""
    audio = voice.addon.manifest.audio
    if (audio.sample_rate, audio.hop) != (SAMPLE_RATE, HOP):
        return (
            f"its frames are {audio.hop} samples at {audio.sample_rate} Hz, "
            f"the teacher's {HOP} at {SAMPLE_RATE} Hz"
        )
    blocks = list(_leaves((*voice.built.head, *voice.built.tail)))
    ends = [i for i, b in enumerate(blocks) if "audio" in _made(b) and "mel" in _read(b)]
    if not ends:
        return "no block of its stack makes audio from mel"
    vocoder = blocks[ends[-1]]
    sequence = {
        "seed": np.zeros(1, np.int64),
        "sentence": np.zeros(1, np.int64),
        **{
            name: _tensor(c.tensor_value(name, controls.get(name)))
            for name, c in voice.controls.items()
        },
    }
    row, missing = _fed(vocoder, blocks[: ends[-1]], {*sequence, "mel"})
    if missing:
        return f"its vocoder needs {', '.join(sorted(missing))}, which the teacher does not provide"
    bands = vocoder.network.network.inputs["mel"].shape[1] if hasattr(vocoder, "network") else MELS
    if bands != MELS:
        return f"its vocoder reads {bands} mel bands, but the teacher has {MELS}"
    planned, _ = StreamableStack(row).planned(Schedule((PIECE,)))
    return Copier(planned, Tensors(sequence))


def _fed(
    vocoder: StreamableBlock, before: list[StreamableBlock], known: set[str]
) -> tuple[list[StreamableBlock], set[str]]:
    """Return the vocoder with the blocks before it that make its inputs from known tensors.

    The teacher's features are used unless the voice computes them from mel too.
    """
    row, needed = [vocoder], set(_read(vocoder)) - known
    for block in reversed(before):
        made = needed.intersection(_made(block))
        if not made or "mel" in _made(block):
            continue
        if "mel" not in _read(block):
            made -= set(GIVEN)
        if made:
            row.insert(0, block)
            needed = (needed - made) | (set(_read(block)) - known)
    return row, needed - set(GIVEN)


def _leaves(blocks: Iterable[StreamableBlock]) -> Iterator[StreamableBlock]:
    """Yield the blocks that frames pass through, in order, without the containers."""
    for block in blocks:
        if isinstance(block, StreamableStack):
            yield from _leaves(block.stack)
        elif isinstance(block, StreamablePipeline):
            yield from _leaves([block.streamable_block])
        else:
            yield block


def _read(block: StreamableBlock) -> Iterable[str]:
    return block.consumes or ()


def _made(block: StreamableBlock) -> Iterable[str]:
    return block.produces or ()


def _tensor(value: float) -> np.ndarray:
    return np.array([value], np.int64 if isinstance(value, int) else np.float32)
