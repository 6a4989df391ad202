"""A network over a stream of frames gives what one call on the whole utterance gives."""

import numpy as np
import pytest
from attrs import field, frozen
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from voxstack import (
    Chunk,
    Mark,
    Program,
    Schedule,
    StreamableBlock,
    StreamableStack,
    Tensors,
    run_network,
)
from voxstack.errors import MissingTensorError

quick = settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
sizes = st.lists(st.integers(1, 9), min_size=1, max_size=5)
forms = st.sampled_from(["windowed", "stepped"])


def signal(frames):
    return np.random.default_rng(frames).integers(-9, 9, frames).astype(np.float64)


def joined(chunks, name="y"):
    return np.concatenate([np.asarray(chunk[name]) for chunk in chunks], axis=-1)


@frozen
class Source(StreamableBlock):
    """Yields a signal by its schedule; remembers nothing."""

    frames: int = 0
    schedule: Schedule = Schedule()

    def stream(self, sequence, upstream):
        x, start = signal(self.frames), 0
        for size in self.schedule:
            end = min(self.frames, start + size)
            yield Chunk({"x": x[None, start:end]}, start, end == self.frames)
            if end == self.frames:
                return
            start = end


@frozen(eq=False)
class Net(StreamableBlock):
    network: Program = None
    schedule: Schedule = Schedule()

    def stream(self, sequence, upstream):
        return run_network(self.network, sequence, upstream, self.schedule)


@quick
@given(
    form=forms,
    frames=st.integers(0, 60),
    left=st.integers(0, 4),
    right=st.integers(0, 4),
    ratio=st.integers(1, 4),
    upstream=sizes,
    schedule=sizes,
    last_empty=st.booleans(),
)
def test_any_chunks_give_the_output_of_one_whole_call(
    convolution, chunked, form, frames, left, right, ratio, upstream, schedule, last_empty
):
    kernel = np.arange(1, left + right + 3)[: left + 1 + right + (form == "stepped")]
    right = len(kernel) - 1 - left
    net, whole = convolution(kernel, left, form, ratio)
    x = signal(frames)
    source = chunked(upstream, x=x[None], last_empty=last_empty)
    chunks = list(run_network(net, Tensors(), source, Schedule(schedule)))
    assert np.array_equal(joined(chunks), whole(x))
    starts = np.cumsum([0, *(len(c["y"][0]) for c in chunks)])
    assert [chunk.start for chunk in chunks] == list(starts[:-1])
    assert [chunk.last for chunk in chunks] == [False] * (len(chunks) - 1) + [True]


@quick
@given(form=forms, frames=st.integers(1, 60), schedule=sizes, upstream=sizes)
def test_the_chunks_have_the_sizes_of_the_schedule(
    convolution, chunked, form, frames, schedule, upstream
):
    net, _ = convolution([1, 2, 3, 4], 2, form)
    source = chunked(upstream, x=signal(frames)[None])
    chunks = list(run_network(net, Tensors(), source, Schedule(schedule)))
    wanted = [size for size, _ in zip(Schedule(schedule), chunks, strict=False)]
    assert [len(c) for c in chunks[:-1]] == wanted[:-1]
    assert len(chunks[-1]) <= wanted[-1]


@quick
@given(
    form=forms,
    frames=st.integers(1, 40),
    ratio=st.integers(1, 3),
    upstream=sizes,
    schedule=sizes,
    starts=st.lists(st.integers(0, 39), max_size=6),
    last_empty=st.booleans(),
)
def test_each_mark_comes_once_in_the_chunk_in_which_it_begins(
    convolution, chunked, form, frames, ratio, upstream, schedule, starts, last_empty
):
    starts = sorted(start for start in starts if start < frames)
    marks = tuple(Mark("word", str(i), start) for i, start in enumerate(starts))
    net, _ = convolution([1, 2, 3], 1, form, ratio)
    source = chunked(upstream, marks, last_empty, x=signal(frames)[None])
    came = []
    for chunk in run_network(net, Tensors(), source, Schedule(schedule)):
        length = chunk["y"].shape[-1]
        assert all(chunk.start <= mark.start < chunk.start + length for mark in chunk.marks)
        came += chunk.marks
    assert came == [mark.moved(mark.start * ratio) for mark in marks]


@pytest.mark.parametrize("form", ["windowed", "stepped"])
def test_a_mark_at_the_very_end_is_not_lost(convolution, form):
    net, _ = convolution([1, 2, 3], 1, form)
    source = [Chunk({"x": signal(5)[None]}, 0, True, (Mark("end", "", 5),))]
    chunks = list(run_network(net, Tensors(), source, Schedule((5,))))
    assert [mark.start for chunk in chunks for mark in chunk.marks] == [5]


@pytest.mark.parametrize("form", ["windowed", "stepped"])
@pytest.mark.parametrize("source", [[], [Chunk({"x": np.zeros((1, 0))}, last=True)]])
def test_no_frames_give_one_empty_last_chunk(convolution, form, source):
    net, _ = convolution([1, 2, 3], 1, form)
    (chunk,) = run_network(net, Tensors(), source, Schedule((4,)))
    assert chunk["y"].shape == (1, 0)
    assert chunk.last
    assert net.lengths == []


def test_an_upstream_that_ends_without_saying_so_is_ended_all_the_same(convolution):
    net, whole = convolution([1, 2, 3], 1, "windowed")
    source = [Chunk({"x": signal(7)[None]}, 0, False)]
    chunks = list(run_network(net, Tensors(), source, Schedule((3,))))
    assert np.array_equal(joined(chunks), whole(signal(7)))
    assert chunks[-1].last


def test_tensors_of_the_frames_are_kept_where_the_rate_is(convolution, chunked):
    net, _ = convolution([1, 2, 3], 1, "stepped")
    x, f0 = signal(20)[None], np.arange(20.0)[None]
    chunks = list(run_network(net, Tensors(), chunked([7], x=x, f0=f0), Schedule((3, 5))))
    assert np.array_equal(joined(chunks, "f0"), f0)
    assert np.array_equal(joined(chunks, "x"), x)
    assert all(c["f0"].shape == c["y"].shape for c in chunks)


def test_tensors_of_the_frames_are_dropped_where_the_rate_changes(convolution, chunked):
    net, _ = convolution([1, 2, 3], 1, "windowed", ratio=4)
    for chunk in run_network(net, Tensors(), chunked([7], x=signal(20)[None])):
        assert list(chunk.tensors) == ["y"]


def test_features_of_several_channels_are_cut_along_time(program, chunked):
    shape = ["batch", 3, "frames"]
    net = program(lambda x: {"y": x * 2}, {"x": shape}, {"y": shape})
    x = np.arange(30.0).reshape(1, 3, 10)
    assert np.array_equal(joined(run_network(net, Tensors(), chunked([4], x=x))), x * 2)


def test_an_input_that_the_frames_lack_comes_from_the_sequence(program, chunked):
    frames = ["batch", "frames"]
    net = program(
        lambda x, speaker: {"y": x + speaker}, {"x": frames, "speaker": ["batch"]}, {"y": frames}
    )
    sequence = Tensors({"speaker": np.array([5.0])})
    out = joined(run_network(net, sequence, chunked([2], x=np.zeros((1, 5)))))
    assert out.tolist() == [[5.0] * 5]


@pytest.mark.parametrize("state", [{}, {"before": "after"}])
def test_a_tensor_of_the_sequence_is_not_taken_for_one_of_the_frames(program, chunked, state):
    """It is one a symbol, where the network takes one a frame."""
    frames, one = ["batch", "frames"], ["batch", 1]
    net = program(
        lambda **inputs: {"y": inputs["x"], "after": np.zeros((1, 1))},
        {"x": frames, "pitch": frames, **dict.fromkeys(state, one)},
        {"y": frames, "after": one},
        state=state,
    )
    sequence = Tensors({"pitch": np.zeros((1, 3))})
    with pytest.raises(MissingTensorError) as caught:
        list(run_network(net, sequence, chunked([2], x=np.zeros((1, 6)))))
    for words in (
        "'pitch'",
        "[batch, frames]",
        "which has: 'x'",
        "add a block before",
        "no value per frame",
    ):
        assert words in str(caught.value)


def test_what_the_network_attends_to_comes_from_the_sequence(program, chunked):
    frames, memory = ["batch", "frames"], ["batch", "text"]
    net = program(
        lambda x, memory: {"y": x + memory.sum()}, {"x": frames, "memory": memory}, {"y": frames}
    )
    sequence = Tensors({"memory": np.ones((1, 3))})
    out = joined(run_network(net, sequence, chunked([2], x=np.zeros((1, 5)))))
    assert out.tolist() == [[3.0] * 5]


def test_constants_of_a_network_with_state_come_from_the_sequence(program, chunked):
    frames, one = ["batch", "frames"], ["batch", 1]

    def summed(x, scale, before):
        total = before + np.cumsum(x, axis=-1)
        return {"y": total * scale, "after": total[:, -1:]}

    net = program(
        summed,
        {"x": frames, "scale": ["batch"], "before": one},
        {"y": frames, "after": one},
        state={"before": "after"},
    )
    sequence = Tensors({"scale": np.array([2.0])})
    out = joined(run_network(net, sequence, chunked([2, 3], x=np.ones((1, 6))), Schedule((4,))))
    assert out.tolist() == [[2.0, 4.0, 6.0, 8.0, 10.0, 12.0]]


def test_the_mask_gates_the_flush_past_the_end(program, chunked):
    frames = ["batch", "frames"]
    masks = []

    def f(x, mask, past):
        masks.append(mask[0].tolist())
        joined = np.concatenate([past, x], axis=-1)
        return {"y": joined[:, :-2], "past_next": joined[:, -2:]}

    net = program(
        f,
        {"x": frames, "mask": ("float32", frames), "past": ["batch", 2]},
        {"y": frames, "past_next": ["batch", 2]},
        state={"past": "past_next"},
        delay=2,
    )
    x = np.array([[1.0, 2.0, 3.0]])
    assert np.array_equal(joined(run_network(net, Tensors(), chunked([3], x=x))), x)
    assert [bit for mask in masks for bit in mask] == [1, 1, 1, 0, 0]


def test_a_tensor_that_nobody_makes_is_named(program, chunked):
    frames = ["batch", "frames"]
    net = program(lambda x, f0: {"y": x}, {"x": frames, "f0": frames}, {"y": frames})
    with pytest.raises(MissingTensorError, match="'f0'"):
        list(run_network(net, Tensors(), chunked([2], x=np.zeros((1, 5)))))


def test_frames_are_read_no_further_than_the_look_ahead(convolution, chunked):
    net, _ = convolution([1, 2, 3, 4, 5], 2, "windowed")
    read = []

    def source():
        for chunk in chunked([1] * 30, x=signal(30)[None]):
            read.append(chunk.start)
            yield chunk

    chunks = run_network(net, Tensors(), source(), Schedule((4,)))
    next(chunks)
    assert len(read) == 4 + 2
    next(chunks)
    assert len(read) == 8 + 2


def test_frames_that_are_used_are_forgotten(convolution):
    """A long stream holds no more than its windows: each frame's array is let go."""
    import weakref

    class Frames(np.ndarray):
        pass

    alive = []

    def source():
        for start in range(0, 400, 4):
            array = np.zeros((1, 4)).view(Frames)
            alive.append(weakref.ref(array))
            yield Chunk({"x": array}, start, start == 396)
            del array

    for form in ("windowed", "stepped"):
        alive.clear()
        net, _ = convolution([1, 2, 3], 1, form)
        most = 0
        for chunk in run_network(net, Tensors(), source(), Schedule((4,))):
            del chunk
            most = max(most, sum(ref() is not None for ref in alive))
        assert most <= 5


# Planning ---------------------------------------------------------------------------------------


@quick
@given(
    first=sizes,
    forms=st.lists(
        st.tuples(forms, st.integers(0, 4), st.integers(1, 4), st.integers(1, 3)),
        min_size=1,
        max_size=4,
    ),
    frames=st.integers(1, 80),
)
def test_the_first_chunk_costs_one_call_of_each_network_and_the_audio_is_the_same(
    convolution, first, forms, frames
):
    nets, expected = [], signal(frames)
    for index, (form, left, right, ratio) in enumerate(forms):
        names = {"x": "x" if index == 0 else f"y{index - 1}", "y": f"y{index}"}
        net, whole = convolution(
            np.ones(left + 1 + right), left, form, ratio, name=f"n{index}", **names
        )
        nets.append(net)
        expected = whole(expected)[0]
    stack = StreamableStack((Source(frames), *(Net(net) for net in nets)))
    planned, _ = stack.planned(Schedule(first))
    chunks = planned.stream(Tensors(), None)
    start = next(chunks)
    assert [len(net.lengths) for net in nets] == [1] * len(nets)
    name = f"y{len(nets) - 1}"
    assert np.array_equal(joined([start, *chunks], name), expected[None])


def test_planning_gives_each_block_what_the_one_behind_it_needs(convolution):
    decoder, _ = convolution(np.ones(6), 2, "windowed", name="decoder")
    vocoder, _ = convolution(np.ones(4), 1, "stepped", ratio=200, name="vocoder")
    stack = StreamableStack((Source(5000), Net(decoder), Net(vocoder)))
    planned, _ = stack.planned(Schedule((8, 16)))
    schedules = [list(block.schedule.sizes) for block in planned.stack]
    assert schedules == [[8 + 2 + 3, 16], [8 + 2, 16], [8, 16]]


def test_a_schedule_in_the_configuration_stands(convolution):
    vocoder, _ = convolution(np.ones(4), 1, "windowed")
    stack = StreamableStack((Source(5000), Net(vocoder, Schedule((5, 7)))))
    planned, _ = stack.planned(Schedule((8, 16)))
    assert planned.stack[1].schedule.sizes == (5, 7)
    assert planned.stack[0].schedule.sizes == (7, 7)


def test_planning_leaves_the_blocks_that_were_built_as_they_were(convolution):
    net, _ = convolution(np.ones(4), 1, "windowed")
    stack = StreamableStack((Source(50), Net(net)))
    stack.planned(Schedule((3,)))
    assert not stack.stack[1].schedule


# What is kept -----------------------------------------------------------------------------------


@frozen
class Declares(StreamableBlock):
    """Passes chunks on; declares what it reads."""

    reads: tuple[str, ...] = ()
    seen: list = field(factory=list, eq=False)

    @property
    def consumes(self):
        return self.reads

    def stream(self, sequence, upstream):
        for chunk in upstream:
            self.seen.append(set(chunk.tensors))
            yield chunk


@frozen
class Undeclared(StreamableBlock):
    seen: list = field(factory=list, eq=False)

    def stream(self, sequence, upstream):
        for chunk in upstream:
            self.seen.append(set(chunk.tensors))
            yield chunk


@frozen
class Runs(Net):
    @property
    def consumes(self):
        return self.network.network.consumes

    @property
    def produces(self):
        return self.network.network.produces


def kept_before(look, convolution, chunked):
    """Let x and f0 flow through a decoder, ``look`` and a vocoder; give what ``look`` saw."""
    decoder, _ = convolution(np.ones(3), 1, "windowed", name="decoder", y="mel")
    vocoder, _ = convolution(np.ones(3), 1, "windowed", ratio=4, name="vocoder", x="mel")
    planned, _ = StreamableStack((Runs(decoder), look, Runs(vocoder))).planned(Schedule((4,)))
    source = chunked([5], x=signal(12)[None], f0=signal(12)[None])
    assert joined(planned.stream(Tensors(), source)).shape == (1, 48)
    return look.seen[0]


def test_a_tensor_that_a_block_downstream_declares_reaches_it(convolution, chunked):
    assert kept_before(Declares(("f0",)), convolution, chunked) >= {"mel", "f0"}


def test_all_tensors_reach_a_block_that_declares_nothing(convolution, chunked):
    assert kept_before(Undeclared(), convolution, chunked) == {"mel", "x", "f0"}


def test_the_last_chunks_of_a_stack_keep_all_that_a_reader_may_want(convolution, chunked):
    decoder, _ = convolution(np.ones(3), 1, "windowed", y="mel")
    planned, _ = StreamableStack((Runs(decoder),)).planned(Schedule((4,)))
    source = chunked([5], x=signal(12)[None], f0=signal(12)[None])
    assert all({"mel", "x", "f0"} == set(c.tensors) for c in planned.stream(Tensors(), source))
