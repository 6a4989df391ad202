"""A corpus on disk: `SPEAKER/utterances.jsonl`, one utterance per line, and `SPEAKER/wavs/ID.wav`.

Utterances are added one by one, and the process may be killed at any point: the audio is written
before its line, and an incomplete line is dropped when the corpus is opened again.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, final

import numpy as np
from attrs import asdict, frozen

from voxstack_train.errors import TrainError

TRACK_STEP = 0.005  # seconds between the values of an utterance's F0


@final
@frozen(eq=False)
class Utterance:
    """One utterance: its symbols and their times."""

    id: str
    text: str
    rows: list[list[int]]  # the text inputs, [len(INPUTS)][symbols]
    question: int
    ends: list[float]  # seconds, [symbols]: the end of each symbol
    f0: list[float] | None = None  # Hz every TRACK_STEP seconds, if the source knows it
    voicing: bool = True  # 0 in `f0` means unvoiced; if False, voicing must be measured


@final
class Corpus:
    """The utterances of one speaker."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.listing = folder / "utterances.jsonl"

    def wav(self, id_: str) -> Path:
        """Return the path of an utterance's audio."""
        return self.folder / "wavs" / f"{id_}.wav"

    def open(self) -> tuple[set[str], IO[bytes]]:
        """Return the ids of the existing utterances, and the listing opened for appending."""
        (self.folder / "wavs").mkdir(parents=True, exist_ok=True)
        done: set[str] = set()
        whole = 0
        if self.listing.exists():
            with self.listing.open("rb") as lines:
                for number, line in enumerate(lines, 1):
                    if not line.endswith(b"\n"):
                        break
                    whole += len(line)
                    done.add(self._read(line, number).id)
            os.truncate(self.listing, whole)
        return done, self.listing.open("ab", buffering=0)

    def add(self, listing: IO[bytes], utterance: Utterance, audio: np.ndarray, rate: int) -> None:
        """Add an utterance with int16 audio [samples]. TrainError if the disk is full."""
        import soundfile

        path = self.wav(utterance.id)
        partial = path.with_suffix(".part")
        try:
            soundfile.write(partial, audio, rate, subtype="PCM_16", format="WAV")
            partial.replace(path)
            line = json.dumps(asdict(utterance), separators=(",", ":")).encode() + b"\n"
            if listing.write(line) != len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except (OSError, soundfile.LibsndfileError) as error:
            raise TrainError(
                f"{path}: cannot write: {error}; is the disk full? Added utterances are kept: "
                "free some space and run it again"
            ) from None

    def where(self, id_: str) -> str:
        """Return the file and line of an utterance."""
        places = (number for number, u in enumerate(self, 1) if u.id == id_)
        return f"{self.listing}:{next(places, '')}".rstrip(":")

    def __iter__(self) -> Iterator[Utterance]:
        with self.listing.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                yield self._read(line, number)

    def _read(self, line: str | bytes, number: int) -> Utterance:
        try:
            return Utterance(**json.loads(line))
        except (ValueError, TypeError) as error:
            raise TrainError(
                f"{self.listing}:{number}: not an utterance: {error}; delete the line"
            ) from None


def read_audio(path: Path, rate: int) -> tuple[np.ndarray, list[str]]:
    """Read audio as float32 [samples] in [-1, 1], with notes on questionable audio.

    TrainError for audio with another rate, stereo, silent or empty audio.
    """
    import soundfile

    try:
        audio, found = soundfile.read(path, dtype="float32", always_2d=True)
    except (OSError, soundfile.LibsndfileError) as error:
        raise TrainError(f"{path}: cannot read: {error}") from None
    if found != rate:
        raise TrainError(
            f"{path}: {found} Hz, expected {rate} Hz; resample it: sox IN -r {rate} OUT"
        )
    if audio.shape[1] != 1:
        raise TrainError(f"{path}: {audio.shape[1]} channels, expected 1; mix it: sox IN -c 1 OUT")
    mono = audio[:, 0]
    if not len(mono):
        raise TrainError(f"{path}: has no samples")
    if not np.isfinite(mono).all():
        raise TrainError(f"{path}: has samples that are NaN or infinite")
    peak = float(np.abs(mono).max())
    if peak < 1e-3:
        raise TrainError(f"{path}: silent (peak {peak:.1e} of 1)")
    clipped = int((np.abs(mono) >= 32766 / 32768).sum())
    notes = [f"{path}: {clipped} samples are clipped"] if clipped > 10 else []
    return mono, notes


def summary(folder: Path) -> dict[str, Any]:
    """Count the utterances and hours of a corpus by speaker, for a report."""
    found = {}
    for listing in sorted(folder.glob("*/utterances.jsonl")):
        corpus = Corpus(listing.parent)
        ends = [utterance.ends[-1] for utterance in corpus]
        found[corpus.folder.name] = {"utterances": len(ends), "hours": round(sum(ends) / 3600, 2)}
    return found
