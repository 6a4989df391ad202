"""Sessions on fixed shapes with constants of any length: an attention model's decoder."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from voxstack import Buckets, Network, Tensors, TensorSpec
from voxstack.errors import NetworkError
from voxstack.executors import Placed
from voxstack.running import HostedProgram, ProgramCache
from voxstack.utterance import Utterance, current_utterance, set_current
from voxstack_onnxruntime import OnnxRuntime, OnnxRuntimeStatic
from voxstack_standard.autoregressive import AutoregressiveDecoder

SHAPES = {
    "encodings": (1, "text"),
    "text_mask": ("text",),
    "fed": (2,),
    "mel": (1, 2),
    "stop": (1,),
    "place": (1,),
    "weights": ("text",),
    "next_fed": (2,),
}
INPUTS = ("encodings", "text_mask", "fed")


def decoder():
    """A graph that reads the mean of the encodings, moves on half a symbol and stops at 6."""
    values = {
        name: helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", *shape])
        for name, shape in SHAPES.items()
    }
    constants = [
        helper.make_tensor("half", TensorProto.FLOAT, [2], [0.5, 0.25]),
        helper.make_tensor("six", TensorProto.FLOAT, [1], [5.9]),
        helper.make_tensor("last", TensorProto.INT64, [1], [-1]),
        helper.make_tensor("one", TensorProto.INT64, [1], [1]),
        helper.make_tensor("split", TensorProto.INT64, [2], [1, 1]),
    ]
    node = helper.make_node
    nodes = [
        node("Unsqueeze", ["text_mask", "one"], ["mask"]),
        node("Mul", ["encodings", "mask"], ["read"]),
        node("ReduceSum", ["read", "last"], ["total"]),
        node("ReduceSum", ["mask", "last"], ["count"]),
        node("Div", ["total", "count"], ["mean"]),
        node("Add", ["fed", "half"], ["next_fed"]),
        node("Unsqueeze", ["next_fed", "one"], ["column"]),
        node("Mul", ["column", "mean"], ["mel"]),
        node("Split", ["next_fed", "split"], ["place", "rest"], axis=1),
        node("Sub", ["place", "six"], ["stop"]),
        node("Squeeze", ["read", "one"], ["weights"]),
    ]
    made = [values[name] for name in SHAPES if name not in INPUTS]
    graph = helper.make_graph(nodes, "decoder", [values[n] for n in INPUTS], made, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    return model.SerializeToString()


def network(masked=True):
    data = decoder()
    specs = {n: TensorSpec("float32", ("batch", *shape)) for n, shape in SHAPES.items()}
    if not masked:
        specs["seen"] = specs.pop("text_mask")
    inputs = {n: s for n, s in specs.items() if n in (*INPUTS, "seen")}
    return Network(
        "decoder",
        "decoder",
        inputs,
        {n: s for n, s in specs.items() if n not in inputs},
        {"onnx": "decoder.onnx"},
        state={"fed": "next_fed"},
        read=lambda format_: data,
        digest=lambda format_: "d",
    )


def text(symbols):
    encodings = np.arange(1.0, symbols + 1, dtype=np.float32)[None, None]
    return Tensors({"encodings": encodings, "text_mask": np.ones((1, symbols), np.float32)})


def mel(executor, symbols):
    block = AutoregressiveDecoder(
        network=HostedProgram(network(), Placed((executor,)), ProgramCache())
    )
    return np.concatenate([c["mel"] for c in block.stream(text(symbols), None)], axis=-1)


@pytest.mark.parametrize("symbols", [3, 16, 17, 40])
def test_an_attention_model_makes_the_same_frames_on_fixed_shapes(symbols):
    dynamic, static = mel(OnnxRuntime(), symbols), mel(OnnxRuntimeStatic(), symbols)
    assert dynamic.shape == (1, 1, 2 * 12)
    assert np.abs(static - dynamic).max() <= 1e-4


def test_what_is_as_long_as_a_padded_constant_is_cut_back():
    session = HostedProgram(network(), Placed((OnnxRuntimeStatic(),)), ProgramCache()).session(
        text(5)
    )
    assert session.step({})["weights"].tolist() == [[1.0, 2.0, 3.0, 4.0, 5.0]]
    assert session.state["fed"].tolist() == [[0.5, 0.25]]


def test_one_shape_is_loaded_for_each_bucket_of_the_text():
    cache = ProgramCache()
    executor = OnnxRuntimeStatic(buckets=Buckets({"text": [16, 32]}))
    program = HostedProgram(network(), Placed((executor,)), cache)
    for symbols in (3, 9, 16, 17):
        program.session(text(symbols)).step({})
    assert len(cache) == 2


def test_the_padding_of_constants_is_reported():
    before, utterance = current_utterance(), Utterance("tiny")
    set_current(utterance)
    try:
        HostedProgram(network(), Placed((OnnxRuntimeStatic(),)), ProgramCache()).session(
            text(5)
        ).step({})
    finally:
        set_current(before)
    assert (utterance.timings["decoder"].used, utterance.timings["decoder"].computed) == (5, 32)


def test_a_dimension_without_a_mask_is_named():
    program = HostedProgram(network(masked=False), Placed((OnnxRuntimeStatic(),)), ProgramCache())
    with pytest.raises(NetworkError, match=r"no 'mask' input \(nor 'text_mask'\)"):
        program.load()
