"""Models put together from a graph and its parameters."""

import operator

import numpy as np
import pytest
from voxstack import FormatError, Network, TensorSpec
from voxstack_onnx import PARAMETER, Onnx

onnx = pytest.importorskip("onnx")

TensorProto, helper, numpy_helper = onnx.TensorProto, onnx.helper, onnx.numpy_helper

X, Y = (TensorSpec("float32", ("batch", *shape)) for shape in [(3, "frames"), (2, "frames")])
DECLARED = Network("n", "decoder", {"x": X}, {"y": Y}, {"onnx": "x.onnx"})
RANDOM = np.random.default_rng(7)
PARAMETERS = {
    "weight": RANDOM.standard_normal((2, 3, 5), dtype=np.float32),
    "bias": RANDOM.standard_normal(2, dtype=np.float32),
}


def original(parameters=PARAMETERS, **more):
    """Return a model in one piece: a convolution, with a constant of its own."""
    nodes = [
        helper.make_node("Conv", ["x", "weight", "bias"], ["h"], pads=[2, 2]),
        helper.make_node("Mul", ["h", "half"], ["y"]),
    ]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 3, "frames"])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", 2, "frames"])
    tensors = [numpy_helper.from_array(value, name) for name, value in parameters.items()]
    half = numpy_helper.from_array(np.float32(0.5), "half")
    graph = helper.make_graph(nodes, "g", [x], [y], [half, *tensors])
    more = {"ir_version": 10, "opset_imports": [helper.make_opsetid("", 18)]} | more
    return helper.make_model(graph, **more)


def apart(model, names):
    """Return a model's graph and its parameters: each is an input that is marked."""
    graph, parameters, kept = onnx.ModelProto(), {}, []
    graph.CopyFrom(model)
    for tensor in model.graph.initializer:
        if tensor.name not in names:
            kept.append(tensor)
            continue
        parameters[tensor.name] = numpy_helper.to_array(tensor)
        value = helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims)
        entry = value.metadata_props.add()
        entry.key, entry.value = PARAMETER
        graph.graph.input.append(value)
    del graph.graph.initializer[:]
    graph.graph.initializer.extend(kept)
    return graph.SerializeToString(), parameters


GRAPH, _ = apart(original(), PARAMETERS)


def without(name):
    return {n: value for n, value in PARAMETERS.items() if n != name}


def test_an_assembled_model_is_the_original():
    made = onnx.load_from_string(Onnx().assemble(GRAPH, PARAMETERS))
    onnx.checker.check_model(made, full_check=True)
    wanted = original()
    by_name = operator.attrgetter("name")
    for model in (made, wanted):
        model.graph.initializer.sort(key=by_name)
    assert made == wanted


def test_it_passes_the_check_of_the_format():
    made = Onnx().assemble(GRAPH, PARAMETERS)
    Onnx().check(made, DECLARED)
    found, wanted = Onnx().describe(made), Onnx().describe(original().SerializeToString())
    assert (found, found.parameters) == (wanted, 33)


def test_it_runs_like_the_original():
    runtime = pytest.importorskip("onnxruntime")
    x = RANDOM.standard_normal((1, 3, 40), dtype=np.float32)
    made, wanted = (
        runtime.InferenceSession(data).run(None, {"x": x})[0]
        for data in (Onnx().assemble(GRAPH, PARAMETERS), original().SerializeToString())
    )
    np.testing.assert_array_equal(made, wanted)


def test_the_graph_itself_is_a_model_that_runs_when_it_is_fed_the_parameters():
    runtime = pytest.importorskip("onnxruntime")
    onnx.checker.check_model(onnx.load_from_string(GRAPH), full_check=True)
    x = RANDOM.standard_normal((1, 3, 40), dtype=np.float32)
    fed = runtime.InferenceSession(GRAPH).run(None, {"x": x, **PARAMETERS})[0]
    whole = runtime.InferenceSession(original().SerializeToString()).run(None, {"x": x})[0]
    np.testing.assert_allclose(fed, whole, atol=1e-6)


def test_the_same_parts_give_the_same_bytes():
    turned = dict(reversed(PARAMETERS.items()))
    turned["weight"] = np.asfortranarray(turned["weight"]).astype(">f4")
    assert Onnx().assemble(GRAPH, turned) == Onnx().assemble(GRAPH, PARAMETERS)


@pytest.mark.parametrize("dtype", ["float64", "float16", "int64", "int32", "int8", "uint8", "bool"])
@pytest.mark.parametrize("shape", [(), (0,), (2, 3)])
def test_parameters_of_every_dtype_arrive(dtype, shape):
    value = np.ones(shape, dtype)
    graph, parameters = apart(original({**PARAMETERS, "more": value}), {"more"})
    made = onnx.load_from_string(Onnx().assemble(graph, parameters))
    (tensor,) = (t for t in made.graph.initializer if t.name == "more")
    arrived = numpy_helper.to_array(tensor)
    assert arrived.dtype == value.dtype
    np.testing.assert_array_equal(arrived, value)


@pytest.mark.parametrize(
    ("parameters", "told"),
    [
        ({**PARAMETERS, "wieght": 1}, r"does not declare the parameter 'wieght' \(.*weight"),
        ({**PARAMETERS, "half": 1}, "does not declare the parameter 'half'"),
        ({**PARAMETERS, "x": 1}, "does not declare the parameter 'x'"),
        (without("bias"), "needs the parameter 'bias', not given"),
        ({}, "needs the parameter 'weight' and 1 more, not given"),
        ({**PARAMETERS, "bias": np.ones(2)}, "'bias' is float64, declared as float32"),
        (
            {**PARAMETERS, "bias": np.ones(3, "f4")},
            r"'bias' has the shape \[3\], declared as \[2\]",
        ),
        ({**PARAMETERS, "bias": np.ones((2, 1), "f4")}, "'bias' has the shape"),
    ],
)
def test_parameters_that_do_not_fit_are_refused(parameters, told):
    with pytest.raises(FormatError, match=told):
        Onnx().assemble(GRAPH, parameters)


def test_a_graph_that_does_not_fix_a_shape_is_refused():
    model = onnx.load_from_string(GRAPH)
    model.graph.input[1].type.tensor_type.shape.dim[0].dim_param = "channels"
    with pytest.raises(FormatError, match="'weight' without a shape"):
        Onnx().assemble(model.SerializeToString(), PARAMETERS)


def test_a_parameter_that_is_declared_twice_is_refused():
    model = onnx.load_from_string(GRAPH)
    model.graph.input.append(model.graph.input[1])
    with pytest.raises(FormatError, match="declares the parameter 'weight' twice"):
        Onnx().assemble(model.SerializeToString(), PARAMETERS)


def test_a_graph_that_has_values_for_a_parameter_is_refused():
    model = onnx.load_from_string(GRAPH)
    model.graph.initializer.append(numpy_helper.from_array(PARAMETERS["bias"], "bias"))
    with pytest.raises(FormatError, match="has values for the parameter 'bias'"):
        Onnx().assemble(model.SerializeToString(), PARAMETERS)


def test_a_graph_of_a_dtype_that_numpy_lacks_is_refused():
    model = onnx.load_from_string(GRAPH)
    model.graph.input[1].type.tensor_type.elem_type = TensorProto.BFLOAT16
    with pytest.raises(FormatError, match="'weight' of a dtype without a numpy name"):
        Onnx().assemble(model.SerializeToString(), PARAMETERS)


def test_a_graph_of_an_old_ir_is_refused():
    graph, parameters = apart(original(ir_version=3), PARAMETERS)
    with pytest.raises(FormatError, match="of IR 3"):
        Onnx().assemble(graph, parameters)


@pytest.mark.parametrize("data", [b"", b"text", GRAPH[:50]])
def test_a_graph_that_is_not_a_model_is_refused(data):
    with pytest.raises(FormatError, match="not an ONNX model"):
        Onnx().assemble(data, PARAMETERS)


def test_a_model_beyond_the_limit_of_the_format_is_refused(monkeypatch):
    monkeypatch.setattr("voxstack_onnx.assembling.LARGEST", 100)
    with pytest.raises(FormatError, match="ONNX allows 100"):
        Onnx().assemble(GRAPH, PARAMETERS)
