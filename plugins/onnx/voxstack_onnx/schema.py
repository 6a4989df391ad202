"""Numbers of fields in onnx.proto, as far as they are read here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

# Every way to a tensor: message -> field -> the message that it holds.
HELD: Final[Mapping[str, Mapping[int, str]]] = {
    "ModelProto": {7: "GraphProto", 20: "TrainingInfoProto", 25: "FunctionProto"},
    "TrainingInfoProto": {1: "GraphProto", 2: "GraphProto"},
    "FunctionProto": {7: "NodeProto", 11: "AttributeProto"},
    "GraphProto": {1: "NodeProto", 5: "TensorProto", 15: "SparseTensorProto"},
    "NodeProto": {5: "AttributeProto"},
    "AttributeProto": {
        5: "TensorProto",
        6: "GraphProto",
        10: "TensorProto",
        11: "GraphProto",
        22: "SparseTensorProto",
        23: "SparseTensorProto",
    },
    "SparseTensorProto": {1: "TensorProto", 2: "TensorProto"},
}


class Model:
    """ModelProto."""

    IR_VERSION, PRODUCER_NAME, PRODUCER_VERSION, GRAPH, OPSET_IMPORT = 1, 2, 3, 7, 8


class Opset:
    """OperatorSetIdProto."""

    DOMAIN, VERSION = 1, 2


class Function:
    """FunctionProto."""

    NAME, DOMAIN = 1, 10


class Graph:
    """GraphProto."""

    INITIALIZER, INPUT, OUTPUT, SPARSE_INITIALIZER = 5, 11, 12, 15


class Node:
    """NodeProto."""

    OP_TYPE, DOMAIN = 4, 7


class Tensor:
    """TensorProto."""

    DIMS, DATA_TYPE, NAME, RAW_DATA, EXTERNAL_DATA, DATA_LOCATION = 1, 2, 8, 9, 13, 14


class Sparse:
    """SparseTensorProto; its values have the name."""

    VALUES = 1


class ValueInfo:
    """ValueInfoProto."""

    NAME, TYPE, METADATA = 1, 2, 4


class Type:
    """TypeProto, TypeProto.Tensor, TensorShapeProto and its Dimension."""

    TENSOR = 1
    ELEMENT, SHAPE = 1, 2
    DIMENSION = 1
    SIZE = 1


class Entry:
    """StringStringEntryProto."""

    KEY, VALUE = 1, 2


# TensorProto.DataType -> the name in numpy.
DTYPES: Final[Mapping[int, str]] = {
    1: "float32",
    2: "uint8",
    3: "int8",
    4: "uint16",
    5: "int16",
    6: "int32",
    7: "int64",
    9: "bool",
    10: "float16",
    11: "float64",
    12: "uint32",
    13: "uint64",
}

# Domains of operators that ONNX defines or that runtimes have of themselves.
STANDARD: Final = ("", "ai.onnx", "ai.onnx.ml", "com.microsoft")
