"""Splitting a sentence that has more symbols than a fixed shape holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from voxstack.logs import get_logger
from voxstack.tensors import Sentence

log = get_logger("splitting")


def split_to(sentence: Sentence, limits: Mapping[str, int]) -> Iterator[Sentence]:
    """Yield ``sentence`` in parts whose tensors are no longer than ``limits`` (by their names).

    Cut at a phrase bound (one of its ``breaks``), else before a word, else anywhere: at the last
    place that lets the part fit. Tensors as long as the limited ones are cut with them; the
    others, and the text, belong to every part.
    """
    lengths = {n: np.shape(sentence.tensors[n])[-1] for n in limits if n in sentence.tensors}
    total = max(lengths.values(), default=0)
    most = min((limits[n] for n, length in lengths.items() if length == total), default=total)
    if total <= most:
        yield sentence
        return
    words = [mark.start for mark in sentence.marks if mark.kind == "word"]
    start = 0
    while start < total:
        end = total if total - start <= most else _cut(start, start + most, sentence.breaks, words)
        log.info("sentence cut", text=sentence.text, symbols=total, start=start, end=end)
        yield _part(sentence, start, end, total)
        start = end


def _cut(start: int, most: int, *places: Sequence[int]) -> int:
    """Return the last good place up to ``most``, of the best kind that has one."""
    for kind in places:
        # Not in the first quarter: a short part costs a whole call, and sounds like one.
        good = [place for place in kind if start + (most - start) // 4 < place <= most]
        if good:
            return max(good)
    return most


def _part(sentence: Sentence, start: int, end: int, total: int) -> Sentence:
    tensors = {
        name: value[..., start:end] if np.shape(value)[-1:] == (total,) else value
        for name, value in sentence.tensors.items()
    }
    marks = tuple(m.moved(m.start - start) for m in sentence.marks if start <= m.start < end)
    return Sentence(sentence.text, tensors, marks)
