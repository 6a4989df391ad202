"""Fixed shapes on PyTorch: the host pads and trims; a captured graph takes one shape."""

import numpy as np
import pytest
from voxstack import Buckets
from voxstack.executors import Placed
from voxstack.running import HostedProgram, ProgramCache
from voxstack_torch import Torch, TorchStatic


def ones(frames):
    return np.ones((1, frames), np.float32)


def test_padded_steps_give_the_frames_of_exact_ones(tiny):
    executor = TorchStatic(buckets=Buckets({"frames": [8]}))
    program = HostedProgram(tiny.late_network(), Placed((executor,)), ProgramCache())
    assert program.step == 8
    session, made = program.session({"gain": ones(1)}), []
    for at in (1, 9):
        x = np.arange(at, at + 8, dtype=np.float32)[None]
        made.append(session.step({"x": x, "mask": ones(8)})["y"])
    assert np.concatenate(made, -1).tolist() == [[0, 0, *range(1, 15)]]


def test_a_network_without_a_mask_is_refused(tiny):
    program = HostedProgram(tiny.network(), Placed((TorchStatic(),)), ProgramCache())
    with pytest.raises(Exception, match="no 'mask' input"):
        program.load()


@pytest.mark.skipif(Torch(device="cuda").available() is not None, reason="there is no GPU")
def test_a_captured_graph_gives_what_the_cpu_gives(tiny):
    fixed = tiny.late_network().fixed({"batch": 1, "frames": 8})
    inputs = {"gain": ones(1), "mask": ones(8), "state": np.zeros((1, 2), np.float32)}
    captured = TorchStatic(device="cuda").load(fixed)
    for value in (1, 2):
        out = captured({**inputs, "x": value * ones(8)})
        assert out["y"].tolist() == [[0, 0, *[value] * 6]]
