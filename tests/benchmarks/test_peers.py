"""The parts of ``peers.py``: the peers' graph equals the voice, gaps are counted."""

import sys
from pathlib import Path

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
pytest.importorskip("voxstack_vocoder_mel_16k")

sys.path.insert(0, str(Path(__file__).parent))
try:
    from against import equality, results
    from against.jobs import jobs
    from against.listening import Heard
    from against.models import VOICE, Models
    from against.processes import Running, System, SystemGone
    from against.systems.voxstack_system import LONG
    from against.whole import whole
finally:
    sys.path.pop(0)

from voxstack import Host


@pytest.fixture(scope="module")
def host():
    with Host() as opened:
        yield opened


@pytest.fixture(scope="module")
def models(host):
    return Models(host, given=True)


def job_of(host, models, text):
    sentence = next(host.voice(VOICE, edits=LONG, load=False).built.frontend.sentences([text]))
    return {"text": text, "spelled": [models.alphabet.spelled(sentence)]}


def test_the_graphs_of_the_peers_say_what_the_voice_says(host, models):
    cases = [
        job_of(host, models, text)
        for text in ("Hello, world.", "Did anybody call the children?", "Nobody did; it was dark.")
    ]
    found = equality.ours(host, equality.Graphs(models), cases)
    assert max(v for name, v in found.items() if "one call" in name) < 1e-4
    assert max(found.values()) < 5e-3  # a change of F0 by 1e-7 changes the waveform


def test_the_length_scale_slows_the_graph_down(host, models):
    graphs = equality.Graphs(Models(host))
    ids = models.alphabet.piper_ids(job_of(host, models, "Hello, world.")["spelled"][0])
    lengths = []
    for scale in (1.0, 2.0):
        inputs = {"input": np.array([ids]), "sid": np.array([0]), "input_lengths": np.array([9])}
        scales = np.array([1, scale, 0], dtype=np.float32)
        lengths.append(equality._ran(graphs._piper, {**inputs, "scales": scales}).size)
    assert 1.8 < lengths[1] / lengths[0] < 2.2


def test_the_alphabet_tells_a_question_and_a_stressed_phone(host, models):
    stated = job_of(host, models, "It rains.")["spelled"][0]
    asked = job_of(host, models, "It rains?")["spelled"][0]
    assert len(stated) == len(asked) and not set(stated) & set(asked)
    assert models.alphabet.piper_ids(stated)[::2][0] == models.alphabet.ids["^"]
    assert len(models.alphabet.piper_ids(stated)[::2]) == len(stated)
    assert len(models.alphabet.matcha_ids(stated)[1::2]) == len(stated)


def test_whole_leaves_no_state_no_delay_and_no_mask(host):
    model = onnx.load_from_string(host.addon(VOICE).networks["decoder"].read("onnx"))
    made = whole(model)
    assert [o.name for o in made.graph.output] == ["mel"]
    assert {i.name for i in made.graph.input} - {"mask"} == {
        "encodings", "elapsed", "duration", "f0", "voiced"
    }  # fmt: skip
    assert not any("mask" in node.input for node in made.graph.node)


def test_whole_refuses_a_form_that_it_does_not_know(host):
    model = onnx.load_from_string(host.addon(VOICE).networks["decoder"].read("onnx"))
    for node in model.graph.node:
        node.input[:] = [n.replace("state_block5", "state_memory") for n in node.input]
    for tensor in model.graph.input:
        tensor.name = tensor.name.replace("state_block5", "state_memory")
    with pytest.raises(ValueError, match="'state_memory' is an unknown state"):
        whole(model)


def test_a_listener_hears_a_gap_where_a_piece_comes_too_late():
    heard = Heard.of([(0.1, 1000), (0.9, 1000), (2.6, 1000)], rate=1000)
    assert (heard.first, heard.whole, heard.speech) == (0.1, 2.6, 3.0)
    assert heard.underruns == 1
    assert heard.silence == pytest.approx(0.5)  # played from 0.1 to 2.1, then waited until 2.6


def test_ratios_are_ours_by_theirs_of_the_same_round():
    key = ("sentence", 10)
    heard = {
        (results.STREAMED, key): [Heard(0.01, 0.11, 10, 0, 0)] * 2,
        (results.WHOLE, key): [Heard(0.1, 0.1, 10, 0, 0)] * 2,
        ("Piper", key): [Heard(0.1, 0.1, 10, 0, 0)] * 2,
    }
    (row,) = results.ratios(heard)
    assert (row["ttfa"], row["rtf_whole"], row["rtf_streamed"]) == (0.1, 1.0, 1.1)
    assert [goal["held"] for goal in results.goals([row])] == [True, True, True]


def test_a_system_speaks_in_a_process_of_its_own(host, models, tmp_path):
    job = jobs(host, models)["sentence", 1]
    with Running(System("ours", "voxstack_system", sys.executable), tmp_path) as running:
        one = Heard.of(running.ask(do="speak", job=job)["chunks"], 16000)
        both = running.ask(do="together", job=job, streams=2)
    assert one.first < one.whole and one.speech > 0.5
    assert [len(pieces) for pieces in both["streams"]] == [4, 4] and not both["errors"]


def test_a_system_that_is_not_installed_is_named_with_its_reason(tmp_path):
    with pytest.raises(SystemGone, match=r"Stranger ended with 1: .*No module named .*stranger"):
        Running(System("Stranger", "stranger_system", sys.executable), tmp_path)
