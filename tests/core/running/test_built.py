"""A stack as it was built: planned for chunk sizes, every block at its place."""

import pytest
from attrs import frozen
from stubs import Speaks
from voxstack import BlockError, Chunk, InputError, Schedule, StreamableBlock, Tensors
from voxstack.containers import StreamableStack
from voxstack.running import BuiltStack
from voxstack.running.built import MAX_PLANS


@frozen
class Timed(StreamableBlock):
    schedule: Schedule = Schedule()

    def stream(self, sequence, upstream):
        yield Chunk({}, last=True)


@frozen
class Broken(StreamableBlock):
    def stream(self, sequence, upstream):
        raise RuntimeError("boom")


def built(*blocks):
    return BuiltStack(None, blocks, ())


def pointer_of(row):
    with pytest.raises(BlockError, match="boom") as caught:
        list(row.stream(Tensors(), iter(())))
    return caught.value.pointer


def test_the_head_is_planned_for_the_chunk_sizes():
    (timed,) = built(Timed()).planned((3, 4)).stack
    assert timed.block.schedule.sizes == (3, 4)


def test_a_plan_is_made_once_per_chunk_sizes():
    stack = built(Timed())
    assert stack.planned((3,)) is stack.planned((3,))
    assert stack.planned((3,)) is not stack.planned((4,))


def test_the_memory_of_plans_is_bounded_and_further_sizes_are_planned_all_the_same():
    stack = built(Timed())
    for size in range(1, 2 * MAX_PLANS):
        (timed,) = stack.planned((size,)).stack
        assert timed.block.schedule.sizes == (size,)
    assert len(stack._plans) == MAX_PLANS


@pytest.mark.parametrize("frames", [(0,), (8, -1)])
def test_frames_that_are_not_chunk_sizes_are_refused(frames):
    with pytest.raises(InputError, match=r"^frames: .*1 frame or more"):
        built(Timed()).planned(frames)


def test_errors_of_the_head_and_of_the_tail_have_their_place_in_the_whole_stack():
    assert pointer_of(built(Timed(), Broken(), Speaks()).planned(())) == "/stack/1"
    assert pointer_of(built(Speaks(), Timed(), Broken()).behind) == "/stack/2"
    nested = StreamableStack([Timed(), Broken()])
    assert pointer_of(built(Speaks(), nested).behind) == "/stack/1/stack/1"
