"""Graphs that cannot be stepped are refused with node, tensor, reason and the next step."""

import numpy as np
import pytest
from onnx import helper, numpy_helper
from voxstack_pack.delayed import DelayedError, delayed


def graph(*nodes, length="frames", width=4, **constants):
    """A graph from x [B, 4, T] to y; nodes are (operator, inputs, outputs, attributes)."""
    made = [
        helper.make_node(kind, inputs.split(), outputs.split(), name=f"the_{kind}", **attributes)
        for kind, inputs, outputs, attributes in nodes
    ]
    return helper.make_model(
        helper.make_graph(
            made,
            "refused",
            [helper.make_tensor_value_info("x", 1, ["batch", 4, "frames"])],
            [helper.make_tensor_value_info("y", 1, ["batch", width, length])],
            [numpy_helper.from_array(np.asarray(v), n) for n, v in constants.items()],
        ),
        opset_imports=[helper.make_opsetid("", 18)],
        ir_version=10,
    )


KERNEL = np.ones((4, 4, 3), "f")
REFUSED = {
    "attention over time": graph(
        ("Transpose", "x", "k", {"perm": [0, 2, 1]}),
        ("MatMul", "k x", "scores", {}),
        ("Softmax", "scores", "weights", {"axis": -1}),
        ("MatMul", "x weights", "y", {}),
    ),
    "over the time axis": graph(
        ("ReduceMean", "x axes", "mean", {}), ("Sub", "x mean", "y", {}), axes=[2]
    ),
    "pads time in mode 'reflect'": graph(
        ("Pad", "x pads", "padded", {"mode": "reflect"}),
        ("Conv", "padded w", "y", {}),
        pads=[0, 0, 1, 0, 0, 1],
        w=KERNEL,
    ),
    "number other than 0": graph(
        ("Pad", "x pads one", "padded", {}),
        ("Conv", "padded w", "y", {}),
        pads=[0, 0, 1, 0, 0, 1],
        one=np.float32(1),
        w=KERNEL,
    ),
    "stride along time is not 1": graph(
        ("Conv", "x w", "y", {"strides": [2], "pads": [1, 1]}), w=KERNEL, length="half"
    ),
    "normalizes over time": graph(
        ("InstanceNormalization", "x s s", "y", {}), s=np.ones(4, "f")
    ),
    "pools over all frames": graph(
        ("GlobalAveragePool", "x", "mean", {}), ("Add", "x mean", "y", {})
    ),
    "draws noise": graph(("RandomNormalLike", "x", "noise", {}), ("Add", "x noise", "y", {})),
    "resamples time (linear": graph(
        ("Resize", "x  scales", "y", {"mode": "linear"}), scales=np.array([1, 1, 2], "f")
    ),
    "merges time with an axis before it": graph(
        ("Reshape", "x shape", "y", {}), shape=[0, 1, -1], width=1, length="samples"
    ),
    "-2 samples beside": graph(("Conv", "x w", "y", {}), w=KERNEL, length="fewer"),
    "there is no rule": graph(("Einsum", "x w", "y", {"equation": "bct,cd->bdt"}), w=np.eye(4)),
}  # fmt: skip
REFUSED["resamples time (linear"].graph.node[0].input[1:] = ["", "scales"]
REFUSED["there is no rule"].graph.initializer[0].CopyFrom(
    numpy_helper.from_array(np.eye(4, dtype="f"), "w")
)


@pytest.mark.parametrize("reason", REFUSED)
def test_a_graph_that_needs_the_whole_utterance_is_refused(reason):
    with pytest.raises(DelayedError) as caught:
        delayed(REFUSED[reason])
    assert reason in str(caught.value)
    assert caught.value.advice
    assert caught.value.tensor


def test_the_message_names_node_and_tensor():
    """node 'the_ReduceMean' (ReduceMean), tensor 'x': it works over the time axis."""
    with pytest.raises(DelayedError, match=r"node 'the_ReduceMean' \(ReduceMean\), tensor 'x'"):
        delayed(REFUSED["over the time axis"])


def test_a_graph_without_the_time_dimension_is_refused():
    with pytest.raises(DelayedError, match="no input has a dimension named 'tokens'"):
        delayed(graph(("Relu", "x", "y", {})), time="tokens")


def test_a_graph_of_single_frames_needs_no_state_and_no_mask():
    result = delayed(graph(("Relu", "x", "y", {})))
    assert (result.delay, dict(result.state), len(result.model.graph.input)) == (0, {}, 1)
