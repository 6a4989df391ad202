"""What voxstack_kit.testing ships and exports."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import voxstack_kit.testing
from voxstack import InputError, Mark
from voxstack_kit.testing import chunks_of, collected, in_voice
from voxstack_kit.testing.toys import FOLDER


@pytest.fixture(scope="module")
def maker():
    pytest.importorskip("onnx")
    path = Path(__file__).with_name("make_testing_networks.py")
    spec = importlib.util.spec_from_file_location("make_testing_networks", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["windows", "steps", "attention", "symbols"])
def test_the_toys_are_what_their_maker_makes(maker, name):
    assert (FOLDER / f"{name}.onnx").read_bytes() == maker.onnx_of(name)
    assert (
        json.loads((FOLDER / "addon.json").read_text("utf-8"))["networks"][name]["inputs"]
        == (maker.NETWORKS[name]["inputs"])
    )


def test_every_name_is_there():
    for name in voxstack_kit.testing.__all__:
        assert getattr(voxstack_kit.testing, name).__name__ == name
    with pytest.raises(AttributeError, match="no attribute 'Suite'"):
        voxstack_kit.testing.Suite  # noqa: B018


def test_pytest_loads_nothing_heavy_of_ours_when_it_starts():
    code = (
        "import sys, voxstack_kit.testing.plugin;"
        "print([m for m in ('numpy', 'hypothesis', 'voxstack.host', 'rich') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_chunks_are_cut_and_put_together_again():
    audio = np.arange(10, dtype=np.float32)[None]
    marks = (Mark("word", "a", 0), Mark("word", "b", 9))
    chunks = list(chunks_of({"audio": audio}, [3, 0, 4], marks))
    assert [(c.start, len(c), c.last) for c in chunks] == [
        (0, 3, False),
        (3, 0, False),
        (3, 4, False),
        (7, 3, True),
    ]
    whole = collected(chunks)
    assert np.array_equal(whole["audio"], audio) and whole.marks == marks


def test_chunks_of_nothing_are_one_that_is_the_last():
    (chunk,) = chunks_of({"audio": np.zeros((1, 0))})
    assert chunk.last and len(chunk) == 0


@pytest.fixture(scope="module")
def speaks():
    pytest.importorskip("voxstack_voice_en_us")
    pytest.importorskip("voxstack_onnxruntime")


@pytest.mark.usefixtures("speaks")
def test_a_block_of_a_voice_comes_with_what_it_gets_there():
    found = in_voice("en-us", "/stack/1", "One. And two.")
    assert type(found.block).__name__ == "Vocoder"
    assert found.frames["mel"].shape[:2] == (1, 80)
    assert "ids" in found.sequence and found.sequence.marks[0].value == "One."
    first = in_voice("en-us", "/stack/0/streamable_block/stack/0")
    assert first.frames is None and "durations" in first.sequence


@pytest.mark.usefixtures("speaks")
@pytest.mark.parametrize(
    ("pointer", "told"),
    [
        ("/stack/7", "there is no '7' among 2 blocks"),
        ("/stack/0/block", "StreamablePipeline has no 'block' .there: sequence_block, streamable"),
        ("/frontend", "is not in the stack"),
        ("/stack/1/network", "is not a block but HostedProgram"),
    ],
)
def test_a_pointer_to_no_block_of_a_voice_is_refused(pointer, told):
    with pytest.raises(InputError, match=told):
        in_voice("en-us", pointer)
