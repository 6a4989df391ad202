"""Build a corpus from a teacher: flite says the sentences, with the times of its phones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import final

import numpy as np
from attrs import frozen

from voxstack_train.corpus.flite import SAMPLE_RATE, Flite, Spoken
from voxstack_train.corpus.sentences import NAMES, rows_of, sentences_of
from voxstack_train.corpus.utterances import TRACK_STEP, Corpus, Utterance
from voxstack_train.errors import TrainError


@final
@frozen
class Taught:
    """The result of teaching."""

    added: int  # utterances added in this run
    kept: int  # utterances that were already in the corpus
    differ: tuple[str, ...]  # sentences left out because frontend and teacher say them differently


def teach(
    voice: str, texts: Mapping[str, str], folder: Path, progress: Callable[[int], None]
) -> Taught:
    """Let a voice of flite say the texts; each becomes `ID.wav`."""
    corpus = Corpus(folder)
    done, listing = corpus.open()
    teacher = Flite(voice)
    added, differ = 0, []
    with listing:
        for number, known in enumerate(corpus, 1):
            if (text := texts.get(known.id, known.text)) != known.text:
                raise TrainError(
                    f"{corpus.listing}:{number}: {known.id} is {known.text!r}, in the recipe it is"
                    f" {text!r}: the corpus belongs to another recipe; choose another folder with"
                    " --work"
                )
        for id_, text in texts.items():
            if id_ not in done:
                try:
                    utterance, audio = utterance_of(teacher, id_, text)
                except TrainError:  # the remaining texts can still be said
                    utterance = None
                if utterance is None:
                    differ.append(text)
                else:
                    corpus.add(listing, utterance, audio, SAMPLE_RATE)
                    added += 1
            progress(1)
    return Taught(added, len(done), tuple(differ))


def utterance_of(teacher: Flite, id_: str, text: str) -> tuple[Utterance | None, np.ndarray]:
    """Return one sentence as the teacher says it; None if its phones differ from the frontend's."""
    sentences = sentences_of(text)
    spoken = teacher.speak(text)
    if len(sentences) != 1:
        return None, spoken.audio
    rows = rows_of(sentences[0])
    phones = ["pau" if NAMES[i] in ("<start>", "<end>") else NAMES[i] for i in rows[0]]
    if phones != list(spoken.phones):
        return None, spoken.audio
    question = int(np.asarray(sentences[0].tensors["question"])[0])
    times = np.arange(0.0, len(spoken.audio) / SAMPLE_RATE, TRACK_STEP)
    return Utterance(
        id_,
        text,
        rows.tolist(),
        question,
        np.round(spoken.ends, 4).tolist(),
        np.round(_sampled(spoken, times), 1).tolist(),
        bool((spoken.f0 == 0).any()),
    ), spoken.audio


def _sampled(spoken: Spoken, times: np.ndarray) -> np.ndarray:
    """Return F0 at the times: the nearest value of a track, or interpolated targets."""
    if (spoken.f0 == 0).any():
        nearest = np.searchsorted(spoken.f0_times, times - TRACK_STEP / 2)
        return spoken.f0[np.minimum(nearest, len(spoken.f0) - 1)]
    return np.interp(times, spoken.f0_times, spoken.f0)
