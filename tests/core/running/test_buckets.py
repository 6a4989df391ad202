"""Sizes for fixed shapes, given or chosen."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from voxstack import Buckets, Network, TensorSpec
from voxstack.networks import Context
from voxstack.running.fixed.buckets import COUNT, STEP, chosen, least_waste


def network(dimension, **options):
    shape = ("batch", dimension)
    inputs = {name: TensorSpec("float32", shape) for name in ("x", "mask")}
    return Network("net", "decoder", inputs, {}, {}, **options)


def padding(sizes, shares, buckets):
    return sum(
        share * (min(b for b in buckets if b >= size) - size)
        for size, share in zip(sizes, shares, strict=True)
    )


@given(
    pairs=st.lists(
        st.tuples(st.integers(1, 60), st.floats(0.01, 1)), min_size=1, max_size=7,
        unique_by=lambda pair: pair[0],
    ),
    count=st.integers(1, 3),
)  # fmt: skip
def test_no_other_buckets_waste_less(pairs, count):
    from itertools import combinations_with_replacement

    sizes, shares = zip(*pairs, strict=True)
    found = least_waste(sizes, shares, count)
    assert len(found) <= count and max(found) == max(sizes)
    others = combinations_with_replacement(sizes, count)
    best = min(padding(sizes, shares, o) for o in others if max(o) == max(sizes))
    assert padding(sizes, shares, found) == pytest.approx(best)


def test_sizes_that_texts_have_choose_the_buckets():
    texts = {"text": [(20, 0.45), (21, 0.45), (100, 0.1)]}
    assert chosen(network("text", sizes=texts), Buckets()) == {"text": (20, 21, 100)}


def test_a_size_given_for_a_network_wins_over_one_for_all():
    given = Buckets({"text": [10], "net.text": [70, 30]})
    assert chosen(network("text"), given) == {"text": (30, 70)}


def test_windows_are_as_long_as_the_usual_chunks_with_their_context():
    windows = chosen(network("frames", context=Context(9, 9)), Buckets())["frames"]
    assert windows[-1] == 256 + 18 and len(windows) == COUNT


def test_a_network_with_state_has_one_size():
    stepped = network("frames", state={"kept": "next"})
    assert chosen(stepped, Buckets()) == {"frames": (STEP,)}


@pytest.mark.parametrize("sizes", [[], [0], [-4, 8]])
def test_sizes_are_one_or_more(sizes):
    with pytest.raises(ValueError, match="'text': sizes must be 1 or more"):
        Buckets({"text": sizes})
