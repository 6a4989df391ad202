"""The teachers of flite: their phones, times and F0."""

import ctypes.util

import numpy as np
import pytest
from voxstack_train.corpus.flite import SAMPLE_RATE, VOICES, Flite
from voxstack_train.corpus.sentences import NAMES, phones_of
from voxstack_train.corpus.teacher import teach
from voxstack_train.corpus.utterances import TRACK_STEP, Corpus, read_audio
from voxstack_train.errors import TrainError

TEXT = "The ship sailed along the river in the morning."
TYPICAL = {"awb": (80, 200), "kal": (60, 180), "rms": (60, 160), "slt": (120, 280)}  # Hz

flite = pytest.mark.skipif(
    ctypes.util.find_library("flite") is None,
    reason="libflite is not installed; on Debian and Ubuntu: apt-get install libflite1",
)


def nothing(count):
    pass


@flite
@pytest.mark.parametrize("voice", sorted(VOICES))
def test_a_voice_says_the_frontends_phones_with_their_times_and_f0(voice, tmp_path):
    assert teach(voice, {"a": TEXT}, tmp_path, nothing).added == 1
    (utterance,) = Corpus(tmp_path)
    audio, notes = read_audio(Corpus(tmp_path).wav("a"), SAMPLE_RATE)
    assert [NAMES[i] for i in utterance.rows[0]] == phones_of(TEXT)
    assert len(utterance.ends) == len(utterance.rows[0])
    assert (np.diff(utterance.ends, prepend=0) > 0).all()
    assert utterance.ends[-2] < len(audio) / SAMPLE_RATE
    assert abs(utterance.ends[-1] - len(audio) / SAMPLE_RATE) < 0.12  # kal: half its last silence
    assert abs(len(utterance.f0) * TRACK_STEP - len(audio) / SAMPLE_RATE) < 0.02
    voiced = np.array([hertz for hertz in utterance.f0 if hertz])
    low, high = TYPICAL[voice]
    assert low < np.median(voiced) < high and voiced.min() > 40 and voiced.max() < 400
    assert utterance.voicing == (voice != "kal")
    assert notes == []


@flite
def test_a_sentence_that_the_frontend_says_differently_is_left_out_and_reported(tmp_path):
    texts = {"a": TEXT, "b": "One sentence. Another one.", "c": "Was it late?"}
    taught = teach("rms", texts, tmp_path, nothing)
    assert (taught.added, taught.kept, taught.differ) == (2, 0, (texts["b"],))
    assert [(u.id, u.question) for u in Corpus(tmp_path)] == [("a", 0), ("c", 1)]


@flite
def test_killed_teaching_resumes(tmp_path):
    texts, counts = {"a": TEXT, "b": "Was it late?"}, []
    teach("rms", texts, tmp_path, nothing)
    whole = (tmp_path / "utterances.jsonl").read_bytes()
    (tmp_path / "utterances.jsonl").write_bytes(whole[:-9])
    taught = teach("rms", texts, tmp_path, counts.append)
    assert (taught.added, taught.kept, sum(counts)) == (1, 1, 2)
    assert (tmp_path / "utterances.jsonl").read_bytes() == whole


@flite
def test_a_voice_says_the_same_twice_but_for_its_noise():
    one, other = (Flite("slt").speak("Was it late?") for _ in range(2))
    assert len(one.audio) == len(other.audio)
    assert np.array_equal(one.ends, other.ends) and np.array_equal(one.f0, other.f0)


def test_an_unknown_voice_of_flite_is_refused_with_the_known_ones():
    with pytest.raises(TrainError, match="flite has no voice 'kate'; it has awb, kal, rms, slt"):
        Flite("kate")
