"""ONNX files described without a runtime; those that name other files are refused."""

import contextlib
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st
from voxstack import FormatError, Network, Signature, TensorSpec
from voxstack_onnx import Onnx

onnx = pytest.importorskip("onnx", reason="the package onnx writes the files")
TensorProto, helper = onnx.TensorProto, onnx.helper

describe, check = Onnx().describe, Onnx().check
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


def test_a_model_is_described():
    found = describe(model(graph(tensors=[tensor()]), ir_version=8).SerializeToString())
    assert found.operators == {"Add": 1}
    assert (found.parameters, found.producer, found.foreign) == (6, "tests", ())
    assert found.version.startswith("IR 8, opset ")


def test_the_version_lists_other_domains():
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.acme", 2)]
    made = model(graph(tensors=[tensor()]), ir_version=8, opset_imports=opsets)
    assert describe(made.SerializeToString()).version == "IR 8, opset 17, com.acme 2"


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


def in_default_of_function(path):
    made = in_function("x")
    made.functions[0].node[0].attribute[0].t.CopyFrom(tensor())
    made.functions[0].attribute_proto.add().CopyFrom(helper.make_attribute("t", tensor(path)))
    return made


def in_sparse(path):
    made = graph()
    made.sparse_initializer.add().values.CopyFrom(tensor(path))
    return model(made)


def in_training(path):
    made = model(graph(tensors=[tensor()]))
    made.training_info.add().algorithm.CopyFrom(graph(tensors=[tensor(path)]))
    return made


HIDDEN = [in_initializer, in_attribute, in_branch, in_function, in_default_of_function]
HIDDEN += [in_sparse, in_training]


@pytest.mark.parametrize("hide", HIDDEN)
@pytest.mark.parametrize("path", ["weights.bin", "../../secret", "/etc/passwd"])
def test_parameters_in_another_file_are_refused_wherever_they_hide(hide, path):
    with pytest.raises(FormatError, match="keeps parameters in another file, "):
        describe(hide(path).SerializeToString())


def test_a_location_without_a_path_is_refused():
    made = tensor()
    made.data_location = TensorProto.EXTERNAL
    with pytest.raises(FormatError, match="another file"):
        describe(model(graph(tensors=[made])).SerializeToString())


def test_code_compiled_for_a_device_is_refused():
    node = helper.make_node("EPContext", ["x"], ["y"], domain="com.microsoft")
    with pytest.raises(FormatError, match="EPContext"):
        describe(model(graph(node)).SerializeToString())


def test_operators_that_need_a_library_are_named_and_those_of_the_file_are_not():
    foreign = helper.make_node("Warp", ["x"], ["y"], domain="com.acme")
    assert describe(model(graph(foreign)).SerializeToString()).foreign == ("com.acme:Warp",)
    made = in_function("x")
    made.functions[0].node[0].attribute[0].t.CopyFrom(tensor())
    assert describe(made.SerializeToString()).foreign == ()


@pytest.mark.parametrize(
    "data", [b"", b"\x08", b"text", b"\x08\x0a\x3a\xff\xff\xff\xff\x7f", b"\x0b", b"\x08\x08"]
)
def test_what_is_not_a_model_is_refused(data):
    with pytest.raises(FormatError, match="it is not an ONNX model"):
        check(data, DECLARED)


@pytest.mark.parametrize(
    "data", [b"\x08\x08\x38\x01", b"\x08\x08" + b"\x3a\x00" * 2, b"\x08\x08\x3a\x02\x08\x01"]
)
def test_fields_of_another_kind_and_two_graphs_are_refused(data):
    with pytest.raises(FormatError, match="it is not an ONNX model"):
        check(data, DECLARED)


@pytest.mark.parametrize(
    ("data", "name"),
    [
        *((pickle.dumps(print, protocol), "a pickle") for protocol in (0, 2, 5)),
        (b"\x7fELF\2\1\1" + bytes(100), "a program for Linux"),
        (b"MZ\x90\0" + bytes(100), "a program for Windows"),
        (b"\xcf\xfa\xed\xfe" + bytes(100), "a program for macOS"),
        (b"\0asm\1\0\0\0", "a program in WebAssembly"),
        (b"#!/bin/sh\ntrue\n", "a script"),
        (b"\xa7\r\r\n" + bytes(12) + b"\xe3", "compiled Python"),
        (b"\x93NUMPY\1\0v\0{'descr': '|O', ", "a numpy array of objects"),
        (b"PK\3\4" + bytes(26) + b"archive/data.pkl", "a pickle of PyTorch"),
    ],
)
def test_what_runs_when_it_is_opened_is_named(data, name):
    with pytest.raises(FormatError, match=f"not an ONNX model but {name}.*; addons hold data only"):
        check(data, DECLARED)


def test_a_truncated_model_is_refused_or_what_is_left_is_a_model():
    data = model(graph(tensors=[tensor()])).SerializeToString()
    for size in range(1, len(data)):
        try:
            check(data[:size], DECLARED)
        except FormatError as error:
            assert "not an ONNX model" in str(error)
        else:
            assert onnx.ModelProto.FromString(data[:size]).graph.output[0].name == "y"


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
        check(data, declared)
    else:
        with pytest.raises(FormatError, match="differs from its declaration") as caught:
            check(data, declared)
        assert told in str(caught.value)


def test_an_input_is_not_defined_by_a_tensor_of_another_place():
    made = graph(helper.make_node("Constant", [], ["y"], value=tensor(name="z")))
    made.input.append(value("z"))
    with pytest.raises(FormatError, match="it needs the input 'z', which is not declared"):
        check(model(made).SerializeToString(), DECLARED)


def test_parameters_that_an_old_model_lists_as_inputs_need_not_be_declared():
    made = graph(tensors=[tensor()])
    made.input.append(value("w"))
    check(model(made).SerializeToString(), DECLARED)


def test_a_dimension_without_a_size_is_any():
    made = graph(tensors=[tensor()])
    made.input[0].CopyFrom(helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", None]))
    made.output[0].type.tensor_type.ClearField("shape")
    (made_of,) = describe(model(made).SerializeToString()).inputs.values()
    assert made_of == Signature("float32", (None, None))
    check(model(made).SerializeToString(), DECLARED)


def test_graphs_in_graphs_are_refused_at_a_depth():
    inner = b""
    for _ in range(200):  # graph { node { attribute { g: inner } } }
        for tag in (b"\x32", b"\x2a", b"\x0a"):
            inner = tag + _varint(len(inner)) + inner
    with pytest.raises(FormatError, match="nested more than"):
        describe(b"\x08\x08\x3a" + _varint(len(inner)) + inner)


def _varint(number):
    made = b""
    while number > 127:
        made, number = made + bytes([number & 127 | 128]), number >> 7
    return made + bytes([number])


def test_a_model_of_endless_fields_is_refused(monkeypatch):
    monkeypatch.setattr("voxstack_onnx.protobuf.MAX_FIELDS", 1000)
    with pytest.raises(FormatError, match="more than 1000 fields"):
        describe(b"\x08\x08" * 2000)


def test_a_tensor_of_endless_dimensions_is_refused():
    made = model(graph(tensors=[tensor()]))
    made.graph.initializer[0].dims.extend([2**62] * 100)
    with pytest.raises(FormatError, match="more than 64 dimensions"):
        describe(made.SerializeToString())


@given(st.data())
def test_a_damaged_model_is_described_or_refused(draw):
    data = bytearray(in_function("x").SerializeToString())
    for _ in range(draw.draw(st.integers(1, 4))):
        data[draw.draw(st.integers(1, len(data) - 1))] = draw.draw(st.integers(0, 255))
    with contextlib.suppress(FormatError):
        describe(bytes(data))
