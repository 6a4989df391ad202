"""Measurements of a graph, and the checks of its promises."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from voxstack_pack import ExportError, Spec, pack_graph
from voxstack_pack.measures import measure_context, measure_frame_ratio
from voxstack_pack.running import Program
from voxstack_pack.sizes import shares


def smoothing(width):
    """y = the mean of x over 2 * width + 1 frames."""
    kernel = np.full((1, 1, 2 * width + 1), 1 / (2 * width + 1), np.float32)
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 1, "frames"])
    mask = helper.make_tensor_value_info("mask", TensorProto.FLOAT, ["batch", "frames"])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", 1, "frames"])
    weights = onnx.numpy_helper.from_array(kernel, "w")
    axis = onnx.numpy_helper.from_array(np.array([1]), "axis")
    nodes = [
        helper.make_node("Unsqueeze", ["mask", "axis"], ["m"]),
        helper.make_node("Mul", ["x", "m"], ["h"]),
        helper.make_node("Conv", ["h", "w"], ["y"], pads=[width, width]),
    ]
    made = helper.make_graph(nodes, "network", [x, mask], [y], [weights, axis])
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)


def frames(count=120):
    x = np.random.default_rng(0).standard_normal((1, 1, count)).astype(np.float32)
    return {"x": x, "mask": np.ones((1, count), np.float32)}


@pytest.mark.parametrize("width", [1, 4, 60])
def test_the_context_is_measured_on_the_graph(width):
    program = Program(smoothing(width))
    assert measure_context(program, frames(), "frames") == {"left": width, "right": width}
    assert measure_frame_ratio(program, frames(), "frames") == 1


def packed(model, reference=None, **spec):
    program = Program(model)
    examples = [frames(count) for count in (53, 90)]
    spec = Spec("net", "decoder", **spec)
    return pack_graph(spec, model, reference or program, examples, ["OnnxRuntime"])


def test_windows_and_the_delayed_form_are_checked():
    windows, stepped = packed(smoothing(4), form="windows"), packed(smoothing(4))
    assert windows.entry["context"] == {"left": 4, "right": 4}
    assert stepped.form == "delayed"
    assert stepped.entry["delay"] == 4
    for made in (windows, stepped):
        (figures,) = made.figures
        assert set(figures.worst) == {"reference", "chunks", "batch", "padding", "garbage"}
        assert max(figures.worst.values()) < 1e-5


def test_a_difference_is_refused_with_its_place():
    program = Program(smoothing(1))

    def other(inputs):
        y = program(inputs)["y"].copy()
        y[..., 17] += 0.5
        return {"y": y}

    message = (
        r"network 'net': output 'y' of 53 frames differs .* on OnnxRuntime by 0\.5 at frame 17"
    )
    with pytest.raises(ExportError, match=message):
        packed(smoothing(1), other)


def test_a_network_whose_padding_leaks_is_refused():
    leaking = smoothing(2)
    leaking.graph.node[2].input[0] = "x"  # past the mask
    with pytest.raises(ExportError, match="with garbage in the padding, differs"):
        packed(leaking, form="windows")


def test_a_wrong_frame_ratio_is_refused():
    with pytest.raises(ExportError, match="frame_ratio is 1 as measured, not 2"):
        packed(smoothing(1), frame_ratio=2)


def test_sizes_are_quantiles_and_the_last_is_the_largest():
    pairs = shares([*range(1, 200), 900])
    assert len(pairs) <= 24
    assert pairs[-1][0] == 900
    assert sum(share for _, share in pairs) == pytest.approx(1, abs=1e-2)
