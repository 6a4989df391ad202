"""Stages that find the results of another recipe, or of an incomplete corpus."""

from io import StringIO

import numpy as np
import pytest
from rich.console import Console
from voxstack_train.corpus.aligned import _by_text
from voxstack_train.corpus.alignments import Alignment
from voxstack_train.corpus.teacher import teach
from voxstack_train.corpus.utterances import Corpus, Utterance
from voxstack_train.errors import TrainError
from voxstack_train.features.shards import read, shards_of
from voxstack_train.recipe import read_recipe
from voxstack_train.stages import evaluate, features
from voxstack_train.work import Work

SPEAKER = '[[corpus.speakers]]\nname = "{}"\nteacher = "flite"\n'


def work_of(folder, *speakers, rest=""):
    path = folder / "recipe.toml"
    path.write_text('name = "x"\n' + "".join(map(SPEAKER.format, speakers)) + rest)
    return Work(read_recipe(path), path, folder, "cpu", Console(file=StringIO()))


def add(work, speaker, *ids):
    corpus = Corpus(work.corpus / speaker)
    _, listing = corpus.open()
    audio = (3000 * np.sin(np.arange(8000) / 10)).astype(np.int16)
    with listing:
        for id_ in ids:
            rows = [[1, 5, 2], [0] * 3, [0] * 3, [0] * 3]
            one = Utterance(id_, f"Text {id_}.", rows, 0, [0.1, 0.4, 0.5], [150.0] * 100)
            corpus.add(listing, one, audio, 16_000)


def held(work, speaker):
    return [(e.id, e.speaker) for p in shards_of(work.features, speaker) for e in read(p)]


def test_features_of_an_incomplete_corpus_are_computed_again_when_it_is_complete(tmp_path):
    work = work_of(tmp_path, "rms")
    add(work, "rms", "00001")
    features(work)
    (before,) = shards_of(work.features, "rms")
    made = before.stat().st_mtime_ns
    features(work)
    assert before.stat().st_mtime_ns == made  # all is done
    add(work, "rms", "00000")
    features(work)
    assert held(work, "rms") == [("00000", 0), ("00001", 0)]


def test_features_follow_the_order_of_the_speakers(tmp_path):
    work = work_of(tmp_path, "rms")
    add(work, "rms", "00000")
    features(work)
    work = work_of(tmp_path, "slt", "rms")
    add(work, "slt", "00000")
    features(work)
    assert held(work, "rms") == [("00000", 1)]


def test_a_corpus_of_other_sentences_is_refused_with_file_and_line(tmp_path, monkeypatch):
    monkeypatch.setattr("voxstack_train.corpus.teacher.Flite", lambda voice: None)
    add(work_of(tmp_path, "rms"), "rms", "00000", "00001")
    texts = {"00000": "Text 00000.", "00001": "Another."}
    with pytest.raises(TrainError, match=r"utterances\.jsonl:2: 00001 is .* another recipe"):
        teach("rms", texts, tmp_path / "corpus" / "rms", lambda count: None)


def test_a_sentence_that_the_teacher_cannot_say_is_left_out(tmp_path, monkeypatch):
    class Mute:
        def __init__(self, voice):
            pass

        def speak(self, text):
            raise TrainError("cannot say it")

    monkeypatch.setattr("voxstack_train.corpus.teacher.Flite", Mute)
    taught = teach("rms", {"00000": "Hello."}, tmp_path, lambda count: None)
    assert taught.differ == ("Hello.",)


def test_a_text_without_words_is_refused():
    with pytest.raises(TrainError, match=r"a\.ctm: the text '\.\.\.' has no words"):
        _by_text(Alignment("a.ctm", ()), "...", ["aa"])


def test_an_addon_that_is_not_exported_is_not_evaluated(tmp_path, monkeypatch):
    monkeypatch.setattr("voxstack_train.evaluation.errors.PACKAGES", {})
    rest = """[acoustic]
learning = { steps = 1, rate = 1e-3 }
[evaluate]
[[export]]
kind = "parallel"
folder = "work:a"
name = "a"
version = "1"
description = ""
vocoder = "v:vocoder"
"""
    with pytest.raises(TrainError, match=r"addon\.json: missing; run the stage 'export'"):
        evaluate(work_of(tmp_path, "rms", rest=rest))
