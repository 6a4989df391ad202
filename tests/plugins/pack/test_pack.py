"""`voxstack addon pack`: from a recipe to an addon that speaks, or to an error without files."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import onnx
import pytest
from voxstack import Host, VoxstackError

from .conftest import DECODER, HEAD, VOICE

ONE = ("--executor", "OnnxRuntime")


def voxstack(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "voxstack", *arguments], capture_output=True, text=True, check=False
    )


def test_a_packed_voice_is_checked_and_speaks(packer, tmp_path):
    from importlib.util import find_spec

    voice = find_spec("voxstack_voice_en_us").submodule_search_locations[0]
    shutil.copy(Path(voice) / "symbols.json", tmp_path)
    result = packer(VOICE, "--json")
    assert result.exit_code == 0, result.output
    facts = json.loads(result.stdout)
    assert [network["form"] for network in facts["networks"]] == ["whole", "delayed", "delayed"]
    assert facts["networks"][2]["frame_ratio"] == 20
    for network in facts["networks"]:
        used = [f for f in network["executors"].values() if "skipped" not in f]
        assert used
        assert all(value <= 1e-4 for figures in used for value in figures.values())
    manifest = json.loads((tmp_path / "out" / "addon.json").read_text())
    assert sum(share for _, share in manifest["sizes"]["text"]) == pytest.approx(1, abs=0.01)
    checked = voxstack("addon", "check", "./out")
    assert checked.returncode == 0, checked.stdout
    said = voxstack("say", "--voice", "./out", "Hello.", "-o", "hello.wav")
    assert said.returncode == 0, said.stderr
    assert Path("hello.wav").stat().st_size > 100


def test_the_same_recipe_gives_the_same_bytes(packer):
    written = []
    for _ in range(2):
        assert packer(HEAD + DECODER, *ONE).exit_code == 0
        written.append(
            {path.name: path.read_bytes() for path in Path("out").rglob("*") if path.is_file()}
        )
    assert written[0] == written[1]


def test_an_onnx_file_is_packed_under_other_names(packer):
    assert packer(HEAD + DECODER + 'form = "windows"\n', *ONE).exit_code == 0
    model = onnx.load("out/networks/decoder.onnx")
    for node in model.graph.node:
        node.doc_string = "made in /home/me/model.py"
        for names in (node.input, node.output):
            for i, name in enumerate(names):
                names[i] = {"encodings": "x.1", "mel": "y.1"}.get(name, name)
    model.graph.input[0].name, model.graph.output[0].name = "x.1", "y.1"
    onnx.save(model, "old.onnx")
    shutil.rmtree("out")
    network = """
[networks.decoder]
role = "decoder"
onnx = "old.onnx"
inputs = { encodings = { called = "x.1" } }
outputs = { mel = { called = "y.1" } }
"""
    result = packer(HEAD + network, *ONE)
    assert result.exit_code == 0, result.exception
    with Host() as host:
        declared = host.addon("./out").networks["decoder"]
    assert declared.consumes == ("encodings",)
    assert declared.delay == 3


REFUSED = {
    '"./models.py:decodr"': r"no function 'decodr' \(did you mean 'decoder'\?\)",
    '"./nothing.py:decoder"': "no such file",
    '"no_such_package:decoder"': "ModuleNotFoundError",
    '"./models.py:failing"': r"raised ValueError: no weights here \(models.py, line",
    '"./models.py:branching"': "its control flow depends on the values of tensors",
    '"./models.py:singular"': "the op aten::_linalg_svd has no ONNX form",
    '"./models.py:normalizing"': "every position of frames affects all others",
    '"decoder"': "expected 'package.module:factory'",
}


@pytest.mark.parametrize("module", REFUSED)
def test_a_module_that_cannot_be_packed_is_refused_and_nothing_written(packer, module):
    result = packer((HEAD + DECODER).replace('"./models.py:decoder"', module), *ONE)
    assert isinstance(result.exception, VoxstackError)
    assert result.exception.exit_code == 2
    assert "recipe.toml: /networks/decoder: network 'decoder': " in str(result.exception)
    assert not Path("out").exists()
    with pytest.raises(VoxstackError, match=REFUSED[module]):
        raise result.exception


WRONG = {
    ("outputs", "output"): "/networks/decoder/output: unknown option 'output'",
    ('["mel"]', '["mel", "more"]'): "the module returns 1 outputs, expected 2: mel, more",
    ("./models.py:decoder", 'x:y"\nonnx = "z.onnx'): "expected either 'module'",
    ('role = "decoder"', 'role = "decoder"\nframe_ratio = 3'): "frame_ratio is 1 as measured",
    ('role = "decoder"', 'role = "decoder"\ninputs = { encoding = "frames" }'): "did you mean",
    ('role = "decoder"', 'role = "decoder"\nform = "windoes"'): "did you mean 'windows'",
    ('version = "0.1.0"\n', ""): "option 'version' is missing",
    ('name = "tiny"\n', 'name = "tiny"\ncard = "CARD.md"\n'): "/card: cannot read CARD.md",
}


@pytest.mark.parametrize("change", WRONG, ids=[after[:24] for _, after in WRONG])
def test_a_wrong_recipe_is_refused_with_its_place(packer, change):
    result = packer((HEAD + DECODER).replace(*change), *ONE)
    assert isinstance(result.exception, VoxstackError)
    assert WRONG[change] in str(result.exception)


def test_a_hop_that_the_vocoder_does_not_make_is_refused(packer):
    vocoder = """
[networks.vocoder]
role = "vocoder"
module = "./models.py:vocoder"
outputs = ["audio"]
"""
    result = packer(HEAD.replace("hop = 20", "hop = 40") + vocoder, *ONE)
    expected = "/audio/hop: is 40, but the vocoder 'vocoder' makes 20 samples per frame"
    assert expected in str(result.exception)
    assert not Path("out").exists()


def test_a_file_that_is_not_onnx_is_refused(packer, tmp_path):
    (tmp_path / "bad.onnx").write_bytes(b"not a network")
    network = '[networks.n]\nrole = "decoder"\nonnx = "bad.onnx"\n'
    assert "bad.onnx: " in str(packer(HEAD + network, *ONE).exception)


def test_a_folder_of_something_else_is_left_alone(packer, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").touch()
    assert "holds something else" in str(packer(HEAD + DECODER, *ONE).exception)
    assert packer(HEAD + DECODER, *ONE, "--force").exit_code == 0
    assert (tmp_path / "out" / "thesis.txt").exists()


def test_an_unknown_executor_is_named(packer):
    result = packer(HEAD + DECODER, "--executor", "OnnxRuntim")
    assert "did you mean 'OnnxRuntime" in str(result.exception)


def test_both_formats_are_written(packer):
    text = HEAD + 'formats = ["onnx", "pt2"]\n' + DECODER
    result = packer(text, *ONE)
    assert result.exit_code == 0, result.exception
    manifest = json.loads(Path("out/addon.json").read_text())
    assert set(manifest["networks"]["decoder"]["files"]) == {"onnx", "pt2"}
    assert set(manifest["files"]) == {"networks/decoder.onnx", "networks/decoder.pt2"}
    assert 'no delayed form: that exists as ONNX only, and formats includes "pt2"' in result.output


def test_a_delayed_form_as_pt2_is_refused(packer):
    text = HEAD + 'formats = ["onnx", "pt2"]\n' + DECODER + 'form = "delayed"\n'
    assert 'remove "pt2", or use form = "windows"' in str(packer(text, *ONE).exception)


STEPPED = """
import torch
from torch import nn

class Running(nn.Module):
    def forward(self, x, mask, *states):
        joined = torch.cat([states[0], x * mask[:, None]], -1)
        return joined[..., 2:] + joined[..., 1:-1] + joined[..., :-2], joined[..., -2:]

    def whole(self, x, mask):
        padded = nn.functional.pad(x * mask[:, None], (1, 1))
        return padded[..., 2:] + padded[..., 1:-1] + padded[..., :-2]

def make():
    module = Running()
    given = {"x": torch.randn(1, 4, 60), "mask": torch.ones(1, 60)}
    return module, given | {"state_past": torch.zeros(1, 4, 2)}, module.whole
"""


def test_the_delay_of_a_stepped_module_is_measured_against_its_whole(packer, tmp_path):
    (tmp_path / "stepped.py").write_text(STEPPED)
    result = packer((HEAD + DECODER).replace("models.py:decoder", "stepped.py:make"), *ONE)
    assert result.exit_code == 0, result.exception
    declared = json.loads(Path("out/addon.json").read_text())["networks"]["decoder"]
    assert declared["state"] == {"state_past": "next_state_past"}
    assert declared["delay"] == 1


def test_a_file_in_place_of_the_folder_is_refused(packer, tmp_path):
    (tmp_path / "out").write_text("a file")
    assert "out: not a folder" in str(packer(HEAD + DECODER, *ONE).exception)
