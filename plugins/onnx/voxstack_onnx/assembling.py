"""Put parameters into a model whose graph declares them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, final

from attrs import frozen
from voxstack import FormatError
from voxstack.errors import did_you_mean

from voxstack_onnx.describing import model_of, value_info
from voxstack_onnx.protobuf import Reader, Value, head, number, text, written
from voxstack_onnx.schema import DTYPES, Entry, Graph, Model, Tensor, ValueInfo

PARAMETER = ("voxstack", "parameter")  # metadata of a graph input that is a parameter
OLDEST_IR = 4  # from here on initializers need not be inputs
LARGEST = 2**31 - 1  # bytes of a protobuf message


@final
@frozen
class _Declared:
    """A parameter as a graph declares it."""

    dtype: int  # number of the dtype
    shape: tuple[int | None, ...] | None


def assembled(graph: bytes, parameters: Mapping[str, Any]) -> bytes:
    """Return a model: ``graph`` with its ``parameters`` as initializers; FormatError if unlike."""
    reader = Reader()
    model = model_of(reader, graph)
    ir = number(model[Model.IR_VERSION])
    if ir < OLDEST_IR:
        raise FormatError(
            f"it is of IR {ir}, in which parameters cannot be apart; export it as IR {OLDEST_IR} "
            "or later"
        )
    kept, declared = _taken_apart(reader, model[Model.GRAPH])
    _require_same_names(declared, parameters)
    parts: list[bytes | memoryview] = [*kept]
    for name, wanted in declared.items():
        parts += _initializer(name, wanted, parameters[name])
    made: list[bytes | memoryview] = []
    for field, _, span in reader.spans(memoryview(graph)):
        if field == Model.GRAPH:
            made += [head(Model.GRAPH, sum(map(len, parts))), *parts]
        else:
            made.append(span)
    if (size := sum(map(len, made))) > LARGEST:
        raise FormatError(f"its model would have {size} bytes; ONNX allows {LARGEST}")
    return b"".join(made)


def _taken_apart(reader: Reader, graph: Value) -> tuple[list[memoryview], dict[str, _Declared]]:
    """Return the fields of a graph but its parameters, and the parameters."""
    kept: list[memoryview] = []
    declared: dict[str, _Declared] = {}
    valued: set[str] = set()
    for field, value, span in reader.spans(graph):
        if field == Graph.INITIALIZER:
            valued.add(text(reader.last(value).get(Tensor.NAME, memoryview(b""))))
        if field != Graph.INPUT or not _is_parameter(reader, value):
            kept.append(span)
            continue
        name, dtype, shape = value_info(reader, value)
        if name in declared:
            raise FormatError(f"its graph declares the parameter {name!r} twice")
        declared[name] = _Declared(dtype, shape)
    for name in declared.keys() & valued:
        raise FormatError(f"its graph has values for the parameter {name!r}")
    return kept, declared


def _is_parameter(reader: Reader, value_info: Value) -> bool:
    nothing = memoryview(b"")
    for field, value in reader.fields(value_info):
        if field == ValueInfo.METADATA:
            entry = reader.last(value)
            pair = (text(entry.get(of, nothing)) for of in (Entry.KEY, Entry.VALUE))
            if tuple(pair) == PARAMETER:
                return True
    return False


def _require_same_names(declared: Mapping[str, _Declared], parameters: Mapping[str, Any]) -> None:
    """Refuse parameters that the graph does not declare, and a graph that lacks some."""
    for name in parameters:
        if name not in declared:
            hint = did_you_mean(name, declared) or f"it declares {len(declared)} parameters"
            raise FormatError(f"its graph does not declare the parameter {name!r} ({hint})")
    if missing := [name for name in declared if name not in parameters]:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise FormatError(f"its graph needs the parameter {missing[0]!r}{more}, not given")


def _initializer(name: str, declared: _Declared, value: Any) -> Iterator[bytes]:
    """Yield a tensor as a field of a graph; FormatError for another dtype or shape."""
    wanted = DTYPES.get(declared.dtype)
    if wanted is None:
        raise FormatError(
            f"its graph declares the parameter {name!r} of a dtype without a numpy name"
        )
    if value.dtype.name != wanted:
        raise FormatError(f"its parameter {name!r} is {value.dtype.name}, declared as {wanted}")
    shape = declared.shape
    if shape is None or None in shape:
        raise FormatError(f"its graph declares the parameter {name!r} without a shape")
    if tuple(value.shape) != shape:
        raise FormatError(
            f"its parameter {name!r} has the shape {[*value.shape]}, declared as {[*shape]}"
        )
    raw = value.astype(value.dtype.newbyteorder("<"), copy=False).tobytes()  # in C order
    before = b"".join(
        (
            *(written(Tensor.DIMS, size) for size in value.shape),
            written(Tensor.DATA_TYPE, declared.dtype),
            written(Tensor.NAME, name.encode()),
            head(Tensor.RAW_DATA, len(raw)),
        )
    )
    yield head(Graph.INITIALIZER, len(before) + len(raw))
    yield before
    yield raw
