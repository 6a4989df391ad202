"""``voxstack evaluate``: what it refuses, and one sentence from end to end."""

import json
from importlib.util import find_spec

import pytest
from click.testing import CliRunner
from voxstack import InputError
from voxstack_train.corpus import flite
from voxstack_train.errors import TrainError
from voxstack_train.evaluation.command import evaluate
from voxstack_train.evaluation.scoring import SYSTEMS, Score
from voxstack_train.evaluation.table import COLUMNS, TABLES, cells, heads, markdown, rows
from voxstack_train.evaluation.words import Words


def run(*arguments):
    return CliRunner().invoke(evaluate, ["en-us", "--sentences", "1", *arguments])


def hide(monkeypatch, *packages):
    there = find_spec
    monkeypatch.setattr(
        "voxstack_train.evaluation.errors.find_spec",
        lambda name: None if name in packages else there(name),
    )


def test_missing_packages_are_named_together(monkeypatch):
    hide(monkeypatch, "pocketsphinx", "jiwer")
    error = run().exception
    assert error.exit_code == 2
    assert "pip install pocketsphinx jiwer" in str(error)


def test_drawing_packages_are_required_only_with_pictures(monkeypatch, tmp_path):
    hide(monkeypatch, "matplotlib")
    error = run("--pictures", str(tmp_path)).exception
    assert error.exit_code == 2
    assert "pip install matplotlib" in str(error)


def test_a_missing_teacher_is_reported_with_its_installation(monkeypatch):
    def missing(voice):
        raise TrainError("the library 'flite' is not installed; apt-get install libflite1")

    monkeypatch.setattr("voxstack_train.evaluation.teaching._flite", missing)
    error = run().exception
    assert error.exit_code == 2
    assert "apt-get install libflite1" in str(error)


def test_an_unknown_speaker_is_the_hosts_own_error():
    error = run("--speakers", "slf").exception
    assert isinstance(error, InputError)
    assert "did you mean 'slt'?" in str(error)


def test_an_unknown_teacher_suggests():
    error = run("--teacher", "slf").exception
    assert isinstance(error, InputError)
    assert "did you mean 'slt'?" in str(error)


def test_json_or_markdown():
    assert isinstance(run("--json", "--markdown").exception, InputError)


def test_one_sentence_from_end_to_end(tmp_path):
    pytest.importorskip("pocketsphinx")
    try:
        flite.Flite("slt")
    except TrainError as error:
        pytest.skip(str(error))
    done = run("--set", "easy", "--speakers", "slt", "--jobs", "1", "--json",
               "--pictures", str(tmp_path))  # fmt: skip
    assert done.exit_code == 0, done.exception
    assert done.stderr == ""
    table = {row["system"]: row for row in json.loads(done.stdout)["table"]}
    assert tuple(table) == SYSTEMS
    measured = {column.name for column in COLUMNS}
    assert not [name for name in measured if table["voice"][name] is None]
    assert table["teacher"]["mel_cepstral_distortion"] is None
    assert [path.name for path in tmp_path.iterdir()] == ["en-us-slt-easy.png"]


def scored(dropped, distortion=None):
    return Score(Words(10, dropped=dropped), 20, 5, 2.0, 0.1, False, 0.5, distortion=distortion)


def test_rates_are_of_all_words_and_stand_beside_the_teachers():
    sentences = [
        {"teacher": scored(1), "voice": scored(2, 4.0)},
        {"teacher": scored(0), "voice": scored(1, 5.0)},
    ]
    teacher, voice = rows({("easy", "slt"): sentences})
    assert (teacher["word_error"], voice["word_error"], voice["dropped"]) == (5.0, 15.0, 15.0)
    assert voice["word_error_above_teacher"] == 10.0
    assert voice["word_error_above_teacher_95"] == [10.0, 10.0]
    assert voice["mel_cepstral_distortion"] == 4.5
    assert voice["real_time_factor"] == 0.05
    assert "word_error_above_teacher" not in teacher


def test_a_voice_without_teacher_has_its_own_rows():
    (voice,) = rows({("easy", None): [{"voice": scored(1)}]})
    assert voice["mel_cepstral_distortion"] is None
    for columns in TABLES:
        assert len(cells(voice, columns)) == len(heads(columns))
    assert "| easy | - | voice | 10.0 | - |" in markdown([voice], [])
