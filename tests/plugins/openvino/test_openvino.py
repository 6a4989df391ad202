"""What is particular to OpenVINO."""

import subprocess
import sys

import numpy as np
import pytest
from onnx import TensorProto, helper
from voxstack import Host, Network, PluginError, TensorSpec, VoxstackError
from voxstack.errors import NetworkError
from voxstack.executors import Placed
from voxstack.running import HostedProgram, ProgramCache
from voxstack_onnxruntime import OnnxRuntime
from voxstack_openvino import OpenVino, OpenVinoStatic

FRAMES = TensorSpec("float32", ("batch", "frames"))


def affine():
    """A graph that gives y = 2 x + c, of any length."""
    tensors = {
        name: helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", "frames"])
        for name in ("x", "c", "y")
    }
    nodes = [
        helper.make_node("Add", ["x", "x"], ["xx"]),
        helper.make_node("Add", ["xx", "c"], ["y"]),
    ]
    graph = helper.make_graph(nodes, "affine", [tensors["x"], tensors["c"]], [tensors["y"]])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    return model.SerializeToString()


def network(data=None, outputs=("y",), **inputs):
    data = affine() if data is None else data
    return Network(
        "affine",
        "decoder",
        {"x": FRAMES, "c": FRAMES, **inputs},
        dict.fromkeys(outputs, FRAMES),
        {"onnx": "affine.onnx"},
        addon="tiny",
        read=lambda format_: data,
        digest=lambda format_: "d",
    )


def ones(frames):
    return np.ones((1, frames), np.float32)


def test_inputs_may_be_read_only_or_have_gaps():
    # Many are copied for a call, none of which may be freed and used again before it runs.
    still, wide = ones(5000) * 7, ones(10000)
    still.setflags(write=False)
    program = OpenVino().load(network())
    for gaps in (wide[:, ::2], wide[:, 1::2] * 1):
        assert (program({"x": still, "c": gaps})["y"] == 15.0).all()


def test_an_input_that_the_exporter_dropped_is_not_fed():
    program = OpenVino().load(network(speaker=TensorSpec("int64", ("batch",))))
    out = program({"x": ones(2), "c": ones(2), "speaker": np.array([1])})
    assert out["y"].tolist() == [[3.0, 3.0]]


def test_an_output_that_the_graph_lacks_is_named():
    with pytest.raises(NetworkError, match=r"'tiny:affine' declares outputs .* have: z; .* y"):
        OpenVino().load(network(outputs=("y", "z")))


def test_fixed_dimensions_refuse_any_other_size():
    program = OpenVinoStatic().load(network().fixed({"batch": 1, "frames": 4}))
    assert program({"x": ones(4), "c": ones(4)})["y"].shape == (1, 4)
    with pytest.raises(RuntimeError, match="x"):
        program({"x": ones(5), "c": ones(5)})


def test_a_dimension_left_open_is_named():
    with pytest.raises(NetworkError, match=r"input 'x' of .* 'tiny:affine' has no size for frames"):
        OpenVinoStatic().load(network().fixed({"batch": 1}))


@pytest.mark.parametrize("voice", ["en-us", "en-us-attention"])
def test_the_networks_of_a_voice_give_what_onnx_runtime_gives(voice):
    rng = np.random.default_rng(0)
    with Host() as host:
        networks = host.addon(voice).networks.values()
        for each in networks:
            ours, theirs = (e().load(each) for e in (OpenVino, OnnxRuntime))
            for size in (13, 50):
                inputs = {}
                for name, spec in each.inputs.items():
                    shape = [1 if d == "batch" else size if d in ("text", "frames") else d
                             for d in spec.shape]  # fmt: skip
                    inputs[name] = rng.random(shape).astype(spec.dtype)
                    if "mask" in name:
                        inputs[name][:] = 1
                expected = theirs(inputs)
                for name, value in ours(inputs).items():
                    assert np.allclose(value, expected[name], rtol=1e-4, atol=1e-4), name


def test_inputs_that_disagree_are_named_and_the_next_call_runs():
    hosted = HostedProgram(network(), Placed((OpenVino(),)), ProgramCache())
    message = "'tiny:affine' cannot run: its input 'c' has 2 frames, and 'x' has 3"
    with pytest.raises(NetworkError, match=message):
        hosted({"x": ones(3), "c": ones(2)})
    assert hosted({"x": ones(3), "c": ones(3)})["y"].tolist() == [[3.0] * 3]


def test_a_closed_program_gives_a_voxstack_error():
    program = OpenVino().load(network())
    program.close()
    with pytest.raises(VoxstackError, match="closed"):
        program({"x": ones(1), "c": ones(1)})


@pytest.mark.parametrize("options", [{"threads": 0}, {"device": ""}, {"precision": "f64"}], ids=str)
def test_options_that_make_no_sense_are_refused(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        OpenVino(**options)


@pytest.mark.parametrize("device", ["CPU", "AUTO", "AUTO:NPU,CPU"])
def test_what_runs_on_a_cpu_is_available_here(device):
    assert OpenVino(device=device).available() is None


def test_a_device_that_is_not_there_is_named_with_those_that_are():
    executor = OpenVino(device="GPU.7")
    assert "finds no GPU.7 here; it finds: CPU" in executor.available()
    with pytest.raises(PluginError, match=r"GPU\.7"):
        executor.load(network())
    assert "CPU" in OpenVino.devices()


@pytest.mark.parametrize("device", ["AUTO", "AUTO:CPU"])
def test_a_mode_of_openvino_runs_networks(device):
    program = OpenVino(device=device).load(network())
    assert program({"x": ones(2), "c": ones(2)})["y"].tolist() == [[3.0, 3.0]]


def test_compiled_networks_are_kept_where_a_folder_is_named(tmp_path):
    program = OpenVino(cache=str(tmp_path)).load(network())
    assert list(tmp_path.iterdir())
    again = OpenVino(cache=str(tmp_path)).load(network())
    for each in (program, again):
        assert each({"x": ones(2), "c": ones(2)})["y"].tolist() == [[3.0, 3.0]]


def test_without_the_package_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr("voxstack.executors.find_spec", lambda name: None)
    monkeypatch.setattr("voxstack_openvino.find_spec", lambda name: None)
    assert OpenVino().available() == "openvino is not installed: pip install openvino"
    assert OpenVino.devices() == ()


def in_a_new_interpreter(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    return done.stdout.strip()


def test_probing_for_the_cpu_does_not_import_the_runtime():
    code = (
        "import sys, voxstack_openvino as p\n"
        "p.OpenVino().available()\n"
        "print('openvino' in sys.modules)"
    )
    assert in_a_new_interpreter(code) == "False"


def test_the_telemetry_of_the_runtime_is_never_imported():
    code = (
        "import sys, voxstack_openvino as p\n"
        "p.OpenVino.devices()\n"
        "import openvino.tools.ovc as ovc\n"
        "print('openvino_telemetry' in sys.modules, type(ovc.telemetry).__module__)"
    )
    assert in_a_new_interpreter(code) == "False openvino.tools.ovc.telemetry_stub"
