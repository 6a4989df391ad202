"""Networks on ONNX Runtime."""

import subprocess
import sys
import threading

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from voxstack import Network, PluginError, TensorSpec, VoxstackError
from voxstack.errors import NetworkError
from voxstack.programs import HostedProgram, ProgramCache
from voxstack_onnxruntime import OnnxRuntime

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
    onnx.checker.check_model(model)
    return model.SerializeToString()


def network(data=None, **inputs):
    data = affine() if data is None else data
    return Network(
        "affine",
        "decoder",
        {"x": FRAMES, "c": FRAMES, **inputs},
        {"y": FRAMES},
        {"onnx": "affine.onnx"},
        addon="tiny",
        read=lambda format_: data,
        digest=lambda format_: "d",
    )


def ones(frames):
    return np.ones((1, frames), np.float32)


@pytest.mark.parametrize("frames", [1, 7])
def test_a_graph_runs_on_any_length(frames):
    program = OnnxRuntime().load(network())
    out = program({"x": ones(frames), "c": ones(frames) * 3})
    assert list(out) == ["y"]
    assert out["y"].tolist() == [[5.0] * frames]


def test_an_input_that_the_exporter_dropped_is_not_fed():
    program = OnnxRuntime().load(network(speaker=TensorSpec("int64", ("batch",))))
    out = program({"x": ones(2), "c": ones(2), "speaker": np.array([1])})
    assert out["y"].tolist() == [[3.0, 3.0]]


def test_many_threads_may_run_one_program():
    program, wrong = OnnxRuntime().load(network()), []

    def work(value):
        for _ in range(50):
            out = program({"x": ones(5) * value, "c": ones(5)})["y"]
            if not (out == 2 * value + 1).all():
                wrong.append(value)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_provider_that_this_build_lacks_is_named_with_those_that_it_has():
    executor = OnnxRuntime(providers=("NoSuchProvider",))
    with pytest.raises(PluginError, match=r"no 'NoSuchProvider'; it has: .*CPUExecutionProvider"):
        executor.load(network())


@pytest.mark.parametrize("cut", [0, 10, -8])
def test_a_truncated_file_is_a_clear_error_that_names_the_network(cut):
    hosted = HostedProgram(network(affine()[:cut]), OnnxRuntime(), ProgramCache())
    with pytest.raises(NetworkError, match="OnnxRuntime cannot load the network 'tiny:affine'"):
        hosted.load()


def test_a_graph_that_fails_in_a_call_is_named():
    hosted = HostedProgram(network(), OnnxRuntime(), ProgramCache())
    with pytest.raises(NetworkError, match="the network 'tiny:affine' failed on OnnxRuntime"):
        hosted({"x": ones(3), "c": ones(2)})


@pytest.mark.parametrize("options", [{"threads": 0}, {"threads": -1}, {"providers": ()}])
def test_options_that_make_no_sense_are_refused(options):
    with pytest.raises(ValueError, match=r"threads|providers"):
        OnnxRuntime(**options)


def test_equal_configurations_are_equal_so_that_voices_share_programs():
    assert OnnxRuntime(threads=2) == OnnxRuntime(threads=2)
    assert hash(OnnxRuntime()) == hash(OnnxRuntime())
    assert OnnxRuntime(threads=2) != OnnxRuntime()


def test_it_is_available_here():
    assert OnnxRuntime().available() is None


def test_without_the_package_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr("voxstack.executors.find_spec", lambda name: None)
    assert OnnxRuntime().available() == "onnxruntime is not installed: pip install onnxruntime"


def test_a_closed_program_gives_a_voxstack_error():
    cache = ProgramCache()
    hosted = HostedProgram(network(), OnnxRuntime(), cache)
    hosted.load()
    cache.close()
    with pytest.raises(VoxstackError):
        hosted({"x": ones(1), "c": ones(1)})


def test_importing_the_plugin_does_not_import_the_runtime():
    code = (
        "import sys, voxstack_onnxruntime as p\n"
        "p.OnnxRuntime().available()\n"
        "print('onnxruntime' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert done.stdout.strip() == "False"
