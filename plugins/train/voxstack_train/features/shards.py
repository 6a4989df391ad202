"""Features on disk: `SPEAKER-NNN.safetensors`, several hundred utterances per file, end to end.

Each file is written completely or not at all; the corpus alone determines which utterances it
holds, so a killed stage continues with the first missing file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import final

import numpy as np
from attrs import field, frozen

from voxstack_train.corpus.utterances import Corpus, Utterance, read_audio
from voxstack_train.errors import TrainError
from voxstack_train.features.pitch import pitch_of
from voxstack_train.features.spectrum import HOP, SAMPLE_RATE, frames_of, log_mel

SHARD = 300  # utterances per file


@final
@frozen(eq=False)
class Example:
    """One utterance as the networks see it."""

    id: str
    speaker: int
    question: int
    rows: np.ndarray  # int64 [inputs, symbols]
    durations: np.ndarray  # int64 [symbols], frames
    mel: np.ndarray  # float16 [MELS, frames]
    f0: np.ndarray  # float32 [frames], Hz
    voiced: np.ndarray  # uint8 [frames]
    audio: np.ndarray = field(repr=False)  # int16 [frames * HOP]

    @property
    def frames(self) -> int:
        """The number of frames."""
        return self.mel.shape[1]


def example_of(utterance: Utterance, audio: np.ndarray, speaker: int, lead: float) -> Example:
    """Return the features of one utterance; silence before it is cut to `lead` seconds.

    TrainError if its symbols and its audio do not fit together.
    """
    ends = np.asarray(utterance.ends)
    rows = np.asarray(utterance.rows, np.int64)
    seconds = len(audio) / SAMPLE_RATE
    if len(ends) != rows.shape[1]:
        raise TrainError(f"{len(ends)} ends for {rows.shape[1]} symbols")
    if (np.diff(ends, prepend=0) < 0).any():
        raise TrainError("its symbols are not in the order of time")
    if len(ends) > 1 and ends[-2] >= seconds:
        raise TrainError(
            f"its last symbol begins at {ends[-2]:.2f} s, but its audio ends at {seconds:.2f} s"
        )
    longest = float(np.diff(ends, prepend=0)[1:-1].max(initial=0))
    if longest > 1.5:
        raise TrainError(f"one of its symbols lasts {longest:.1f} s: text and audio do not match")
    f0, voiced = pitch_of(utterance, audio)
    skip = max(0, int((ends[0] - lead) * SAMPLE_RATE / HOP))
    audio, f0, voiced = audio[skip * HOP :], f0[skip:], voiced[skip:]
    count = frames_of(len(audio))
    edges = np.concatenate([[0], np.round(ends * SAMPLE_RATE / HOP).astype(int) - skip])
    edges[-1] = count
    for place in range(1, len(edges) - 1):  # at least a frame each
        edges[place] = max(edges[place], edges[place - 1] + 1)
    durations = np.diff(edges)
    if (durations < 1).any():
        raise TrainError(f"{len(ends)} symbols do not fit into {count} frames")
    samples = np.zeros(count * HOP, np.int16)
    samples[: len(audio)] = np.round(np.clip(audio, -1, 1) * 32767)
    return Example(
        utterance.id,
        speaker,
        utterance.question,
        rows,
        durations,
        log_mel(audio).astype(np.float16),
        f0,
        voiced.astype(np.uint8),
        samples,
    )


def write(path: Path, examples: Sequence[Example]) -> None:
    """Write one file."""
    from safetensors import SafetensorError
    from safetensors.numpy import save_file

    joined = {
        name: np.ascontiguousarray(np.concatenate([getattr(e, name) for e in examples], -1))
        for name in ("rows", "durations", "mel", "f0", "voiced", "audio")
    }
    for name in ("speaker", "question"):
        joined[name] = np.array([getattr(e, name) for e in examples], np.int64)
    joined["symbol_counts"] = np.array([e.rows.shape[1] for e in examples], np.int64)
    joined["frame_counts"] = np.array([e.frames for e in examples], np.int64)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".part")
    try:
        save_file(joined, partial, metadata={"ids": json.dumps([e.id for e in examples])})
        partial.replace(path)
    except (OSError, SafetensorError) as error:
        raise TrainError(f"{path}: cannot write: {error}; is the disk full?") from None


def shards_of(folder: Path, speaker: str) -> list[Path]:
    """Return the files of a speaker, without those of one whose name begins the same."""
    name = re.compile(re.escape(speaker) + r"-\d+\.safetensors")
    return sorted(path for path in folder.glob("*.safetensors") if name.fullmatch(path.name))


def read(path: Path) -> Iterator[Example]:
    """Yield the utterances of one file."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "np") as file:
            ids = json.loads(file.metadata()["ids"])
            joined = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError, KeyError, TypeError) as error:
        raise TrainError(f"{path}: not features: {error}; delete it and train again") from None
    symbols = np.concatenate([[0], np.cumsum(joined["symbol_counts"])])
    frames = np.concatenate([[0], np.cumsum(joined["frame_counts"])])
    for place, id_ in enumerate(ids):
        at, end = symbols[place], symbols[place + 1]
        first, last = frames[place], frames[place + 1]
        yield Example(
            id_,
            int(joined["speaker"][place]),
            int(joined["question"][place]),
            joined["rows"][:, at:end],
            joined["durations"][at:end],
            joined["mel"][:, first:last],
            joined["f0"][first:last],
            joined["voiced"][first:last],
            joined["audio"][first * HOP : last * HOP],
        )


def shard(corpus: Corpus, utterances: Sequence[Utterance], speaker: int, lead: float, path: Path):
    """Write one file of features; return notes on utterances left out or questionable."""
    examples, notes = [], []
    for utterance in utterances:
        try:
            audio, questionable = read_audio(corpus.wav(utterance.id), SAMPLE_RATE)
        except TrainError as error:
            notes.append(str(error))
            continue
        notes += questionable
        try:
            examples.append(example_of(utterance, audio, speaker, lead))
        except TrainError as error:
            notes.append(f"{corpus.where(utterance.id)}: {utterance.id}: {error}")
    if examples:
        write(path, examples)
    return notes
