"""Import recordings with alignments, in the layout of LJSpeech or of VCTK.

LJSpeech: `metadata.csv` with lines `ID|TEXT|NORMALIZED TEXT`, and `wavs/ID.wav`. VCTK:
`txt/SPEAKER/ID.txt` and `wav48_silence_trimmed/SPEAKER/ID_mic1.flac` (or `wav48` or `wav16`, wav
or flac, with or without a microphone).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal, final

import numpy as np
from attrs import field, frozen, validators

from voxstack_train.corpus.aligned import timed_symbols
from voxstack_train.corpus.alignments import Alignments, alignments_at
from voxstack_train.corpus.utterances import Corpus, Utterance, read_audio
from voxstack_train.errors import TrainError
from voxstack_train.features.spectrum import SAMPLE_RATE

VCTK_AUDIO = ("wav48_silence_trimmed", "wav48", "wav16")  # the first with the speaker is used
MICROPHONES = ("_mic1", "_mic2", "")  # one for all of a speaker, because they sound different
ID = re.compile(r"\w[\w.-]*")  # also valid as a file name
SHOWN = 5  # reasons in an error message
HERE = Path()


@final
@frozen
class Recorded:
    """The options of one speaker's recordings."""

    kind: Literal["ljspeech", "vctk"] = field(validator=validators.in_(("ljspeech", "vctk")))
    folder: Path = field(
        converter=Path
    )  # of metadata.csv, or of txt/; relative to the recipe, as is `alignments`
    # A folder of .TextGrid files with tiers "phones" and "words", or a phone CTM.
    alignments: Path = field(converter=Path)
    speaker: str | None = None  # of VCTK, such as "p225"
    resample: bool = False  # resample audio of higher rates than the voice's
    limit: int | None = None  # the largest number of utterances

    def __attrs_post_init__(self) -> None:
        if self.kind == "vctk" and not self.speaker:
            raise ValueError('kind = "vctk" needs a speaker, such as speaker = "p225"')
        if self.kind == "ljspeech" and self.speaker:
            raise ValueError('kind = "ljspeech" has one speaker; remove the option speaker')
        if self.limit is not None and self.limit < 1:
            raise ValueError(f"limit must be 1 or more, not {self.limit}")


@final
@frozen
class LeftOut:
    """An utterance, or a line, that cannot be used."""

    id: str | None  # None if the line has none
    reason: str  # begins with FILE:LINE, or with FILE if it has no lines

    def __str__(self) -> str:
        return self.reason


@final
@frozen
class Imported:
    """The result of an import."""

    added: int  # utterances added in this run
    kept: int  # utterances that were already in the corpus
    left_out: tuple[LeftOut, ...]
    questionable: tuple[str, ...]  # notes on added utterances that need a listener


@final
@frozen
class Listed:
    """An utterance as the layout lists it."""

    id: str
    text: str
    audio: Path


def size_of(layout: Recorded, root: Path = HERE) -> int:
    """Return the number of utterances of an import for a progress bar, at most."""
    count = sum(1 for _ in listed(layout, root))
    return count if layout.limit is None else min(count, layout.limit)


def import_recorded(
    layout: Recorded,
    folder: Path,
    progress: Callable[[int], object] = lambda count: None,
    root: Path = HERE,
) -> Imported:
    """Add the recordings to the corpus in `folder`; each becomes `ID.wav` at the voice's rate.

    Unusable utterances are left out, with the reason. A killed import resumes where it stopped.
    The layout's paths are relative to `root`. TrainError if nothing can be used.
    """
    if layout.resample:
        _resampler()
    entries = listed(layout, root)
    alignments = alignments_at(root / layout.alignments)
    corpus = Corpus(folder)
    done, listing = corpus.open()
    added = kept = 0
    left_out: list[LeftOut] = []
    questionable: list[str] = []
    with listing:
        for entry in entries:
            if layout.limit is not None and added + kept >= layout.limit:
                break
            if isinstance(entry, LeftOut):
                left_out.append(entry)
            elif entry.id in done:
                kept += 1
            else:
                try:
                    utterance, audio, notes = recorded(entry, alignments, layout.resample)
                except TrainError as error:
                    left_out.append(LeftOut(entry.id, str(error)))
                else:
                    corpus.add(listing, utterance, audio, SAMPLE_RATE)
                    questionable += notes
                    added += 1
            progress(1)
    if not added + kept:
        raise TrainError(_nothing(root / layout.folder, left_out))
    return Imported(added, kept, tuple(left_out), tuple(questionable))


def recorded(
    entry: Listed, alignments: Alignments, resample: bool
) -> tuple[Utterance, np.ndarray, list[str]]:
    """Return one utterance, its audio (int16 [samples]) and notes on questionable audio."""
    audio, notes = _audio(entry.audio, resample)
    alignment = alignments.of(entry.id, entry.audio.stem)
    what = timed_symbols(alignment, entry.text, len(audio) / SAMPLE_RATE)
    silences = [round(seconds * SAMPLE_RATE) for seconds in (what.before, what.after)]
    samples = np.round(np.clip(np.pad(audio, silences), -1, 1) * 32767).astype(np.int16)
    return (
        Utterance(entry.id, entry.text, what.rows, _question(entry.text), what.ends),
        samples,
        notes,
    )


def listed(layout: Recorded, root: Path = HERE) -> Iterator[Listed | LeftOut]:
    """Yield the utterances of a layout in its order, and entries that cannot be read."""
    folder = root / layout.folder
    if not folder.is_dir():
        raise TrainError(f"{folder}: no such folder of recordings")
    return iter(_vctk(folder, layout.speaker) if layout.speaker else _ljspeech(folder))


def _ljspeech(folder: Path) -> list[Listed | LeftOut]:
    path = folder / "metadata.csv"
    if not path.is_file():
        raise TrainError(f"{path}: missing; expected metadata.csv and wavs/ID.wav")
    found: list[Listed | LeftOut] = []
    lines: dict[str, int] = {}
    for number, raw in enumerate(path.read_bytes().removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
        where = f"{path}:{number}"
        if not raw.strip():
            continue
        try:
            fields = [part.strip() for part in raw.decode("utf-8").split("|")]
        except UnicodeError as error:
            id_ = raw.split(b"|")[0].decode("ascii", "replace")
            found.append(LeftOut(id_, f"{where}: not UTF-8: {error}"))
            continue
        id_, text = fields[0], (fields[-1] or fields[1]) if len(fields) > 1 else ""
        if len(fields) not in (2, 3) or not ID.fullmatch(id_) or not text:
            shown = raw.decode("utf-8").strip()[:60]
            found.append(LeftOut(None, f"{where}: expected ID|TEXT|NORMALIZED, found {shown!r}"))
        elif id_ in lines:
            found.append(LeftOut(id_, f"{where}: {id_} is already in line {lines[id_]}"))
        else:
            lines[id_] = number
            audio = folder / "wavs" / f"{id_}.wav"
            there = audio.is_file()
            missing = LeftOut(id_, f"{where}: {audio} is missing")
            found.append(Listed(id_, text, audio) if there else missing)
    return found


def _vctk(corpus: Path, speaker: str) -> list[Listed | LeftOut]:
    texts = {path.stem: path for path in (corpus / "txt" / speaker).glob("*.txt")}
    folders = [corpus / name / speaker for name in VCTK_AUDIO]
    folder = next((f for f in folders if f.is_dir()), None)
    if folder is None or not texts:
        missing = f"txt/{speaker}" if folder else f"{' or '.join(VCTK_AUDIO)}/{speaker}"
        there = sorted(path.name for path in (corpus / "txt").glob("*") if path.is_dir())
        raise TrainError(f"{corpus}: no {missing}; its speakers are {', '.join(there) or 'none'}")
    recordings = _recordings(folder)
    found: list[Listed | LeftOut] = []
    for id_ in sorted(texts.keys() | recordings.keys()):
        if id_ not in texts:
            text = corpus / "txt" / speaker / f"{id_}.txt"
            found.append(LeftOut(id_, f"{text}: missing; {recordings[id_]} needs a text"))
            continue
        try:
            text = " ".join(texts[id_].read_text(encoding="utf-8-sig").split())
        except UnicodeError as error:
            found.append(LeftOut(id_, f"{texts[id_]}:1: not UTF-8: {error}"))
            continue
        if not text:
            found.append(LeftOut(id_, f"{texts[id_]}:1: empty text"))
            continue
        if id_ in recordings:
            found.append(Listed(id_, text, recordings[id_]))
        else:
            found.append(LeftOut(id_, f"{texts[id_]}: no audio in {folder}"))
    return found


def _recordings(folder: Path) -> dict[str, Path]:
    """Return the recordings of a VCTK speaker by id, all from one microphone."""
    files = sorted(path for path in folder.iterdir() if path.suffix.lower() in (".wav", ".flac"))
    for microphone in MICROPHONES:
        found = {p.stem.removesuffix(microphone): p for p in files if p.stem.endswith(microphone)}
        if found:
            return found
    return {}


def _audio(path: Path, resample: bool) -> tuple[np.ndarray, list[str]]:
    """Read audio as float32 [samples] at the voice's rate, with notes on questionable audio."""
    import soundfile

    try:
        rate = soundfile.info(path).samplerate
    except (OSError, soundfile.LibsndfileError) as error:
        raise TrainError(f"{path}: cannot read: {error}") from None
    if rate == SAMPLE_RATE:
        return read_audio(path, SAMPLE_RATE)
    if rate < SAMPLE_RATE:
        raise TrainError(
            f"{path}: {rate} Hz, expected {SAMPLE_RATE} Hz or more; lower rates cannot be used"
        )
    if not resample:
        raise TrainError(
            f"{path}: {rate} Hz, expected {SAMPLE_RATE} Hz; set resample = true in the recipe"
        )
    audio, notes = read_audio(path, rate)
    return _resampler()(audio, rate, SAMPLE_RATE, quality="VHQ"), notes


def _resampler() -> Callable[..., np.ndarray]:
    try:
        import soxr
    except ImportError:
        raise TrainError("resampling needs soxr: pip install 'voxstack-train[recorded]'") from None
    return soxr.resample


def _question(text: str) -> int:
    """Return 1 for a question, 0 otherwise, as the frontend does."""
    from voxstack_english.frontend import CLOSERS

    return int("?" in text.rstrip(CLOSERS)[-3:])


def _nothing(folder: Path, left_out: list[LeftOut]) -> str:
    if not left_out:
        return f"{folder}: lists no utterances"
    lines = [
        f"{folder}: none of {len(left_out)} utterances can be used",
        *(entry.reason for entry in left_out[:SHOWN]),
    ]
    if len(left_out) > SHOWN:
        lines.append(f"and {len(left_out) - SHOWN} more")
    return "\n  ".join(lines)
