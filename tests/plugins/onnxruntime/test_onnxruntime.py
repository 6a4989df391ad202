"""What is particular to ONNX Runtime."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from voxstack import Network, PluginError, TensorSpec
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


def test_an_input_that_the_exporter_dropped_is_not_fed():
    program = OnnxRuntime().load(network(speaker=TensorSpec("int64", ("batch",))))
    out = program({"x": ones(2), "c": ones(2), "speaker": np.array([1])})
    assert out["y"].tolist() == [[3.0, 3.0]]


def test_a_provider_that_this_build_lacks_is_named_with_those_that_it_has():
    executor = OnnxRuntime(providers=("NoSuchProvider",))
    with pytest.raises(PluginError, match=r"no 'NoSuchProvider'; it has: .*CPUExecutionProvider"):
        executor.load(network())


def test_parameters_in_another_file_are_not_read_even_without_the_check(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.ones(2, np.float32).tofile("weights.bin")
    model = onnx.load_from_string(affine())
    tensor = onnx.numpy_helper.from_array(np.ones((1, 2), np.float32), "c")
    onnx.external_data_helper.set_external_data(tensor, "weights.bin")
    tensor.ClearField("raw_data")
    model.graph.initializer.append(tensor)
    with pytest.raises(Exception, match=r"(?i)external data|weights\.bin"):
        OnnxRuntime().load(network(model.SerializeToString()))


@pytest.mark.parametrize("options", [{"threads": 0}, {"threads": -1}, {"providers": ()}])
def test_options_that_make_no_sense_are_refused(options):
    with pytest.raises(ValueError, match=r"threads|providers"):
        OnnxRuntime(**options)


def test_it_is_available_here():
    assert OnnxRuntime().available() is None
