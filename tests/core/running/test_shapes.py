"""Fixed shapes: the host pads, steps and cuts back for an executor that has only those."""

from collections import Counter
from contextvars import copy_context
from itertools import pairwise

import attrs
import numpy as np
import pytest
from attrs import field, frozen
from hypothesis import given
from hypothesis import strategies as st
from voxstack import (
    Buckets,
    Chunk,
    Executor,
    Network,
    NetworkError,
    Program,
    Schedule,
    Tensors,
    TensorSpec,
    VoxstackError,
    run_network,
)
from voxstack.executors import Placed
from voxstack.networks import Context
from voxstack.running import HostedProgram, ProgramCache
from voxstack.running.fixed.buckets import STEP, UNKNOWN
from voxstack.utterance import Utterance, set_current

F32 = "float32"


def network(**options):
    """A network over frames: a moving sum of three, masked, at twice the rate."""
    frames = ("batch", "frames")
    inputs = {name: TensorSpec(F32, frames) for name in ("x", "mask")}
    return Network(
        "net",
        "decoder",
        inputs | options.pop("more", {}),
        {"y": TensorSpec(F32, ("batch", "samples"))} | options.pop("made", {}),
        {"numpy": "net.bin"},
        frame_ratio=2,
        digest=lambda _: "digest",
        **options,
    )


WINDOWED = network(context=Context(1, 1))
STATEFUL = network(
    state={"kept": "next_kept"},
    delay=1,
    more={"kept": TensorSpec(F32, ("batch", 2))},
    made={"next_kept": TensorSpec(F32, ("batch", 2))},
)


class Fixed(Program):
    """Refuses any shape but the one that it was loaded with."""

    def __init__(self, network, seen, ran):
        self.network, self.seen, self.ran = network, seen, ran
        seen[tuple(sorted(network.dimensions.items()))] += 1

    def __call__(self, inputs):
        self.ran.append((inputs["x"].shape, self))
        for name, value in inputs.items():
            assert value.shape == self.network.inputs[name].shape, name
        x = inputs["x"] * inputs["mask"]
        if not self.network.state:
            padded = np.pad(x, [(0, 0), (1, 1)])
            total = padded[:, :-2] + padded[:, 1:-1] + padded[:, 2:]
            return Tensors({"y": np.repeat(total * inputs["mask"], 2, axis=-1)})
        row = np.concatenate([inputs["kept"], x], axis=-1)
        total = row[:, :-2] + row[:, 1:-1] + row[:, 2:]
        return Tensors({"y": np.repeat(total, 2, axis=-1), "next_kept": row[:, -2:]})


@frozen(eq=False)
class Static(Executor):
    formats = ("numpy",)
    static = True
    buckets: Buckets = Buckets()
    seen: Counter = field(factory=Counter)
    ran: list = field(factory=list)  # (shape, program) of every call

    def load(self, network):
        return Fixed(network, self.seen, self.ran)


def expected(x):
    padded = np.pad(x, 1)
    return np.repeat(padded[:-2] + padded[1:-1] + padded[2:], 2)


def hosted(network, executor):
    return HostedProgram(network, Placed((executor,)), ProgramCache())


def run(declared, x, sizes, schedule, executor=None):
    program = hosted(declared, executor or Static())
    ends = np.cumsum(sizes) % (len(x) + 1)
    cuts = [0, *sorted(set(ends.tolist()) - {0, len(x)}), len(x)]
    upstream = (Chunk({"x": x[None, a:b]}, a, last=b == len(x)) for a, b in pairwise(cuts))
    chunks = run_network(program, Tensors(), upstream, Schedule(tuple(schedule)))
    return np.concatenate([chunk["y"][0] for chunk in chunks])


@pytest.mark.parametrize("declared", [WINDOWED, STATEFUL], ids=["windows", "state"])
@given(
    length=st.integers(1, 150),
    sizes=st.lists(st.integers(1, 40), max_size=5),
    schedule=st.lists(st.integers(1, 90), min_size=1, max_size=4),
)
def test_any_chunks_in_fixed_shapes_give_the_frames_of_one_whole_call(
    declared, length, sizes, schedule
):
    x = np.random.RandomState(length).standard_normal(length).astype(np.float32)
    assert np.allclose(run(declared, x, sizes, schedule), expected(x), atol=1e-6)


def test_every_bucket_is_compiled_once_and_before_the_first_call():
    executor = Static(buckets=Buckets({"frames": [16, 40]}))
    program = hosted(WINDOWED, executor)
    program.load()
    compiled = dict(executor.seen)
    assert compiled == {(("batch", 1), ("frames", size)): 1 for size in (16, 40)}
    for length in (3, 9, 16, 17, 40, 16):
        assert program({"x": np.ones((1, length), np.float32)})["y"].shape == (1, 2 * length)
    assert executor.seen == compiled


def test_every_bucket_is_run_once_when_it_is_loaded():
    executor = Static(buckets=Buckets({"frames": [16, 40]}))
    hosted(WINDOWED, executor).load()
    hosted(STATEFUL, executor).load()
    assert [shape for shape, _ in executor.ran] == [(1, 16), (1, 40), (1, 16)]


def test_windows_longer_than_the_largest_bucket_are_run_in_parts():
    x = np.arange(100, dtype=np.float32)
    executor = Static(buckets=Buckets({"frames": [12]}))
    assert np.array_equal(run(WINDOWED, x, [], [100], executor), expected(x))


def test_a_network_with_state_has_one_shape_for_all_its_steps():
    executor = Static()
    run(STATEFUL, np.ones(100, np.float32), [], [7, 50], executor)
    assert executor.seen == {(("batch", 1), ("frames", STEP)): 1}


def test_a_network_with_state_is_stepped_by_the_smallest_size_given():
    executor = Static(buckets=Buckets({"net.frames": [40, 10], "frames": [3]}))
    run(STATEFUL, np.ones(100, np.float32), [], [7, 50], executor)
    assert executor.seen == {(("batch", 1), ("frames", 10)): 1}


def test_more_than_the_largest_shape_is_refused_with_what_to_give():
    whole = attrs.evolve(WINDOWED, context=None)
    program = hosted(whole, Static())
    message = rf"largest fixed shape \({UNKNOWN[-1]}\); give the executor a larger one"
    with pytest.raises(NetworkError, match=message):
        program({"x": np.ones((1, UNKNOWN[-1] + 1), np.float32)})


def test_what_padding_costs_is_counted():
    program = hosted(WINDOWED, Static(buckets=Buckets({"frames": [40]})))
    utterance = Utterance("voice")
    context = copy_context()
    context.run(set_current, utterance)
    context.run(program, {"x": np.ones((1, 30), np.float32)})
    timing = utterance.timings["net"]
    assert (timing.used, timing.computed) == (30, 40)


def test_a_network_without_a_mask_cannot_be_padded():
    bare = Network(
        "net", "decoder", {"x": TensorSpec(F32, ("batch", "frames"))},
        {"y": TensorSpec(F32, ("batch", "frames"))}, {"numpy": "n"}, digest=lambda _: "d",
    )  # fmt: skip
    with pytest.raises(VoxstackError, match="has no 'mask' input"):
        hosted(bare, Static())({"x": np.ones((1, 3), np.float32)})


class Wrong(Program):
    """Spoils what another program gives."""

    def __init__(self, inner, spoil):
        self.network, self.inner, self.spoil = inner.network, inner, spoil

    def __call__(self, inputs):
        return self.spoil(self.inner(inputs))


@pytest.mark.parametrize("declared", [WINDOWED, STATEFUL], ids=["windows", "state"])
@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (
            lambda made: {**made, "y": made["y"][..., :-1]},
            r"returned 'y' as \[1, \d+\], expected \[1,",
        ),
        (lambda made: {**made, "y": made["y"][0]}, r"returned 'y' as \[\d+\], expected \[1,"),
        (
            lambda made: {"bogus": 1, **{k: v for k, v in made.items() if k != "y"}},
            "returned no 'y'",
        ),
    ],
    ids=["short", "flat", "name"],
)
def test_an_output_of_a_wrong_shape_is_refused_when_it_is_loaded(declared, spoil, message):
    """Cut back to what was asked for, it would look right."""

    @frozen(eq=False)
    class Spoiling(Static):
        def load(self, network):
            return Wrong(super().load(network), spoil)

    with pytest.raises(NetworkError, match=message) as caught:
        hosted(declared, Spoiling()).load()
    assert "'net'" in str(caught.value) and "Spoiling" in str(caught.value)


def test_a_fixed_network_declares_the_sizes_of_its_outputs_too():
    fixed = WINDOWED.fixed({"batch": 1, "frames": 16})
    assert fixed.outputs["y"].shape == (1, 32)


def test_buckets_that_hold_nothing_but_context_are_refused_with_what_is_needed():
    executor = Static(buckets=Buckets({"frames": [2]}))
    with pytest.raises(NetworkError, match=r'"buckets": \{"net.frames": \[3 or more\]\}'):
        hosted(WINDOWED, executor).load()
