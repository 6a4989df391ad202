"""Fixed shapes: the host pads, steps and cuts back for an executor that has only those."""

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from attrs import field, frozen
from hypothesis import given
from hypothesis import strategies as st
from voxstack import (
    Chunk,
    Executor,
    Network,
    Program,
    Schedule,
    Tensors,
    TensorSpec,
    VoxstackError,
    run_network,
)
from voxstack.networks import Context
from voxstack.programs import HostedProgram, ProgramCache
from voxstack.shapes import BUCKETS, STEP

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

    def __init__(self, network, seen):
        self.network, self.seen = network, seen
        seen[tuple(sorted(network.dimensions.items()))] += 1

    def __call__(self, inputs):
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
    seen: Counter = field(factory=Counter)

    def load(self, network):
        return Fixed(network, self.seen)


def expected(x):
    padded = np.pad(x, 1)
    return np.repeat(padded[:-2] + padded[1:-1] + padded[2:], 2)


def run(declared, x, sizes, schedule, executor=None):
    program = HostedProgram(declared, executor or Static(), ProgramCache())
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


def test_one_shape_is_compiled_for_each_bucket():
    executor = Static()
    program = HostedProgram(WINDOWED, executor, ProgramCache())
    for length in (3, 9, 16, 17, 30, 16):
        assert program({"x": np.ones((1, length), np.float32)})["y"].shape == (1, 2 * length)
    assert executor.seen == {
        (("batch", 1), ("frames", 16)): 1,
        (("batch", 1), ("frames", 32)): 1,
    }


def test_a_network_with_state_has_one_shape_for_all_its_steps():
    executor = Static()
    run(STATEFUL, np.ones(100, np.float32), [], [7, 50], executor)
    assert executor.seen == {(("batch", 1), ("frames", STEP)): 1}


def test_more_than_the_largest_shape_is_refused():
    program = HostedProgram(WINDOWED, Static(), ProgramCache())
    with pytest.raises(VoxstackError, match=f"more than the largest fixed shape .{BUCKETS[-1]}."):
        program({"x": np.ones((1, BUCKETS[-1] + 1), np.float32)})


def test_a_network_without_a_mask_cannot_be_padded():
    bare = Network(
        "net", "decoder", {"x": TensorSpec(F32, ("batch", "frames"))},
        {"y": TensorSpec(F32, ("batch", "frames"))}, {"numpy": "n"}, digest=lambda _: "d",
    )  # fmt: skip
    with pytest.raises(VoxstackError, match="has no 'mask' input"):
        HostedProgram(bare, Static(), ProgramCache())({"x": np.ones((1, 3), np.float32)})
