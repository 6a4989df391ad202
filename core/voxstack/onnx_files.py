"""What an ONNX file says of itself, read without a runtime.

A file can name others that hold its parameters, and runtimes look for them beside the model or
in the working directory: bytes that no manifest vouches for. Such a file is refused.

The format is protobuf: fields of (number, kind, value), values of the kind "bytes" nested.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, final

from attrs import define, field

from voxstack.networks import TensorSpec

MAX_FIELDS = 5_000_000  # read in a few seconds; networks have thousands
MAX_NESTING = 32  # graphs within graphs: the bodies of If and Loop

# Numbers of the fields, by onnx.proto.
MODEL = {1: "ir_version", 2: "producer", 3: "producer_version", 7: "graph", 8: "opset", 25: "function"}  # fmt: skip  # noqa: E501
TRAINING = 20  # of a model: its fields 1 and 2 are graphs
GRAPH = {1: "node", 5: "tensor", 15: "sparse"}
FUNCTION = {7: "node", 9: "opset"}
NODE = {4: "operator", 5: "attribute", 7: "domain"}
ATTRIBUTE = {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"}
SPARSE = {1: "tensor", 2: "tensor"}
EXTERNAL_DATA, DATA_LOCATION, DIMS, NAME = 13, 14, 1, 8  # of a tensor
INPUT, OUTPUT = 11, 12  # of a graph
DTYPES = {1: "float32", 2: "uint8", 3: "int8", 6: "int32", 7: "int64", 9: "bool", 10: "float16", 11: "float64"}  # fmt: skip  # noqa: E501

STANDARD = ("", "ai.onnx", "ai.onnx.ml", "com.microsoft")  # what runtimes bring themselves


class NotOnnxError(ValueError):
    """Bytes that are no ONNX model, or a part of one."""


@final
@define
class Signature:
    """What a model says of an input or an output of its own."""

    dtype: str | None = None  # a numpy name; None: it does not say, or one that no addon has
    shape: tuple[int | None, ...] | None = None  # None: it does not say; of a dimension: any


@final
@define
class OnnxFacts:
    """What a model holds."""

    ir_version: int = 0
    producer: str = ""
    opsets: dict[str, int] = field(factory=dict)  # domain ("": ONNX's own) -> version
    operators: Counter[str] = field(factory=Counter)  # "Conv", "com.acme:Warp"
    parameters: int = 0  # numbers in its tensors
    external: list[str] = field(factory=list)  # files outside of it that it names
    functions: set[str] = field(factory=set)  # operators that it defines itself
    inputs: dict[str, Signature] = field(factory=dict)  # by name
    outputs: dict[str, Signature] = field(factory=dict)  # by name
    tensors: set[str] = field(factory=set)  # names of its parameters
    fields: int = 0  # that were read

    @property
    def foreign(self) -> list[str]:
        """Operators that neither ONNX nor the file defines: a runtime may not have them."""
        names = self.operators.keys() - self.functions
        return sorted(o for o in names if o.rpartition(":")[0] not in STANDARD)


def disagreements(
    facts: OnnxFacts, inputs: Mapping[str, TensorSpec], outputs: Mapping[str, TensorSpec]
) -> Iterator[str]:
    """Say where a model is not what a manifest declares.

    An input that is declared and not there is none: exporters drop those that a network ignores.
    """
    for name in facts.inputs.keys() - inputs.keys() - facts.tensors:
        yield f"it needs the input {name!r}, which is not declared"
    for name in outputs.keys() - facts.outputs.keys():
        there = ", ".join(map(repr, facts.outputs)) or "none"
        yield f"it has no output {name!r}; it has {there}"
    for kind, declared, found in (
        ("input", inputs, facts.inputs),
        ("output", outputs, facts.outputs),
    ):
        for name in declared.keys() & found.keys():
            spec, of = declared[name], found[name]
            if of.dtype is not None and of.dtype != spec.dtype:
                yield f"its {kind} {name!r} is {of.dtype}, declared as {spec.dtype}"
            if of.shape is not None and not _alike(of.shape, spec.shape):
                shape = ["?" if size is None else size for size in of.shape]
                yield f"its {kind} {name!r} has the shape {shape}, declared as {[*spec.shape]}"


def _alike(shape: tuple[int | None, ...], declared: tuple[int | str, ...]) -> bool:
    """Tell whether no number of one contradicts the other's."""
    return len(shape) == len(declared) and all(
        of is None or isinstance(size, str) or of == size
        for of, size in zip(shape, declared, strict=True)
    )


def check_onnx(data: bytes) -> OnnxFacts:
    """Refuse a model that needs more than its own bytes; NotOnnxError says why."""
    facts = read_onnx(data)
    if facts.external:
        raise NotOnnxError(
            f"it keeps parameters in another file, {facts.external[0][:200]!r}, that no hash "
            "vouches for; it must be exported in one piece"
        )
    if any(name.rpartition(":")[2] == "EPContext" for name in facts.operators):
        raise NotOnnxError(
            "it holds code compiled for one device (EPContext); it must be exported as ONNX"
        )
    return facts


def read_onnx(data: bytes) -> OnnxFacts:
    """Take a model apart; NotOnnxError if it is none."""
    facts = OnnxFacts()
    version = ""
    if data[:1] != b"\x08":  # ir_version, which every writer puts first
        raise NotOnnxError("it is no ONNX model")
    try:
        for number, value in _fields(memoryview(data), facts):
            match MODEL.get(number):
                case "ir_version":
                    facts.ir_version = int(value)
                case "producer":
                    facts.producer = _text(value)[:200]
                case "producer_version":
                    version = _text(value)
                case "graph":
                    _read(value, GRAPH, facts, 0)
                    _read_signatures(value, facts)
                case "function":
                    _read(value, FUNCTION, facts, 0)
                    named = dict(_fields(value, facts))
                    facts.functions.add(_name(named.get(10, b""), named.get(1, b"")))
                case "opset":
                    _read_opset(value, facts)
                case _ if number == TRAINING:
                    for inner, graph in _fields(value, facts):
                        if inner in (1, 2):
                            _read(graph, GRAPH, facts, 0)
    except (TypeError, AttributeError, IndexError) as error:  # a field of another kind
        raise NotOnnxError("it is no ONNX model") from error
    facts.producer = f"{facts.producer} {version}".strip()
    return facts


def _read(data: Any, layout: dict[int, str], facts: OnnxFacts, depth: int) -> None:
    """Go through a graph, a function, an attribute or a sparse tensor."""
    if depth > MAX_NESTING:
        raise NotOnnxError(f"its graphs are nested more than {MAX_NESTING} levels deep")
    for number, value in _fields(data, facts):
        match layout.get(number):
            case "node":
                _read_node(value, facts, depth)
            case "tensor":
                _read_tensor(value, facts)
            case "graph":
                _read(value, GRAPH, facts, depth + 1)
            case "sparse":
                _read(value, SPARSE, facts, depth + 1)
            case "opset":
                _read_opset(value, facts)


def _read_node(data: Any, facts: OnnxFacts, depth: int) -> None:
    operator = domain = b""
    for number, value in _fields(data, facts):
        match NODE.get(number):
            case "operator":
                operator = value
            case "domain":
                domain = value
            case "attribute":
                _read(value, ATTRIBUTE, facts, depth)
    facts.operators[_name(domain, operator)] += 1


def _read_tensor(data: Any, facts: OnnxFacts) -> None:
    size, external, location = 1, False, ""
    for number, value in _fields(data, facts):
        if number == DIMS:
            for dimension in [value] if isinstance(value, int) else _packed(value):
                size *= dimension
        elif number == NAME:
            facts.tensors.add(_text(value))
        elif number == DATA_LOCATION:
            external = external or value != 0
        elif number == EXTERNAL_DATA:
            entry = {n: _text(v) for n, v in _fields(value, facts)}
            external = True
            location = entry.get(2, "") if entry.get(1) == "location" else location
    facts.parameters += size
    if external:
        facts.external.append(location)


def _read_signatures(graph: Any, facts: OnnxFacts) -> None:
    """Read what the model's own graph takes and gives: a name, and mostly dtype and shape."""
    for number, value in _fields(graph, facts):
        if number not in (INPUT, OUTPUT):
            continue
        entry = dict(_fields(value, facts))
        tensor = dict(_fields(dict(_fields(entry.get(2, b""), facts)).get(1, b""), facts))
        shape = None
        if 2 in tensor:
            dimensions = [dict(_fields(d, facts)) for n, d in _fields(tensor[2], facts) if n == 1]
            shape = tuple(int(d[1]) if 1 in d else None for d in dimensions)
        made = facts.inputs if number == INPUT else facts.outputs
        made[_text(entry.get(1, b""))] = Signature(DTYPES.get(tensor.get(1, 0)), shape)


def _read_opset(data: Any, facts: OnnxFacts) -> None:
    entry = dict(_fields(data, facts))
    facts.opsets[_text(entry.get(1, b""))] = int(entry.get(2, 0))


def _fields(data: memoryview, facts: OnnxFacts) -> Iterator[tuple[int, Any]]:
    """Give the fields of a message: whole numbers, or the bytes of what is within."""
    at, end = 0, len(data)
    while at < end:
        facts.fields += 1
        if facts.fields > MAX_FIELDS:
            raise NotOnnxError(f"it has more than {MAX_FIELDS} fields: no network has")
        key, at = _varint(data, at)
        number, kind = key >> 3, key & 7
        if kind == 0:
            value, at = _varint(data, at)
            yield number, value
            continue
        if kind == 2:
            size, at = _varint(data, at)
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
        else:
            raise NotOnnxError("it is no ONNX model")
        if at + size > end or not number:
            raise NotOnnxError("it is no ONNX model, or was cut short")
        yield number, data[at : at + size]
        at += size


def _packed(data: memoryview) -> Iterator[int]:
    at = 0
    while at < len(data):
        value, at = _varint(data, at)
        yield value


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(data) or shift > 63:
            raise NotOnnxError("it is no ONNX model, or was cut short")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at


def _name(domain: Any, operator: Any) -> str:
    return f"{_text(domain)}:{_text(operator)}" if len(domain) else _text(operator)


def _text(value: Any) -> str:
    return bytes(value).decode("utf-8", "replace")
