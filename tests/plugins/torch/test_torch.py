"""What is particular to PyTorch."""

import subprocess
import sys

import numpy as np
import pytest
from voxstack.errors import NetworkError
from voxstack_torch import Torch


def ones(frames, batch=1):
    return np.ones((batch, frames), np.float32)


@pytest.mark.parametrize("frames", [1, 7])
@pytest.mark.parametrize("batch", [1, 3])
def test_a_program_runs_on_any_length_and_batch(tiny, frames, batch):
    out = Torch().load(tiny.network())({"x": ones(frames, batch), "c": 3 * ones(frames, batch)})
    assert list(out) == ["y"] and type(out["y"]) is np.ndarray
    assert out["y"].tolist() == [[5.0] * frames] * batch


def test_inputs_and_outputs_go_by_the_order_of_the_manifest(tiny):
    program = Torch().load(tiny.network(inputs={"first": tiny.FRAMES, "second": tiny.FRAMES}))
    assert program({"second": ones(1), "first": 0 * ones(1)})["y"].tolist() == [[1.0]]


def test_what_a_caller_writes_into_an_output_changes_nothing_else(tiny):
    session = Torch().load(tiny.late_network()).session({"gain": ones(1)})
    fed = {"x": ones(4), "mask": ones(4)}
    session.step(fed)["given"][:] = 9  # the program hands its constant through
    assert session.step(fed)["y"].tolist() == [[1.0] * 4]


def test_states_are_stacked_and_taken_apart_as_tensors(tiny):
    import torch

    program = Torch().load(tiny.late_network())
    sessions = [program.session({"gain": ones(1)}) for _ in range(2)]
    for value, session in enumerate(sessions, 1):
        session.step({"x": value * ones(3), "mask": ones(3)})
    stacked = program.stack([session.state for session in sessions])
    assert isinstance(stacked["state"], torch.Tensor)
    assert np.asarray(stacked["state"]).tolist() == [[1, 1], [2, 2]]
    apart = program.unstack(stacked, 2)
    assert [np.asarray(state["state"]).tolist() for state in apart] == [[[1, 1]], [[2, 2]]]


def test_a_state_does_not_keep_the_memory_of_its_step(tiny):
    session = Torch().load(tiny.late_network()).session({"gain": ones(1)})
    session.step({"x": ones(5000), "mask": ones(5000)})
    assert session.state["state"].untyped_storage().nbytes() == 2 * 4


@pytest.mark.parametrize(
    "options", [{"threads": 0}, {"mode": "fast"}, {"device": "tpu"}, {"device": "cuda:x"}]
)
def test_options_that_make_no_sense_are_refused(options):
    with pytest.raises(ValueError, match=r"threads|mode|device"):
        Torch(**options)


def test_threads_are_those_of_the_process_and_none_leaves_them_alone(tiny):
    import torch

    before = torch.get_num_threads()
    try:
        Torch(threads=2).load(tiny.network())
        Torch(threads=None).load(tiny.network())
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_a_gpu_that_is_not_there_is_named(tiny):
    assert "torch finds no GPU 'cuda:99'" in Torch(device="cuda:99").available()
    with pytest.raises(NetworkError, match="cuda:99"):
        Torch(device="cuda:99").load(tiny.network())


def test_compiling_without_a_compiler_says_so(tiny, monkeypatch):
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setattr("voxstack_torch.shutil.which", lambda name: None)
    assert Torch().available() is None
    assert "needs a C++ compiler" in Torch(mode="compiled").available()
    with pytest.raises(NetworkError, match=r"needs a C\+\+ compiler"):
        Torch(mode="compiled").load(tiny.network())


def test_a_compiled_program_gives_the_same(tiny):
    if Torch(mode="compiled").available():
        pytest.skip("there is no C++ compiler")
    program = Torch(mode="compiled").load(tiny.network())
    for frames, batch in ((1, 1), (7, 1), (9, 3)):
        out = program({"x": ones(frames, batch), "c": 3 * ones(frames, batch)})
        assert out["y"].tolist() == [[5.0] * frames] * batch


def test_looking_for_the_cpu_does_not_import_the_runtime():
    code = (
        "import sys, voxstack_torch as p\n"
        "p.Torch().available(); p.Torch(mode='compiled').available()\n"
        "print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert done.stdout.strip() == "False"
