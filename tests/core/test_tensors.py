"""Tensors, chunks and marks."""

import numpy as np
import pytest
from attrs.exceptions import FrozenInstanceError
from voxstack import Chunk, Mark, Tensors
from voxstack.errors import MissingTensorError

A, B = np.zeros((1, 4)), np.ones((1, 4))


def test_replace_keeps_what_it_does_not_name():
    marks = (Mark("word", "hi", 5),)
    chunk = Chunk({"a": A, "b": A}, start=5, last=True, marks=marks)
    replaced = chunk.replace(a=B)
    assert replaced["a"] is B
    assert replaced["b"] is A
    assert (replaced.start, replaced.last, replaced.marks) == (5, True, marks)
    assert chunk["a"] is A


def test_replace_can_clear_last_marks_and_start():
    chunk = Chunk({"a": A}, start=5, last=True, marks=(Mark("word", "hi", 5),))
    replaced = chunk.replace(start=0, last=False, marks=())
    assert (replaced.start, replaced.last, replaced.marks) == (0, False, ())
    assert replaced["a"] is A


def test_replace_adds_a_tensor_that_was_not_there():
    assert set(Chunk({"a": A}).replace(b=B).tensors) == {"a", "b"}


def test_only_keeps_the_named_tensors_and_the_rest_of_the_chunk():
    chunk = Chunk({"a": A, "b": B}, 3, True, (Mark("word", "x", 3),)).only("b")
    assert list(chunk.tensors) == ["b"]
    assert (chunk.start, chunk.last, len(chunk.marks)) == (3, True, 1)


def test_a_chunk_is_as_long_as_its_last_axis():
    assert len(Chunk({"mel": np.zeros((1, 80, 7))})) == 7
    assert len(Chunk({"audio": np.zeros((1, 0))})) == 0
    assert len(Chunk({})) == 0


def test_an_empty_chunk_is_still_true():
    assert Chunk({}, last=True)


def test_a_missing_tensor_of_a_chunk_names_what_is_there():
    chunk = Chunk({"mel": A, "f0": A})
    found = "no tensor 'audio' in the chunk, which has: 'mel', 'f0'; add a block before this one"
    with pytest.raises(MissingTensorError, match=found):
        chunk["audio"]
    assert "mel" in chunk
    assert "audio" not in chunk


def test_a_missing_sequence_tensor_names_what_is_there():
    with pytest.raises(MissingTensorError, match="'id' in the sequence tensors, which has: 'ids'"):
        Tensors({"ids": A})["id"]


def test_get_and_in_do_not_raise():
    tensors = Tensors({"ids": A})
    assert tensors.get("x") is None
    assert "x" not in tensors


def test_merged_adds_and_replaces_and_keeps_the_marks_and_the_original():
    marks = (Mark("word", "hi", 0),)
    tensors = Tensors({"a": A}, marks)
    merged = tensors.merged({"a": B, "b": B})
    assert merged["a"] is B
    assert merged["b"] is B
    assert merged.marks == marks
    assert tensors["a"] is A
    assert "b" not in tensors


def test_a_mark_moves_and_keeps_the_rest():
    mark = Mark("word", "hi", 2, (0, 2))
    assert mark.moved(9) == Mark("word", "hi", 9, (0, 2))


def test_chunks_and_marks_are_frozen():
    with pytest.raises(FrozenInstanceError):
        Chunk({}).start = 3
    with pytest.raises(FrozenInstanceError):
        Mark("word", "hi", 0).start = 3


def test_the_tensors_of_a_chunk_have_names_and_no_order():
    chunk = Chunk({"audio": np.zeros((1, 4))})
    with pytest.raises(TypeError, match=r"looked up by name, chunk\['audio'\], not 0"):
        chunk[0]
    with pytest.raises(TypeError, match="not iterable"):
        list(chunk)


@pytest.mark.parametrize("value", [[2.5], [[2.5]], 2.5])
def test_a_scalar_is_the_one_value_of_a_tensor_or_the_default(value):
    tensors = Tensors({"rate": np.float32(value)})
    assert (tensors.scalar("rate"), tensors.scalar("rate", 1.0)) == (2.5, 2.5)
    assert tensors.scalar("pitch", 0.0) == 0.0


def test_a_scalar_that_is_missing_or_has_more_values_is_an_error():
    with pytest.raises(MissingTensorError, match="'pitch'"):
        Tensors().scalar("pitch")
    with pytest.raises(ValueError, match="size 1"):
        Tensors({"rate": np.ones(2)}).scalar("rate")
