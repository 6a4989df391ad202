"""Sentences cut to fixed shapes."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from voxstack import Mark, Sentence
from voxstack.running.fixed.splitting import split_to


def sentence(length, words=(), breaks=()):
    ids = np.arange(length)[None]
    marks = tuple(Mark("word", str(at), at) for at in words)
    return Sentence("text", {"ids": ids, "question": np.ones(1)}, marks, tuple(breaks))


def lengths(parts):
    return [part.tensors["ids"].shape[-1] for part in parts]


def test_a_sentence_that_fits_is_left_as_it_is():
    whole = sentence(10)
    assert list(split_to(whole, {"ids": 10})) == [whole]


def test_a_long_sentence_is_cut_at_a_phrase_bound_first():
    assert lengths(split_to(sentence(20, words=(3, 9, 15), breaks=(7,)), {"ids": 10})) == [7, 8, 5]


def test_without_a_phrase_bound_it_is_cut_before_a_word():
    assert lengths(split_to(sentence(20, words=(3, 9, 12)), {"ids": 10})) == [9, 3, 8]


def test_without_any_bound_it_is_cut_all_the_same():
    assert lengths(split_to(sentence(25), {"ids": 10})) == [10, 10, 5]


@given(
    length=st.integers(1, 80),
    words=st.sets(st.integers(0, 79)),
    breaks=st.sets(st.integers(0, 79)),
    most=st.integers(1, 30),
)
def test_no_symbol_and_no_mark_is_lost(length, words, breaks, most):
    words = sorted(w for w in words if w < length)
    parts = list(split_to(sentence(length, words, sorted(breaks)), {"ids": most, "other": 1}))
    assert max(lengths(parts)) <= most
    assert np.concatenate([p.tensors["ids"][0] for p in parts]).tolist() == list(range(length))
    starts = np.cumsum([0, *lengths(parts)]).tolist()
    marks = [m.start + at for at, part in zip(starts, parts, strict=False) for m in part.marks]
    assert marks == words
    assert all(part.tensors["question"].shape == (1,) for part in parts)
