"""Measure one sentence as each system says it. Runs in a worker."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import final

import numpy as np
from attrs import evolve, frozen

from voxstack_train.evaluation import recognizer, spectra
from voxstack_train.evaluation.griffin_lim import griffin_lim
from voxstack_train.evaluation.periodicity import periodicity
from voxstack_train.evaluation.pictures import spectrograms
from voxstack_train.evaluation.teaching import Lesson
from voxstack_train.evaluation.tracking import tracked
from voxstack_train.evaluation.warping import moved, warped
from voxstack_train.evaluation.words import Words, compared, errors, words_of
from voxstack_train.features.spectrum import HOP, SAMPLE_RATE, log_mel

TEACHER, COPY, GRIFFIN_LIM, VOICE = "teacher", "copy-synthesis", "Griffin-Lim", "voice"
SYSTEMS = (TEACHER, COPY, GRIFFIN_LIM, VOICE)
FRAMES_A_SECOND = SAMPLE_RATE / HOP
PAUSES = ("pau", "brth")


@final
@frozen(eq=False)
class Take:
    """One system's speech of a sentence."""

    audio: np.ndarray  # float32 [samples] at SAMPLE_RATE
    seconds: float  # of work
    cut: bool = False  # a guard against endless speech stopped it


@final
@frozen(eq=False)
class Job:
    """One sentence of one speaker."""

    set: str
    speaker: str | None
    text: str
    lesson: Lesson | None  # None: the speaker has no teacher
    takes: Mapping[str, Take]  # by system
    picture: Path | None = None


@final
@frozen
class Score:
    """The measures of one system's sentence; None is what cannot be measured."""

    words: Words
    phones: int  # in the sentence
    phone_errors: int
    seconds: float  # of audio
    work: float  # seconds
    cut: bool  # a guard against endless speech stopped it
    periodicity: float | None
    mel_error: float | None = None  # nepers, mean
    distortion: float | None = None  # dB
    f0_error: float | None = None  # cents, root mean square
    voicing_error: float | None = None  # as a share of the teacher's speech
    duration_error: float | None = None  # ms per phone, root mean square
    length: float | None = None  # of the speech, relative to the teacher's
    variance: float | None = None  # over time of the mel bands, relative to the teacher's


@final
@frozen(eq=False)
class _Heard:
    """The features of an utterance that are compared."""

    mel: np.ndarray  # [MELS, frames]
    cepstra: np.ndarray  # [frames, coefficients]
    speech: np.ndarray  # bool [frames]
    f0: np.ndarray  # [frames], Hz, 0 if unvoiced


def score(job: Job) -> dict[str, Score]:
    """Measure every system's take."""
    takes = dict(job.takes)
    if job.lesson is not None:
        takes[TEACHER] = Take(job.lesson.audio, job.lesson.seconds)
        started = time.thread_time()  # other workers share the cores
        audio = griffin_lim(job.lesson.mel)
        takes[GRIFFIN_LIM] = Take(audio, time.thread_time() - started)
    takes = {system: takes[system] for system in SYSTEMS if system in takes}
    if job.picture is not None:
        title = f"{job.speaker or ''} ({job.set}): {job.text}"
        spectrograms(job.picture, title, {name: take.audio for name, take in takes.items()})
    teacher = _heard(takes[TEACHER].audio) if TEACHER in takes else None
    return {system: _scored(job, system, take, teacher) for system, take in takes.items()}


def _heard(audio: np.ndarray) -> _Heard:
    mel = log_mel(audio)
    return _Heard(mel, spectra.cepstra(mel), spectra.speech(mel), tracked(audio))


def _scored(job: Job, system: str, take: Take, teacher: _Heard | None) -> Score:
    audio = take.audio
    heard = _heard(audio)
    said = recognizer.said_phones(job.text)
    # With the teacher's timing, use the teacher's voiced frames too: losing one must not help.
    timed = teacher is not None and system != VOICE
    f0 = np.resize(teacher.f0, len(heard.f0)) if timed else heard.f0
    harmonic = periodicity(audio, f0)
    own = Score(
        compared(words_of(job.text), recognizer.heard_words(audio)),
        len(said),
        errors(said, recognizer.heard_phones(audio)),
        len(audio) / SAMPLE_RATE,
        take.seconds,
        take.cut,
        float(harmonic.mean()) if len(harmonic) else None,
    )
    if teacher is None or system == TEACHER or not heard.speech.any():
        return own
    return _beside(own, teacher, heard, job.lesson)


def _beside(own: Score, teacher: _Heard, heard: _Heard, lesson: Lesson) -> Score:
    """Return the score with the measures against the teacher added."""
    pairs = warped(teacher.cepstra, heard.cepstra)
    pairs_of_speech = pairs[teacher.speech[pairs[:, 0]]]
    theirs, ours = pairs_of_speech.T
    f0, other = teacher.f0[theirs], heard.f0[ours]
    both = (f0 > 0) & (other > 0)
    cents = 1200 * np.log2(other[both] / f0[both])
    edges = np.concatenate([[0], lesson.ends]) * FRAMES_A_SECOND
    spoken = np.array([phone not in PAUSES for phone in lesson.phones])
    longer = (np.diff(moved(edges, pairs)) - np.diff(edges))[spoken]
    return evolve(
        own,
        mel_error=_mean(np.abs(heard.mel[:, ours] - teacher.mel[:, theirs]).mean(0)),
        distortion=_mean(spectra.distortion(heard.cepstra[ours], teacher.cepstra[theirs])),
        f0_error=_root_mean_square(cents),
        voicing_error=_mean((f0 > 0) != (other > 0)),
        duration_error=_root_mean_square(longer * 1000 / FRAMES_A_SECOND),
        length=_extent(heard.speech) / _extent(teacher.speech),
        variance=spectra.variance_ratio(heard.mel, teacher.mel),
    )


def _extent(speech: np.ndarray) -> int:
    frames = np.flatnonzero(speech)
    return int(frames[-1] - frames[0] + 1)


def _mean(values: np.ndarray) -> float | None:
    return float(np.mean(values)) if len(values) else None


def _root_mean_square(values: np.ndarray) -> float | None:
    return float(np.sqrt(np.mean(np.square(values)))) if len(values) else None
