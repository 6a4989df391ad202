"""ONNX files, taken apart without a runtime; what names other files is refused."""

import importlib.util

import pytest
from voxstack import AddonError
from voxstack.contents import check_network
from voxstack.networks import Network, TensorSpec
from voxstack.onnx_files import NotOnnxError, check_onnx, read_onnx

if importlib.util.find_spec("onnx") is None:
    pytest.skip("the package onnx writes the files", allow_module_level=True)

from onnx import TensorProto, helper

FLOAT = TensorSpec("float32", (2, 3))
DECLARED = Network("n", "decoder", {"x": FLOAT}, {"y": FLOAT}, {"onnx": "x.onnx"})


def tensor(external=None, name="w"):
    made = helper.make_tensor(name, TensorProto.FLOAT, [2, 3], [0.0] * 6)
    if external is not None:
        made.ClearField("float_data")
        made.data_location = TensorProto.EXTERNAL
        entry = made.external_data.add()
        entry.key, entry.value = "location", external
    return made


def value(name):
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, [2, 3])


def graph(*nodes, tensors=()):
    nodes = nodes or (helper.make_node("Add", ["x", "w"], ["y"]),)
    return helper.make_graph(list(nodes), "g", [value("x")], [value("y")], list(tensors))


def model(made, **more):
    return helper.make_model(made, producer_name="tests", **more)


def test_a_model_tells_what_it_holds():
    facts = read_onnx(model(graph(tensors=[tensor()])).SerializeToString())
    assert facts.operators == {"Add": 1}
    assert (facts.parameters, facts.producer, facts.external) == (6, "tests", [])
    assert facts.opsets[""] > 1
    assert facts.foreign == []


def in_initializer(path):
    return model(graph(tensors=[tensor(path)]))


def in_attribute(path):
    return model(graph(helper.make_node("Constant", [], ["y"], value=tensor(path))))


def in_branch(path):
    inner = helper.make_graph(
        [helper.make_node("Identity", ["w"], ["z"])], "inner", [], [value("z")], [tensor(path)]
    )
    node = helper.make_node("If", ["c"], ["y"], then_branch=inner, else_branch=inner)
    return model(graph(node))


def in_function(path):
    body = [helper.make_node("Constant", [], ["b"], value=tensor(path))]
    opset = [helper.make_opsetid("", 18)]
    function = helper.make_function("acme", "F", ["a"], ["b"], body, opset)
    return model(graph(helper.make_node("F", ["x"], ["y"], domain="acme")), functions=[function])


def in_sparse(path):
    made = graph()
    made.sparse_initializer.add().values.CopyFrom(tensor(path))
    return model(made)


def in_training(path):
    made = model(graph(tensors=[tensor()]))
    made.training_info.add().algorithm.CopyFrom(graph(tensors=[tensor(path)]))
    return made


HIDDEN = [in_initializer, in_attribute, in_branch, in_function, in_sparse, in_training]


@pytest.mark.parametrize("hide", HIDDEN)
@pytest.mark.parametrize("path", ["weights.bin", "../../secret", "/etc/passwd"])
def test_parameters_in_another_file_are_refused_wherever_they_hide(hide, path):
    with pytest.raises(NotOnnxError, match="keeps parameters in another file, "):
        check_onnx(hide(path).SerializeToString())


def test_a_location_without_a_path_is_refused():
    made = tensor()
    made.data_location = TensorProto.EXTERNAL
    with pytest.raises(NotOnnxError, match="another file"):
        check_onnx(model(graph(tensors=[made])).SerializeToString())


def test_code_compiled_for_a_device_is_refused():
    node = helper.make_node("EPContext", ["x"], ["y"], domain="com.microsoft")
    with pytest.raises(NotOnnxError, match="EPContext"):
        check_onnx(model(graph(node)).SerializeToString())


def test_operators_that_need_a_library_are_named_and_those_of_the_file_are_not():
    foreign = helper.make_node("Warp", ["x"], ["y"], domain="com.acme")
    assert read_onnx(model(graph(foreign)).SerializeToString()).foreign == ["com.acme:Warp"]
    made = in_function("x")
    assert read_onnx(made.SerializeToString()).foreign == []


@pytest.mark.parametrize(
    "data", [b"", b"\x08", b"text", b"\x08\x0a\x3a\xff\xff\xff\xff\x7f", b"\x0b"]
)
def test_what_is_no_model_is_refused_as_an_addon_error(data):
    with pytest.raises(AddonError, match=r"x.onnx: it is no ONNX model"):
        check_network(data, "onnx", "x.onnx", DECLARED)


def test_a_model_that_is_cut_short_is_an_addon_error_or_what_is_left_of_it():
    data = model(graph(tensors=[tensor()])).SerializeToString()
    for size in range(1, len(data)):
        try:
            check_network(data[:size], "onnx", "x.onnx", DECLARED)
        except AddonError as error:
            assert "no ONNX model" in str(error) or "no output 'y'" in str(error)


@pytest.mark.parametrize(
    ("inputs", "outputs", "told"),
    [
        ({"z": FLOAT}, {"y": FLOAT}, "it needs the input 'x', which is not declared"),
        ({"x": FLOAT}, {"z": FLOAT}, "it has no output 'z'; it has 'y'"),
        ({"x": TensorSpec("int64", (2, 3))}, {"y": FLOAT}, "its input 'x' is float32, declared as"),
        ({"x": FLOAT}, {"y": TensorSpec("float32", ("batch", 4))}, "the shape [2, 3], declared as"),
        ({"x": FLOAT}, {"y": TensorSpec("float32", (2, 3, 1))}, "the shape [2, 3], declared as"),
        ({"x": TensorSpec("float32", ("batch", 3)), "dropped": FLOAT}, {"y": FLOAT}, None),
    ],
)
def test_a_model_that_is_not_what_is_declared_is_refused(inputs, outputs, told):
    data = model(graph(tensors=[tensor()])).SerializeToString()
    declared = Network("n", "decoder", inputs, outputs, {"onnx": "x.onnx"})
    if told is None:
        assert check_network(data, "onnx", "x.onnx", declared)
    else:
        with pytest.raises(AddonError, match="is not what is declared of it") as caught:
            check_network(data, "onnx", "x.onnx", declared)
        assert told in str(caught.value)


def test_parameters_that_an_old_model_lists_as_inputs_need_not_be_declared():
    made = graph(tensors=[tensor()])
    made.input.append(value("w"))
    check_network(model(made).SerializeToString(), "onnx", "x.onnx", DECLARED)


def test_a_dimension_without_a_size_is_any():
    made = graph(tensors=[tensor()])
    made.input[0].CopyFrom(helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", None]))
    made.output[0].type.tensor_type.ClearField("shape")
    assert read_onnx(model(made).SerializeToString()).inputs["x"].shape == (None, None)
    check_network(model(made).SerializeToString(), "onnx", "x.onnx", DECLARED)


def test_graphs_in_graphs_have_an_end():
    inner = b""
    for _ in range(200):  # graph { node { attribute { g: inner } } }
        for tag in (b"\x32", b"\x2a", b"\x0a"):
            inner = tag + _varint(len(inner)) + inner
    with pytest.raises(NotOnnxError, match="nested more than"):
        check_onnx(b"\x08\x08\x3a" + _varint(len(inner)) + inner)


def _varint(number):
    made = b""
    while number > 127:
        made, number = made + bytes([number & 127 | 128]), number >> 7
    return made + bytes([number])


def test_a_model_of_endless_fields_is_given_up(monkeypatch):
    monkeypatch.setattr("voxstack.onnx_files.MAX_FIELDS", 1000)
    with pytest.raises(NotOnnxError, match="more than 1000 fields"):
        check_onnx(b"\x08\x08" * 2000)
