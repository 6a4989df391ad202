"""The field numbers agree with onnx.proto, and no way to a tensor is missing."""

import pytest
from voxstack_onnx import schema

onnx = pytest.importorskip("onnx")
DESCRIPTOR = onnx.onnx_ml_pb2.DESCRIPTOR

MESSAGES = {
    "ModelProto": schema.Model,
    "OperatorSetIdProto": schema.Opset,
    "FunctionProto": schema.Function,
    "GraphProto": schema.Graph,
    "NodeProto": schema.Node,
    "TensorProto": schema.Tensor,
    "SparseTensorProto": schema.Sparse,
    "StringStringEntryProto": schema.Entry,
}


def holding(message, seen=()):
    """Return whether a tensor can be reached from a message."""
    inner = [f.message_type for f in message.fields if f.message_type]
    return message.name == "TensorProto" or any(
        holding(m, (*seen, message.name)) for m in inner if m.name not in seen
    )


def test_every_way_to_a_tensor_is_walked():
    there = {}
    for message in DESCRIPTOR.message_types_by_name.values():
        inner = [f for f in message.fields if f.message_type and holding(f.message_type)]
        if inner and message.name != "TensorProto":
            there[message.name] = {f.number: f.message_type.name for f in inner}
    assert there == schema.HELD


@pytest.mark.parametrize("name", MESSAGES)
def test_field_numbers_are_those_of_onnx(name):
    fields = DESCRIPTOR.message_types_by_name[name].fields_by_name
    ours = {n: v for n, v in vars(MESSAGES[name]).items() if n.isupper()}
    assert ours == {n: fields[n.lower()].number for n in ours}


@pytest.mark.parametrize(("number", "name"), schema.DTYPES.items())
def test_dtypes_are_those_of_onnx(number, name):
    assert onnx.helper.tensor_dtype_to_np_dtype(number).name == name
