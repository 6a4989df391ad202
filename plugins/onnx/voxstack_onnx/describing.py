"""Describe a model, and refuse one that needs more than its own bytes."""

from __future__ import annotations

from collections import Counter
from math import prod
from typing import final

from voxstack import Description, FormatError, Signature
from voxstack.networks import DTYPES as ADDON_DTYPES

from voxstack_onnx.protobuf import Reader, Value, number, numbers, text
from voxstack_onnx.schema import (
    DTYPES,
    HELD,
    STANDARD,
    Entry,
    Function,
    Graph,
    Model,
    Node,
    Opset,
    Sparse,
    Tensor,
    Type,
    ValueInfo,
)

MAX_NESTING = 32  # graphs within graphs: the bodies of If and Loop
MAX_RANK = 64  # dimensions of a tensor
MAX_TEXT = 200  # characters of a text that is shown


def described(data: bytes) -> Description:
    """Return what a model contains; FormatError for bytes that are unsafe or not a model."""
    reader = Reader()
    graph = model_of(reader, data)[Model.GRAPH]
    found = _Contents(reader)
    found.walk("ModelProto", memoryview(data), 0)
    if found.external:
        raise FormatError(
            f"it keeps parameters in another file, {found.external[0][:MAX_TEXT]!r}, which no hash "
            "covers; export it in one piece"
        )
    if any(name.rpartition(":")[2] == "EPContext" for name in found.operators):
        raise FormatError("it holds code compiled for one device (EPContext); export it as ONNX")
    inputs, outputs, valued = _signatures(reader, graph)
    foreign = {n for n in found.operators if n.rpartition(":")[0] not in STANDARD}
    return Description(
        inputs=inputs,
        outputs=outputs,
        parameters=found.parameters,
        operators=found.operators,
        foreign=tuple(sorted(foreign - found.functions)),
        producer=_producer(reader, data),
        version=_version(reader, data),
        defined=frozenset(inputs.keys() & valued),
    )


def model_of(reader: Reader, data: bytes) -> dict[int, Value]:
    """Return the fields of a model, which has one graph; FormatError for what is not one."""
    if data[:1] != b"\x08":  # ir_version, which every writer puts first
        raise FormatError("it is not an ONNX model")
    graphs = [value for field, value in reader.fields(memoryview(data)) if field == Model.GRAPH]
    if len(graphs) != 1:
        raise FormatError(f"it is not an ONNX model: it has {len(graphs)} graphs, expected 1")
    return reader.last(memoryview(data))


@final
class _Contents:
    """What is found anywhere in a model."""

    def __init__(self, reader: Reader) -> None:
        self.operators: Counter[str] = Counter()  # "Conv", "com.acme:Warp"
        self.functions: set[str] = set()  # operators that the model defines itself
        self.parameters = 0  # numbers in tensors
        self.external: list[str] = []  # other files that it names
        self._reader = reader

    def walk(self, kind: str, data: Value, depth: int) -> None:
        """Count operators and tensors of a message and of all messages within it."""
        if depth > MAX_NESTING:
            raise FormatError(f"its graphs are nested more than {MAX_NESTING} levels deep")
        held = HELD[kind]
        for field, value in self._reader.fields(data):
            if field not in held:
                continue
            within = held[field]
            if within == "TensorProto":
                self._tensor(value)
                continue
            if within == "NodeProto":
                node = self._reader.last(value)
                self.operators[_qualified(node, Node.DOMAIN, Node.OP_TYPE)] += 1
            elif within == "FunctionProto":
                function = self._reader.last(value)
                self.functions.add(_qualified(function, Function.DOMAIN, Function.NAME))
            self.walk(within, value, depth + (within == "GraphProto"))

    def _tensor(self, data: Value) -> None:
        dimensions: list[int] = []
        external, location = False, ""
        for field, value in self._reader.fields(data):
            if field == Tensor.DIMS:
                for dimension in numbers(value):
                    dimensions.append(dimension)
                    if len(dimensions) > MAX_RANK:
                        raise FormatError(f"it has a tensor of more than {MAX_RANK} dimensions")
            elif field == Tensor.DATA_LOCATION:
                external = external or number(value) != 0
            elif field == Tensor.EXTERNAL_DATA:
                external = True
                entry = self._reader.last(value)
                if text(entry.get(Entry.KEY, memoryview(b""))) == "location":
                    location = text(entry.get(Entry.VALUE, memoryview(b"")))
        self.parameters += prod(dimensions)
        if external:
            self.external.append(location)


def _signatures(
    reader: Reader, graph: Value
) -> tuple[dict[str, Signature], dict[str, Signature], set[str]]:
    """Return inputs and outputs of a graph, and the names of what it has values for."""
    inputs: dict[str, Signature] = {}
    outputs: dict[str, Signature] = {}
    valued: set[str] = set()
    for field, value in reader.fields(graph):
        if field in (Graph.INPUT, Graph.OUTPUT):
            name, dtype, shape = value_info(reader, value)
            known = DTYPES.get(dtype)
            made = inputs if field == Graph.INPUT else outputs
            made[name] = Signature(known if known in ADDON_DTYPES else None, shape)
        elif field == Graph.INITIALIZER:
            valued.add(_text_at(reader.last(value), Tensor.NAME))
        elif field == Graph.SPARSE_INITIALIZER:
            values = reader.last(value).get(Sparse.VALUES, memoryview(b""))
            valued.add(_text_at(reader.last(values), Tensor.NAME))
    return inputs, outputs, valued


def value_info(reader: Reader, value: Value) -> tuple[str, int, tuple[int | None, ...] | None]:
    """Return name, number of the dtype (0: not declared) and shape of an input or output."""
    entry = reader.last(value)
    nothing = memoryview(b"")
    kind = reader.last(entry.get(ValueInfo.TYPE, nothing)).get(Type.TENSOR, nothing)
    tensor = reader.last(kind)
    shape = None
    if Type.SHAPE in tensor:
        dimensions = [
            reader.last(of) for n, of in reader.fields(tensor[Type.SHAPE]) if n == Type.DIMENSION
        ]
        shape = tuple(number(d[Type.SIZE]) if Type.SIZE in d else None for d in dimensions)
    return _text_at(entry, ValueInfo.NAME), number(tensor.get(Type.ELEMENT, 0)), shape


def _producer(reader: Reader, data: bytes) -> str:
    model = reader.last(memoryview(data))
    parts = (_text_at(model, field) for field in (Model.PRODUCER_NAME, Model.PRODUCER_VERSION))
    return " ".join(parts).strip()[:MAX_TEXT]


def _version(reader: Reader, data: bytes) -> str:
    """Return "IR 8, opset 17", with other domains behind: "com.acme 1"."""
    model, opsets = reader.last(memoryview(data)), dict[str, int]()
    for field, value in reader.fields(memoryview(data)):
        if field == Model.OPSET_IMPORT:
            entry = reader.last(value)
            domain = _text_at(entry, Opset.DOMAIN)
            opsets["" if domain == "ai.onnx" else domain] = number(entry.get(Opset.VERSION, 0))
    named = (f"{domain or 'opset'} {version}" for domain, version in sorted(opsets.items()))
    return ", ".join((f"IR {number(model[Model.IR_VERSION])}", *named))


def _qualified(message: dict[int, Value], domain: int, name: int) -> str:
    """Return the name of an operator: "Conv", "com.acme:Warp"."""
    where, what = _text_at(message, domain), _text_at(message, name)
    return f"{where}:{what}" if where else what


def _text_at(message: dict[int, Value], field: int) -> str:
    return text(message[field]) if field in message else ""
