"""Tensors, chunks and marks: what flows between blocks.

Axis 0 is the batch (always 1 between blocks), time is the last axis: text ``[1, T]``, features
``[1, C, T]``, audio ``[1, T]``. Arrays are numpy at every block boundary; an executor may hand
over a handle of its own that becomes numpy when it is read (``__array__``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, final

from attrs import frozen

from voxstack.errors import MissingTensorError

Array = Any  # numpy.ndarray, or an executor's handle that has __array__


@final
@frozen
class Mark:
    """Something that begins at a place of the utterance: a word, a sentence, a bookmark."""

    kind: str  # "word", "sentence", ... of the frontend; "guard": a block had to end speech here
    value: str  # the word as it was written, the bookmark's name
    start: int  # index in the rate of its holder: symbols, frames or samples
    span: tuple[int, int] | None = None  # characters of the input text, end exclusive

    def moved(self, start: int) -> Mark:
        """Return the same mark at another index."""
        return Mark(self.kind, self.value, start, self.span)


@final
class Tensors(dict[str, Array]):
    """Named arrays, and the marks of the sentence that they belong to.

    A name that is missing raises MissingTensorError, which lists those that exist.
    """

    def __init__(
        self, tensors: Mapping[str, Array] | None = None, marks: tuple[Mark, ...] = ()
    ) -> None:
        super().__init__(tensors or {})
        self.marks = marks

    def __missing__(self, name: str) -> Array:
        raise MissingTensorError(name, self, "sequence tensors")

    def scalar(self, name: str, default: float | None = None) -> float:
        """Return the one value of a tensor, or ``default`` if it is not there.

        MissingTensorError for a missing tensor without a default, ValueError for more values.
        """
        if default is not None and name not in self:
            return default
        import numpy as np

        return float(np.asarray(self[name]).item())

    def merged(self, tensors: Mapping[str, Array]) -> Tensors:
        """Return these tensors with others added or replaced; the marks are kept."""
        return Tensors({**self, **tensors}, self.marks)


@final
@frozen(eq=False)
class Sentence:
    """One sentence as a frontend yields it; the stack runs once for each."""

    text: str
    tensors: Mapping[str, Array]  # symbol ids [1, T] and what else the encoders read
    marks: tuple[Mark, ...] = ()  # ``start`` counts symbols
    breaks: tuple[int, ...] = ()  # symbols at which a phrase begins: places to cut


@final
@frozen(eq=False)
class Chunk:
    """A run of consecutive frames.

    All tensors have the same length along their last axis, ``len(chunk)`` frames at the chunk's
    own rate (mel frames, audio samples).
    """

    tensors: Mapping[str, Array]
    start: int = 0  # index of the first frame, in the chunk's own rate
    last: bool = False  # nothing follows; may come on an empty chunk
    marks: tuple[Mark, ...] = ()  # those that begin in it

    __iter__ = None  # a chunk has names and no order

    def __getitem__(self, name: str) -> Array:
        if not isinstance(name, str):
            raise TypeError(
                f"a chunk's tensors are looked up by name, chunk['audio'], not {name!r}"
            )
        try:
            return self.tensors[name]
        except KeyError:
            raise MissingTensorError(name, self.tensors) from None

    def __contains__(self, name: object) -> bool:
        return name in self.tensors

    def __len__(self) -> int:
        for tensor in self.tensors.values():
            length: int = tensor.shape[-1]
            return length
        return 0

    def __bool__(self) -> bool:
        return True

    def replace(
        self,
        *,
        start: int | None = None,
        last: bool | None = None,
        marks: tuple[Mark, ...] | None = None,
        **tensors: Array,
    ) -> Chunk:
        """Return this chunk with some parts replaced; the others are kept."""
        return Chunk(
            {**self.tensors, **tensors},
            self.start if start is None else start,
            self.last if last is None else last,
            self.marks if marks is None else marks,
        )

    def only(self, *names: str) -> Chunk:
        """Return this chunk with only the named tensors."""
        return Chunk({name: self[name] for name in names}, self.start, self.last, self.marks)
