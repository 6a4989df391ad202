"""Streams for the checks: chunks cut from whole tensors, and whole tensors of a stream."""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, final

import numpy as np
from voxstack import Chunk, Mark, Tensors

from voxstack_kit.testing.failures import fail


def chunks_of(
    tensors: Mapping[str, Any], sizes: Iterable[int] = (), marks: Sequence[Mark] = ()
) -> Iterator[Chunk]:
    """Yield whole tensors ``[1, ..., T]`` in chunks of ``sizes`` frames, and one of the rest.

    A size may be 0. If nothing is left after ``sizes``, the last of them is the last chunk; without
    frames there is one empty chunk. Each chunk has arrays of its own, and the ``marks`` (in frames)
    that begin in it.
    """
    total = next((int(np.shape(t)[-1]) for t in tensors.values()), 0)
    ends, end = [], 0
    for size in sizes:
        end = min(total, end + size)
        ends.append(end)
    if not ends or end < total:
        ends.append(total)
    start = 0
    for number, end in enumerate(ends, start=1):
        last = number == len(ends)
        begun = tuple(m for m in marks if start <= m.start and (m.start < end or last))
        part = {name: np.array(tensor)[..., start:end].copy() for name, tensor in tensors.items()}
        yield Chunk(part, start, last, begun)
        start = end


def cut(sizes: Sequence[int]) -> str:
    """Return how ``chunks_of`` cuts, as text."""
    return f"in chunks of {some_numbers(sizes)} and the rest" if sizes else "in one chunk"


def some_numbers(numbers: Sequence[int]) -> str:
    """Return numbers as text for a message."""
    return ", ".join(map(str, numbers))


def collected(stream: Iterable[Chunk]) -> Tensors:
    """Return the whole tensors of a stream, and its marks."""
    parts: dict[str, list[Any]] = {}
    marks: list[Mark] = []
    for chunk in stream:
        for name, tensor in chunk.tensors.items():
            parts.setdefault(name, []).append(np.asarray(tensor))
        marks.extend(chunk.marks)
    whole = {name: np.concatenate(arrays, axis=-1) for name, arrays in parts.items()}
    return Tensors(whole, tuple(marks))


@final
class Upstream:
    """An observed upstream: what was read, whether it was closed, what is still held.

    ``arrays`` are weak references to every array that it handed out.
    """

    def __init__(self, chunks: Iterable[Chunk]) -> None:
        self._chunks = iter(chunks)
        self.read = 0  # frames
        self.asked = 0  # times
        self.closed = False
        self.arrays: list[weakref.ref[Any]] = []

    def __iter__(self) -> Iterator[Chunk]:
        return self

    def __next__(self) -> Chunk:
        if self.closed:
            raise StopIteration
        self.asked += 1
        chunk = next(self._chunks)
        self.read += len(chunk)
        self.arrays += [weakref.ref(array) for array in chunk.tensors.values()]
        return chunk

    def close(self) -> None:
        """Mark as closed."""
        self.closed = True


def differences(
    expected: Mapping[str, Any], got: Mapping[str, Any], tolerance: float
) -> Iterator[str]:
    """Yield how tensors differ: in names, dtypes, shapes and numbers.

    The tolerance is for numbers of size 1; it grows with the largest that is expected.
    """
    for name in [*expected, *(n for n in got if n not in expected)]:
        if name not in got:
            yield f"{name!r} is missing"
            continue
        if name not in expected:
            yield f"there is {name!r}, which was not there before"
            continue
        a, b = np.asarray(expected[name]), np.asarray(got[name])
        if a.shape != b.shape:
            yield f"{name!r} is {list(b.shape)}, expected {list(a.shape)}"
        elif a.dtype != b.dtype:
            yield f"{name!r} is {b.dtype}, expected {a.dtype}"
        elif a.size and a.dtype.kind in "fc":
            with np.errstate(invalid="ignore"):
                distance = np.abs(a.astype(np.float64) - b.astype(np.float64))
            distance = np.where((a == b) | (np.isnan(a) & np.isnan(b)), 0.0, distance)
            most = float(distance.max())
            if not most <= tolerance * float(np.abs(a[np.isfinite(a)]).max(initial=1.0)):
                where = int(np.argmax(distance.reshape(-1, a.shape[-1]).max(0)))
                yield f"{name!r} differs by {most:.1e} (at frame {where} of {a.shape[-1]})"
        elif a.size and not np.array_equal(a, b):
            yield f"{name!r} differs in {int(np.count_nonzero(a != b))} of {a.size} places"


def require_same(
    expected: Mapping[str, Any],
    got: Mapping[str, Any],
    tolerance: float,
    when: str,
    next_step: str,
) -> None:
    """Fail if tensors differ by more than ``tolerance``; ``when`` describes the case."""
    __tracebackhide__ = True
    found = "; ".join(differences(expected, got, tolerance))
    if found:
        fail(f"{when}: {found}", next_step)
