"""What Batching decides by: a table that is measured at load, here of devices that are made up."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from voxstack import Network, Program, Tensors, TensorSpec
from voxstack_standard.batching import gains as batching_gains
from voxstack_standard.batching.gains import SIZES, Choice, Gains, _choice, _Trials, measured
from voxstack_standard.batching.layout import Layout

SPEC = TensorSpec("float32", ("batch", "frames"))
NETWORK = Network("tiny", "decoder", {"x": SPEC, "mask": SPEC}, {"y": SPEC}, {"onnx": "x"})
STATE = TensorSpec("float32", ("batch", 1))
STATEFUL = Network(
    "tiny",
    "decoder",
    {"x": SPEC, "text_mask": TensorSpec("float32", ("batch", "text")), "s": STATE},
    {"y": SPEC, "next_s": STATE},
    {"onnx": "x"},
    state={"s": "next_s"},
)


class Recorder(Program):
    def __init__(self, network):
        self.network, self.calls = network, []

    def __call__(self, inputs):
        self.calls.append(dict(inputs))
        if len(inputs["x"]) > 4:
            raise MemoryError("too much at once")
        state = {"next_s": inputs["s"] + 1} if "s" in inputs else {}
        return Tensors({"y": inputs["x"] + 1, **state})


class Rates:
    """Trials of a device that is ``speedups[batch]`` times as fast, and has so many lanes."""

    def __init__(self, speedups, lanes=1, budget=1000):
        self.speedups, self.lanes, self.left, self.asked = speedups, lanes, budget, []

    def rate(self, size, batch, lanes):
        self.asked.append((batch, lanes))
        self.left -= 1
        return self.speedups.get(batch, 0.0) * min(lanes, self.lanes) if self.left >= 0 else 0.0


def choice(speedups, lanes=1, threads=(1,), **options):
    return _choice(Rates({1: 1.0, **speedups}, lanes, **options), 32, threads, 16)


def test_the_batch_that_gains_most_is_chosen():
    assert choice({2: 1.5, 4: 3.0, 8: 2.0, 16: 1.8}) == Choice(4, 1)


def test_of_batches_that_gain_about_as_much_the_smallest_is_chosen():
    assert choice({2: 1.5, 4: 2.0, 8: 2.04, 16: 2.05}) == Choice(4, 1)


def test_a_gain_within_the_noise_is_none():
    assert choice({2: 1.05, 4: 1.09, 8: 1.09, 16: 1.09}) == Choice()


def test_as_many_batches_side_by_side_as_bring_something():
    assert choice({2: 1.5, 4: 1.5}, lanes=2, threads=(1, 2)) == Choice(2, 2)
    assert choice({2: 1.5, 4: 1.5}, lanes=1, threads=(1, 2)) == Choice(2, 1)


def test_a_batch_on_one_lane_must_beat_single_calls_on_all():
    assert choice({2: 1.0, 4: 1.0}, lanes=2, threads=(1, 2)) == Choice()


def test_larger_batches_are_not_tried_where_two_together_do_not_gain():
    rates = Rates({1: 1.0, 2: 1.05, 4: 9.0})
    assert _choice(rates, 32, (1,), 16) == Choice() and (4, 1) not in rates.asked


def test_what_there_is_no_time_to_confirm_is_not_done():
    assert choice({2: 2.0, 4: 2.0}, budget=6) == Choice()
    assert choice({}, budget=0) == Choice()


def test_a_device_that_cannot_run_the_network_on_zeros_is_left_alone():
    assert not measured(Recorder(STATEFUL.fixed({"frames": 3})), Layout(NETWORK), 8).any


@pytest.mark.parametrize("network", [NETWORK, STATEFUL])
def test_networks_are_run_on_zeros_masks_of_ones_and_their_first_states(network):
    program = Recorder(network)
    with ThreadPoolExecutor(1) as pool:
        trials = _Trials(program, Layout(network), pool)
        assert trials.rate(8, 2, 1) > 0
        assert trials.rate(8, 8, 1) == 0.0  # too much for the device
    call = program.calls[0]
    assert call["x"].shape == (2, 8) and not call["x"].any()
    for name in call:
        if name.endswith("mask"):
            assert call[name].all()
    if "s" in call:
        assert np.array_equal(call["s"], np.zeros((2, 1)))


def test_no_trials_once_the_time_is_spent(monkeypatch):
    monkeypatch.setattr(batching_gains, "BUDGET_S", 0.0)
    assert not measured(Recorder(NETWORK), Layout(NETWORK), 8).any


def test_sizes_are_rounded_up():
    gains = Gains((Choice(8), Choice(4), Choice(2)))
    batches = [gains.of(size).batch for size in (1, 8, 9, 32, 33, 128, 5000)]
    assert batches == [8, 8, 4, 4, 2, 2, 2] and len(SIZES) == 3
    assert gains.any and not Gains().any
