"""Run an evaluation from its sentences to its table.

There are three passes over the sentences of each set and speaker: the teacher says them (in
workers); the voice, and its vocoder alone, say them (in this process, one at a time, so that their
times are meaningful); everything is measured (in workers).
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import active_children, get_context
from pathlib import Path
from time import perf_counter
from typing import Any, Protocol, final

import numpy as np
from attrs import frozen
from voxstack import InputError, Voice
from voxstack.inspection import did_you_mean

from voxstack_train.corpus.flite import VOICES
from voxstack_train.errors import TrainError
from voxstack_train.evaluation.copying import Copier, copier
from voxstack_train.evaluation.errors import require_packages
from voxstack_train.evaluation.filtering import resampled
from voxstack_train.evaluation.scoring import COPY, SYSTEMS, VOICE, Job, Score, Take, score
from voxstack_train.evaluation.sets import sentences
from voxstack_train.evaluation.table import COLUMNS, markdown, rows
from voxstack_train.evaluation.teaching import Lesson, lesson, require_teachers
from voxstack_train.features.spectrum import SAMPLE_RATE

GUARD = "guard"  # the kind of mark with which a voice reports that it cut off endless speech
THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


class Progress(Protocol):
    """Receives the progress of an evaluation."""

    def begin(self, what: str, total: int) -> None:
        """Receive the next pass and its number of sentences."""

    def advance(self) -> None:
        """Receive that a sentence is done."""


@final
class Silent:
    """A progress that shows nothing."""

    def begin(self, what: str, total: int) -> None:
        """Show nothing."""

    def advance(self) -> None:
        """Show nothing."""


@final
@frozen
class Wanted:
    """The options of an evaluation."""

    sets: tuple[str, ...] = ("easy", "hard")
    sentences: int | None = None  # the first ones of each set; None: all
    speakers: tuple[str, ...] = ()  # empty: all of the voice
    teacher: str | None = None  # for all speakers; None: the voice with the speaker's name
    jobs: int = os.cpu_count() or 1  # workers
    pictures: Path | None = None  # folder


@final
@frozen
class Report:
    """The results of an evaluation."""

    voice: str
    version: str
    table: Sequence[Mapping[str, Any]]  # a row per set, speaker and system
    notes: Sequence[str]  # what could not be measured, and why
    seconds: float  # the duration of the evaluation

    def as_json(self) -> dict[str, Any]:
        """Return plain values, with the units of the measures."""
        return {
            "voice": self.voice,
            "version": self.version,
            "systems": list(SYSTEMS),
            "measures": {c.name: {"unit": c.unit, "meaning": c.meaning} for c in COLUMNS},
            "table": list(self.table),
            "notes": list(self.notes),
            "seconds": round(self.seconds, 1),
        }

    def markdown(self) -> str:
        """Return the table for the addon's card."""
        return markdown(self.table, self.notes)


@final
@frozen
class _Speaker:
    """A speaker to measure."""

    name: str | None  # None: the voice has no choice of speakers
    teacher: str | None
    controls: Mapping[str, Any]
    copier: Copier | None


def evaluate(voice: Voice, wanted: Wanted, progress: Progress | None = None) -> Report:
    """Measure a voice against its teacher; InputError and TrainError before it begins."""
    progress = progress or Silent()
    started = perf_counter()
    require_packages(wanted.pictures is not None)
    language = voice.addon.manifest.language
    if language.partition("-")[0] != "en":
        raise InputError(
            f"the voice {voice.name!r} speaks {language}, but evaluation is for English voices only"
        )
    notes: list[str] = []
    speakers = _speakers(voice, wanted, notes)
    if wanted.pictures is not None:
        _make(wanted.pictures)
    voice.warm_up()
    scored = {}
    with _workers(wanted.jobs) as pool:
        for set_ in wanted.sets:
            texts = sentences(set_, wanted.sentences)
            for speaker in speakers:
                made = _scores(pool, voice, set_, speaker, texts, wanted.pictures, progress)
                scored[set_, speaker.name] = made
    version = voice.addon.manifest.version
    return Report(voice.name, version, rows(scored), notes, perf_counter() - started)


def _scores(
    pool: ProcessPoolExecutor,
    voice: Voice,
    set_: str,
    speaker: _Speaker,
    texts: Sequence[str],
    pictures: Path | None,
    progress: Progress,
) -> list[dict[str, Score]]:
    """Measure the sentences of one set by one speaker."""
    what = " ".join(filter(None, (set_, speaker.name)))
    lessons: Sequence[Lesson | None] = [None] * len(texts)
    if speaker.teacher:
        progress.begin(f"{what}: the teacher speaks", len(texts))
        lessons = _all(pool, lesson, [(speaker.teacher, text) for text in texts], progress)
    progress.begin(f"{what}: the voice speaks", len(texts))
    jobs = []
    for number, (text, taught) in enumerate(zip(texts, lessons, strict=True)):
        picture = None
        if pictures is not None and number == 0:
            picture = pictures / f"{'-'.join(filter(None, (voice.name, speaker.name, set_)))}.png"
        takes = _takes(voice, speaker, text, taught)
        jobs.append(Job(set_, speaker.name, text, taught, takes, picture))
        progress.advance()
    progress.begin(f"{what}: measuring", len(texts))
    return _all(pool, score, [(job,) for job in jobs], progress)


def _speakers(voice: Voice, wanted: Wanted, notes: list[str]) -> list[_Speaker]:
    """Return the speakers to measure; note what cannot be measured of them."""
    if wanted.teacher is not None and wanted.teacher not in VOICES:
        hint = did_you_mean(wanted.teacher, VOICES) or f"it has: {', '.join(VOICES)}"
        raise InputError(f"flite has no voice {wanted.teacher!r} ({hint})")
    control = voice.controls.get("speaker")
    names: Sequence[str | None] = wanted.speakers or (control and control.values) or (None,)
    speakers = []
    for name in dict.fromkeys(names):
        controls = {} if name is None else {"speaker": name}
        voice.stream("", **controls).close()  # raises an error for an unknown speaker
        teacher = wanted.teacher or (name if name in VOICES else None)
        who = "the voice" if name is None else f"the speaker {name!r}"
        copying = None
        if teacher is None:
            notes.append(f"{who} has no teacher: only measures without a reference are computed")
        else:
            copying = copier(voice, controls)
            if isinstance(copying, str):
                notes.append(f"no copy-synthesis of {who}: {copying}")
                copying = None
        speakers.append(_Speaker(name, teacher, controls, copying))
    require_teachers({s.teacher for s in speakers if s.teacher})
    return speakers


def _takes(voice: Voice, speaker: _Speaker, text: str, lesson: Lesson | None) -> dict[str, Take]:
    """Let the voice, and its vocoder alone, say a sentence."""
    takes = {VOICE: _spoken(voice, text, speaker.controls)}
    if lesson is not None and speaker.copier is not None:
        started = perf_counter()
        audio = speaker.copier(lesson.mel, lesson.f0, lesson.voiced)
        takes[COPY] = Take(audio, perf_counter() - started)
    return takes


def _spoken(voice: Voice, text: str, controls: Mapping[str, Any]) -> Take:
    parts, cut = [], False
    with voice.stream(text, **controls) as chunks:
        for chunk in chunks:
            parts.append(np.asarray(chunk["audio"], np.float32)[0])
            cut = cut or any(mark.kind == GUARD for mark in chunk.marks)
    audio = np.concatenate(parts)
    assert chunks.report is not None
    fitted = resampled(audio, voice.sample_rate, SAMPLE_RATE).astype(np.float32)
    return Take(fitted, chunks.report.total_s, cut)


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot create the folder {folder}: {error.strerror or error}") from None


@contextmanager
def _workers(count: int) -> Iterator[ProcessPoolExecutor]:
    """Yield a pool of processes with one thread each, which share nothing with this one."""
    before = {name: os.environ.get(name) for name in THREADS}
    os.environ.update(dict.fromkeys(THREADS, "1"))  # read when a worker imports numpy
    ignore = (signal.SIGINT, signal.SIG_IGN)  # this process stops them
    others = set(active_children())
    pool = ProcessPoolExecutor(count, get_context("spawn"), signal.signal, ignore)
    try:
        yield pool
    except BrokenProcessPool:
        raise TrainError(
            "a worker of the evaluation died; if memory ran out, use fewer: --jobs 1"
        ) from None
    except BaseException:
        for worker in set(active_children()) - others:  # nobody needs their results
            worker.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _all(
    pool: ProcessPoolExecutor,
    function: Callable[..., Any],
    arguments: Iterable[tuple[Any, ...]],
    progress: Progress,
) -> list[Any]:
    """Return the results of a function in order; the first error is raised at once."""
    futures = [pool.submit(function, *each) for each in arguments]
    for done in as_completed(futures):
        done.result()
        progress.advance()
    return [future.result() for future in futures]
