"""Schedules: chunk sizes, and what a block upstream must yield for them."""

from itertools import accumulate, islice

import pytest
from hypothesis import given
from hypothesis import strategies as st
from voxstack import Schedule

sizes = st.lists(st.integers(1, 50), min_size=1, max_size=6)


def ends(schedule, count):
    return list(accumulate(islice(schedule, count)))


def test_the_default_doubles_from_8_to_256_and_stays_there():
    assert list(islice(Schedule(), 8)) == [8, 16, 32, 64, 128, 256, 256, 256]
    assert not Schedule()


def test_the_last_size_repeats():
    assert list(islice(Schedule((3, 5)), 5)) == [3, 5, 5, 5, 5]


def test_a_list_of_sizes_becomes_a_tuple_so_that_blocks_stay_hashable():
    assert Schedule([1, 2]) == Schedule((1, 2))
    assert hash(Schedule([1, 2])) == hash(Schedule((1, 2)))


@pytest.mark.parametrize("bad", [(0,), (8, -1)])
def test_a_chunk_without_frames_is_refused(bad):
    with pytest.raises(ValueError, match="1 frame or more"):
        Schedule(bad)


def test_ahead_lengthens_the_first_chunk_only():
    assert list(islice(Schedule((8, 16)).ahead(5), 4)) == [13, 16, 16, 16]
    assert list(islice(Schedule((8,)).ahead(5), 3)) == [13, 8, 8]
    assert Schedule((8,)).ahead(5).owned


@given(sizes, st.integers(0, 60))
def test_ahead_is_always_exactly_that_many_frames_ahead(sizes, frames):
    schedule = Schedule(sizes)
    assert ends(schedule.ahead(frames), 20) == [end + frames for end in ends(schedule, 20)]


@given(sizes, st.integers(1, 7))
def test_slower_reaches_each_boundary_with_as_few_frames_as_do(sizes, ratio):
    schedule = Schedule(sizes)
    wanted = list(dict.fromkeys(-(-end // ratio) for end in ends(schedule, len(sizes))))
    assert ends(schedule.slower(ratio), len(wanted)) == wanted


@given(sizes, st.integers(1, 7))
def test_slower_never_yields_an_empty_chunk(sizes, ratio):
    assert all(size >= 1 for size in islice(Schedule(sizes).slower(ratio), 20))


def test_slower_by_one_changes_nothing():
    schedule = Schedule((3, 4))
    assert schedule.slower(1) is schedule
