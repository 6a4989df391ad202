"""Recognize words and phones with pocketsphinx and its model of US English.

It mishears good speech too: a figure is only meaningful next to that of the teacher.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from voxstack_train.corpus.sentences import phones_of
from voxstack_train.evaluation.words import words_of
from voxstack_train.features.spectrum import SAMPLE_RATE

PEAK = 0.7  # the same level for all systems
SILENCE = 0.2  # seconds before and after
HISS = 1e-4  # real recordings are not as silent as zeros
SAME = {"ax": "ah"}  # phones of the frontend that the recognizer does not distinguish


def heard_words(audio: np.ndarray) -> list[str]:
    """Return the words heard in audio [samples] at SAMPLE_RATE."""
    return words_of(_decoded(_word_decoder(), audio))


def heard_phones(audio: np.ndarray) -> list[str]:
    """Return the phones heard without a dictionary, as CMU names in capitals."""
    decoder = _phone_decoder()
    decoder.reinit()  # it remembers the previous utterance
    return [p for p in _decoded(decoder, audio).split() if p.isalpha() and p != "SIL"]


def said_phones(text: str) -> list[str]:
    """Return the phones of a text according to the frontend, as CMU names in capitals."""
    phones = (p for p in phones_of(text) if p.isalpha() and p != "pau")
    return [SAME.get(p, p).upper() for p in phones]


def _pcm(audio: np.ndarray) -> bytes:
    pause = round(SILENCE * SAMPLE_RATE)
    loud = np.pad(audio * (PEAK / max(np.abs(audio).max(initial=0), 1e-9)), pause)
    loud += np.random.default_rng(0).standard_normal(len(loud)) * HISS
    return (np.clip(loud, -1, 1) * 32767).astype("<i2").tobytes()


def _decoded(decoder, audio: np.ndarray) -> str:
    decoder.start_utt()
    decoder.process_raw(_pcm(audio), full_utt=True)
    decoder.end_utt()
    found = decoder.hyp()
    return found.hypstr if found else ""


@cache
def _word_decoder():
    from pocketsphinx import Decoder

    # The mean of each utterance alone, so that the order of utterances does not matter.
    return Decoder(samprate=SAMPLE_RATE, loglevel="FATAL", cmn="batch")


@cache
def _phone_decoder():
    from pocketsphinx import Decoder, get_model_path

    return Decoder(
        samprate=SAMPLE_RATE,
        loglevel="FATAL",
        cmn="batch",
        lm=None,
        allphone=get_model_path("en-us/en-us-phone.lm.bin"),
        lw=2.0,
        beam=1e-20,
        pbeam=1e-20,
    )
