"""The wire format of protobuf, in which ONNX files are written.

A message is a row of fields: a key (number and kind), then a whole number or bytes. Messages
within it are bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import final

from voxstack import FormatError

MAX_FIELDS = 5_000_000  # read in a few seconds; networks have thousands

NUMBER, EIGHT_BYTES, BYTES, FOUR_BYTES = 0, 1, 2, 5  # kinds of values

Value = int | memoryview | bytes  # of a field: NUMBER, BYTES, or one of fixed size


@final
class Reader:
    """Reads messages of one file; FormatError if they have more than MAX_FIELDS fields."""

    def __init__(self) -> None:
        self._read = 0

    def fields(self, value: Value) -> Iterator[tuple[int, Value]]:
        """Yield the fields of a message as (number, value)."""
        data, at = message(value), 0
        while at < len(data):
            number, value, at = self._field(data, at)
            yield number, value

    def spans(self, value: Value) -> Iterator[tuple[int, Value, memoryview]]:
        """Yield the fields of a message with the bytes that each is written in."""
        data, at = message(value), 0
        while at < len(data):
            begin = at
            number, value, at = self._field(data, at)
            yield number, value, data[begin:at]

    def last(self, value: Value) -> dict[int, Value]:
        """Return a message by number; of a field that is repeated the last, as parsers do."""
        return dict(self.fields(value))

    def _field(self, data: memoryview, at: int) -> tuple[int, Value, int]:
        self._read += 1
        if self._read > MAX_FIELDS:
            raise FormatError(f"it has more than {MAX_FIELDS} fields; no network has so many")
        key, at = _varint(data, at)
        number, kind = key >> 3, key & 7
        if kind == NUMBER:
            value, at = _varint(data, at)
            return number, value, at
        if kind == BYTES:
            size, at = _varint(data, at)
        elif kind in (EIGHT_BYTES, FOUR_BYTES):
            size = 8 if kind == EIGHT_BYTES else 4
        else:
            raise FormatError("it is not an ONNX model")
        end = at + size
        if end > len(data) or not number:
            raise _truncated()
        held = data[at:end]
        return number, held if kind == BYTES else bytes(held), end


def message(value: Value) -> memoryview:
    """Return the bytes of a message; FormatError for a value of another kind."""
    if not isinstance(value, memoryview):
        raise FormatError("it is not an ONNX model")
    return value


def text(value: Value) -> str:
    """Return text; FormatError for a value of another kind."""
    return bytes(message(value)).decode("utf-8", "replace")


def number(value: Value) -> int:
    """Return a whole number; FormatError for a value of another kind."""
    if not isinstance(value, int):
        raise FormatError("it is not an ONNX model")
    return value


def numbers(value: Value) -> Iterator[int]:
    """Yield the numbers of a repeated field: one, or several that are packed."""
    if isinstance(value, int):
        yield value
        return
    data, at = message(value), 0
    while at < len(data):
        read, at = _varint(data, at)
        yield read


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(data) and shift < 64:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
    raise _truncated()


def _truncated() -> FormatError:
    return FormatError("it is not an ONNX model, or it was truncated; download it again")


def written(number: int, value: int | bytes | memoryview) -> bytes:
    """Return a field as it is written: a whole number of 0 or more, or bytes."""
    if isinstance(value, int):
        return _varint_of(number << 3 | NUMBER) + _varint_of(value)
    return b"".join((head(number, len(value)), value))


def head(number: int, size: int) -> bytes:
    """Return the key and size that precede ``size`` bytes of a field."""
    return _varint_of(number << 3 | BYTES) + _varint_of(size)


def _varint_of(value: int) -> bytes:
    made = bytearray()
    while value > 0x7F:
        made.append(value & 0x7F | 0x80)
        value >>= 7
    made.append(value)
    return bytes(made)
