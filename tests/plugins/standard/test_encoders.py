"""CustomizedEncoders: all encoders at once."""

import threading

import numpy as np
import pytest
from voxstack import Network, Program, Tensors, TensorSpec
from voxstack_standard.encoders import CustomizedEncoders

KIND = TensorSpec("float32", ("batch", "text"))


class Encoder(Program):
    def __init__(self, name, reads, makes, work):
        inputs, outputs = dict.fromkeys(reads, KIND), {makes: KIND}
        self.network = Network(name, "encoder", inputs, outputs, {})
        self.work = work

    def __call__(self, inputs):
        (made,) = self.network.outputs
        return Tensors({made: self.work(inputs)})


def test_encoders_that_do_not_wait_for_each_other_run_at_the_same_time():
    meeting = threading.Barrier(2, timeout=10)  # passed only if both are there at once

    def meet(inputs):
        meeting.wait()
        return inputs["ids"]

    block = CustomizedEncoders(
        networks=(Encoder("a", ["ids"], "x", meet), Encoder("b", ["ids"], "y", meet))
    )
    assert set(block(Tensors({"ids": np.ones((1, 3))}))) == {"x", "y"}


def test_an_encoder_that_reads_what_another_makes_runs_after_it():
    late = Encoder("late", ["x", "y"], "z", lambda inputs: inputs["x"] + inputs["y"])
    first = Encoder("first", ["ids"], "x", lambda inputs: inputs["ids"] * 2)
    second = Encoder("second", ["ids"], "y", lambda inputs: inputs["ids"] * 3)
    made = CustomizedEncoders(networks=(late, first, second))(Tensors({"ids": np.ones((1, 3))}))
    assert made["z"].tolist() == [[5, 5, 5]]


def test_a_lone_encoder_runs_on_the_thread_that_asks():
    here = []
    alone = Encoder("a", ["ids"], "x", lambda inputs: here.append(threading.current_thread()))
    CustomizedEncoders(networks=(alone,))(Tensors({"ids": 1}))
    assert here == [threading.current_thread()]


def test_an_error_of_one_is_raised_when_all_have_ended():
    def fail(inputs):
        raise OSError("device lost")

    ended = []
    block = CustomizedEncoders(
        networks=(
            Encoder("a", ["ids"], "x", fail),
            Encoder("b", ["ids"], "y", lambda inputs: ended.append(1)),
        )
    )
    with pytest.raises(OSError, match="device lost"):
        block(Tensors({"ids": 1}))
    assert ended == [1]
