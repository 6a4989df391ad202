"""The format `.pt2`, read without torch: what is described and what is refused."""

import io
import subprocess
import sys
import zipfile
from importlib.metadata import entry_points

import attrs
import pytest
import torch
from voxstack import FormatError, Host, TensorSpec
from voxstack_torch import Pt2

FRAMES = TensorSpec("float32", ("batch", "frames"))


@pytest.fixture(scope="module")
def affine(tiny):
    return tiny.affine()


def test_it_is_the_entry_point_of_its_name():
    (point,) = entry_points(group="voxstack.formats", name="pt2")
    assert point.load() is Pt2
    assert (Pt2.name, Pt2.kind) == ("pt2", "model")


def test_a_program_is_described(tiny):
    found = Pt2().describe(tiny.late())
    assert list(found.inputs) == ["x", "gain", "mask", "state"]
    assert found.inputs["gain"] == attrs.evolve(found.inputs["x"], shape=(None, 1))
    assert len(found.outputs) == 3
    assert (found.parameters, found.operators["aten.cat.default"], found.foreign) == (1, 1, ())
    assert found.producer == f"torch {torch.__version__}"
    assert found.version.startswith("schema ")


def test_inputs_and_outputs_are_compared_by_their_order(tiny, affine):
    other = {"first": FRAMES, "second": FRAMES}
    Pt2().check(affine, tiny.network(affine, inputs=other, outputs={"made": FRAMES}))
    Pt2().check(tiny.late(), tiny.late_network())


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"inputs": {"x": FRAMES}}, r"has 2 inputs, and its manifest declares 1 \(x\)"),
        ({"outputs": {"y": FRAMES, "z": FRAMES}}, r"has 1 output, .* declares 2 \(y, z\)"),
        (
            {"inputs": {"x": FRAMES, "c": TensorSpec("int64", ("batch", "frames"))}},
            "its input 'c' is float32, declared as int64",
        ),
        (
            {"outputs": {"y": TensorSpec("float32", ("batch", 3, "frames"))}},
            r"its output 'y' has the shape \['\?', '\?'\], declared as \['batch', 3, 'frames'\]",
        ),
    ],
)
def test_a_program_other_than_declared_is_refused(tiny, affine, change, told):
    with pytest.raises(FormatError, match=told):
        Pt2().check(affine, tiny.network(affine, **change))


@pytest.mark.parametrize("cut", [0, 10, -8])
def test_a_truncated_file_is_refused(affine, cut):
    with pytest.raises(FormatError, match=r"it is not a \.pt2 archive"):
        Pt2().describe(affine[:cut])


def test_a_pickle_of_torch_is_named():
    data = io.BytesIO()
    torch.save({"weight": torch.ones(1)}, data)
    with pytest.raises(FormatError, match=r"a pickle of PyTorch .*; addons hold data only"):
        Pt2().describe(data.getvalue())


@pytest.mark.parametrize("content", ["[]", "{}", "{" * 100_000, '{"a":' * 900 + "1" + "}" * 900])
def test_a_graph_that_is_built_otherwise_is_refused(content):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("archive/models/model.json", content)
    with pytest.raises(FormatError, match=r"not built like an exported program|is not JSON"):
        Pt2().describe(data.getvalue())


def test_the_programs_of_an_installed_voice_are_what_they_are_declared_as():
    with Host() as host:
        networks = [n for n in host.addon("en-us").networks.values() if "pt2" in n.files]
        for network in networks:
            Pt2().check(network.read("pt2"), network)
    assert networks


def test_torch_is_not_imported(tmp_path, affine):
    file = tmp_path / "affine.pt2"
    file.write_bytes(affine)
    code = (
        "import pathlib, sys, voxstack_torch as p\n"
        f"p.Pt2().describe(pathlib.Path({str(file)!r}).read_bytes())\n"
        "print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert done.stdout.strip() == "False"
