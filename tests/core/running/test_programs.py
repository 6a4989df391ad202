"""Programs as the host hands them out: loaded once, shared, checked."""

import threading

import numpy as np
import pytest
from attrs import field, frozen
from voxstack import Executor, Network, TensorSpec, VoxstackError
from voxstack.errors import MissingTensorError, NetworkError
from voxstack.executors import Placed
from voxstack.running import HostedProgram, ProgramCache, load_all
from voxstack.utterance import Utterance, set_current

INPUTS = {
    "x": TensorSpec("float32", ("batch", "frames")),
    "ids": TensorSpec("int64", ("batch",)),
    "mask": TensorSpec("float32", ("batch", "frames")),
}
OUTPUTS = {"y": TensorSpec("float32", ("batch", "frames"))}
X, IDS = np.ones((1, 4), np.float32), np.array([3])


def make_network(name="net", digest="d1", inputs=INPUTS, files=None, **facts):
    files = {"numpy": "x.txt"} if files is None else files
    return Network(name, "decoder", inputs, OUTPUTS, files, digest=lambda f: digest, **facts)


@pytest.fixture
def executor(program):
    """An executor that counts its loads, and whose programs give back their inputs."""

    @frozen
    class Counting(Executor):
        formats = ("numpy", "other")

        tag: str = ""
        loads: list = field(factory=list, eq=False)

        def load(self, network):
            self.loads.append(network.name)
            made = program(lambda **inputs: {"y": inputs["x"], "seen": dict(inputs)}, {}, {})
            made.network = network
            return made

    return Counting


def hosted(executor, cache=None, **facts):
    cache = ProgramCache() if cache is None else cache
    return HostedProgram(make_network(**facts), Placed((executor,)), cache)


# Loading ----------------------------------------------------------------------------------------


def test_a_network_is_loaded_when_it_is_first_called(executor):
    one = executor()
    program = hosted(one)
    assert (program.loaded, one.loads) == (False, [])
    program({"x": X, "ids": IDS})
    assert (program.loaded, one.loads) == (True, ["net"])


def test_a_network_is_loaded_once_by_many_threads(program):
    started, loads = threading.Barrier(8), []

    @frozen
    class Slow(Executor):
        formats = ("numpy",)

        def load(self, network):
            loads.append(1)
            threading.Event().wait(0.05)
            return program(lambda **inputs: {"y": 1}, {}, {})

    cache = ProgramCache()

    def use():
        mine = HostedProgram(make_network(), Placed((Slow(),)), cache)
        started.wait()
        mine({"x": X, "ids": IDS})

    threads = [threading.Thread(target=use) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert loads == [1]
    assert len(cache) == 1


def test_equal_executors_and_equal_files_share_a_program(executor):
    cache, a, b = ProgramCache(), executor("cpu"), executor("cpu")
    first = hosted(a, cache, name="vocoder").load()
    assert hosted(b, cache, name="vocoder").load() is first
    assert b.loads == []


def test_another_executor_or_another_file_is_another_program(executor):
    cache = ProgramCache()
    a, b = executor("cpu"), executor("gpu")
    programs = [
        hosted(a, cache).load(),
        hosted(b, cache).load(),
        hosted(a, cache, digest="d2").load(),
    ]
    assert len({id(p) for p in programs}) == len(cache) == 3


def test_two_networks_that_share_a_file_but_not_their_declaration_do_not_mix_up(executor):
    """A voice may declare the same file with other states or outputs."""
    cache, one = ProgramCache(), executor()
    twin = {**INPUTS, "extra": TensorSpec("float32", ("batch",))}
    hosted(one, cache).load()
    second = hosted(one, cache, inputs=twin)
    out = second({"x": X, "ids": IDS, "extra": np.ones(1, np.float32)})
    assert set(out["seen"]) == {"x", "ids", "extra", "mask"}


def test_programs_are_loaded_side_by_side_and_an_error_is_raised(executor):
    cache, one = ProgramCache(), executor()
    programs = [hosted(one, cache, name=f"n{i}", digest=f"d{i}") for i in range(5)]
    load_all(programs)
    assert sorted(one.loads) == [f"n{i}" for i in range(5)]
    load_all([])
    with pytest.raises(NetworkError, match=r"takes numpy, other, and .* comes as onnx"):
        load_all([hosted(one, files={"onnx": "x"}), hosted(one, files={"onnx": "x"})])


def test_of_several_programs_that_do_not_load_the_first_of_the_stack_is_reported(executor):
    bad = [hosted(executor(), name=f"n{i}", files={"onnx": "x"}) for i in range(4)]
    with pytest.raises(NetworkError, match="the network 'n0' comes as onnx"):
        load_all([hosted(executor()), *bad])


def test_the_preferred_format_of_the_executor_is_taken(executor):
    cache = ProgramCache()
    network = make_network(files={"other": "o", "numpy": "n"})
    asked = []
    object.__setattr__(network, "digest", lambda f: asked.append(f) or f)
    HostedProgram(network, Placed((executor(),)), cache).load()
    assert asked == ["numpy"]


@pytest.mark.parametrize("error", [ValueError("bad bytes"), SystemExit("bad bytes")])
def test_an_executor_that_fails_is_named_with_the_network(executor, error):
    @frozen
    class Bad(Executor):
        formats = ("numpy",)

        def load(self, network):
            raise error

    with pytest.raises(NetworkError) as caught:
        hosted(Bad(), addon="tiny").load()
    assert str(caught.value) == (
        "Bad cannot load the network 'tiny:net' (x.txt, declared in its manifest): "
        f"{type(error).__name__}: bad bytes"
    )


def test_a_load_that_failed_is_tried_again(program):
    answers = [ValueError("first"), program(lambda **inputs: {"y": 1}, {}, {})]

    @frozen
    class Flaky(Executor):
        formats = ("numpy",)

        def load(self, network):
            answer = answers.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer

    mine = hosted(Flaky())
    with pytest.raises(NetworkError):
        mine.load()
    assert mine.load()


def test_closing_frees_every_program_and_no_network_is_loaded_from_then_on(executor):
    cache, one = ProgramCache(), executor()
    inner = hosted(one, cache).load()
    cache.close()
    assert inner.closed
    assert len(cache) == 0
    with pytest.raises(VoxstackError, match="the host is closed"):
        hosted(one, cache).load()


def test_a_program_of_a_closed_host_says_so_even_if_it_was_loaded(executor):
    cache, one = ProgramCache(), executor()
    program = hosted(one, cache)
    program({"x": X, "ids": IDS})
    cache.close()
    with pytest.raises(VoxstackError, match="the host is closed"):
        program({"x": X, "ids": IDS})


# Checking ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"x": X}, "no tensor 'ids' in the inputs of the network 'net', which has: 'x'"),
        ({"x": X, "ids": np.array([1.5])}, "takes 'ids' as int64, not float64"),
        ({"x": X[0], "ids": IDS}, r"takes 'x' as \['batch', 'frames'\], not \[4\]"),
        ({"x": X[None], "ids": IDS}, r"not \[1, 1, 4\]"),
        ({"x": np.array([["a"]]), "ids": IDS}, "takes 'x' as float32, not <U1"),
        ({"x": X.astype(complex), "ids": IDS}, "takes 'x' as float32, not complex128"),
    ],
)
def test_inputs_that_do_not_fit_are_refused_by_name(executor, inputs, message):
    with pytest.raises((NetworkError, MissingTensorError), match=message):
        hosted(executor())(inputs)


@pytest.mark.parametrize("made", [X[:, :-1], X.astype(np.float16)], ids=["shorter", "half"])
def test_an_output_of_another_length_or_dtype_than_is_declared_is_refused(program, made):
    @frozen
    class Off(Executor):
        formats = ("numpy",)

        def load(self, network):
            return program(lambda **inputs: {"y": made}, {}, {})

    with pytest.raises(NetworkError, match=r"on Off returned 'y' as .*, expected"):
        hosted(Off())({"x": X, "ids": IDS})


def test_an_input_of_another_size_than_is_declared_is_refused_by_name(executor):
    inputs = INPUTS | {"x": TensorSpec("float32", ("batch", 80, "frames"))}
    program, ids = hosted(executor(), inputs=inputs), {"ids": IDS}
    mel = np.ones((1, 80, 4), np.float32)
    for value in (mel[:, :64], mel[:, :64].tolist()):
        with pytest.raises(NetworkError, match=r"'x' as \['batch', 80, 'frames'\], not \[1, 64, 4"):
            program({"x": value, **ids})


def test_inputs_of_the_same_kind_are_cast(executor):
    seen = hosted(executor())({"x": X.astype(np.float64), "ids": np.array([3], np.int32)})["seen"]
    assert seen["x"].dtype == np.float32
    assert seen["ids"].dtype == np.int64


def test_lists_and_numbers_become_arrays(executor):
    seen = hosted(executor())({"x": [[1.0, 2.0]], "ids": [3]})["seen"]
    assert seen["x"].tolist() == [[1.0, 2.0]]


def test_an_array_that_fits_is_not_copied(executor):
    assert hosted(executor())({"x": X, "ids": IDS})["seen"]["x"] is X


def test_a_handle_of_the_executor_that_fits_is_passed_on_as_it_is(executor):
    class Handle:
        dtype, shape = np.dtype("float32"), (1, 4)

        def __array__(self, dtype=None, copy=None):
            raise AssertionError("looked at")

    inputs = {"x": TensorSpec("float32", ("batch", "frames"))}
    handle = Handle()
    assert hosted(executor(), inputs=inputs)({"x": handle})["seen"]["x"] is handle


def test_tensors_that_the_network_does_not_declare_do_not_reach_it(executor):
    seen = hosted(executor())({"x": X, "ids": IDS, "f0": X})["seen"]
    assert set(seen) == {"x", "ids", "mask"}


def test_the_mask_is_filled_in_with_ones_as_long_as_the_frames(executor):
    mask = hosted(executor())({"x": X, "ids": IDS})["seen"]["mask"]
    assert mask.tolist() == [[1.0] * 4]
    assert mask.dtype == np.float32


def test_a_mask_that_is_given_is_kept(executor):
    given = np.array([[1, 1, 0, 0]], np.float32)
    assert hosted(executor())({"x": X, "ids": IDS, "mask": given})["seen"]["mask"] is given


def test_a_mask_over_a_dimension_of_its_own_is_an_error(executor):
    inputs = {**INPUTS, "mask": TensorSpec("float32", ("batch", "time"))}
    with pytest.raises(NetworkError, match="has a mask over 'time' and no other input"):
        hosted(executor(), inputs=inputs)({"x": X, "ids": IDS})


def test_a_constant_that_the_network_does_not_know_is_refused(executor):
    with pytest.raises(NetworkError, match=r"'net' has no input 'idz' .did you mean 'ids'"):
        hosted(executor()).session({"idz": IDS})


def test_a_program_that_fails_is_named(executor, program):
    @frozen
    class Failing(Executor):
        formats = ("numpy",)

        def load(self, network):
            return program(lambda **inputs: 1 / 0, {}, {})

    with pytest.raises(
        NetworkError, match="the network 'net' failed on Failing: ZeroDivisionError"
    ):
        hosted(Failing())({"x": X, "ids": IDS})


def test_calls_are_counted_for_the_utterance_that_made_them(executor):
    from contextvars import copy_context

    program, utterance = hosted(executor()), Utterance("tiny")
    context = copy_context()
    context.run(set_current, utterance)
    for _ in range(3):
        context.run(program, {"x": X, "ids": IDS})
    program({"x": X, "ids": IDS})  # for nobody
    assert utterance.timings["net"].calls == 3
    assert utterance.timings["net"].seconds > 0


# Sessions ---------------------------------------------------------------------------------------


@pytest.fixture
def counter(program):
    """A network that sums what it is fed, on an executor."""
    one = ("batch", 1)
    facts = {
        "inputs": {
            "x": TensorSpec("float32", ("batch", "frames")),
            "scale": TensorSpec("float32", ("batch",)),
            "before": TensorSpec("float32", one),
        },
        "state": {"before": "after"},
    }

    def run(x, scale, before):
        total = before + np.cumsum(x, axis=-1)
        return {"y": total * scale, "after": total[:, -1:]}

    @frozen
    class Local(Executor):
        formats = ("numpy",)

        def load(self, network):
            made = program(run, {}, {})
            made.network = network
            return made

    return hosted(Local(), **facts)


def test_a_session_keeps_its_state_and_its_constants(counter):
    session = counter.session({"scale": np.array([10.0])})
    first = session.step({"x": X})
    assert first["y"].tolist() == [[10, 20, 30, 40]]
    assert "after" not in first
    assert session.step({"x": X})["y"].tolist() == [[50, 60, 70, 80]]
    assert session.state["before"].tolist() == [[8.0]]


def test_sessions_do_not_share_their_state(counter):
    a, b = (counter.session({"scale": np.array([1.0])}) for _ in range(2))
    a.step({"x": X})
    assert b.step({"x": X})["y"].tolist() == [[1, 2, 3, 4]]


def test_a_sessions_constants_are_cast_as_inputs_are(counter):
    session = counter.session({"scale": np.array([2.0], np.float64)})
    assert session.step({"x": X})["y"].dtype == np.float32


def test_a_step_without_its_frames_is_refused(counter):
    with pytest.raises(MissingTensorError, match="no tensor 'x' in the inputs of the network"):
        counter.session({"scale": np.array([1.0])}).step({})


def test_states_are_stacked_along_the_batch_and_taken_apart(counter):
    program = counter.load()
    states = [{"h": np.full((1, 2), float(i))} for i in range(3)]
    stacked = program.stack(states)
    assert stacked["h"].shape == (3, 2)
    apart = program.unstack(stacked, 3)
    assert all(np.array_equal(a["h"], s["h"]) for a, s in zip(apart, states, strict=True))


def test_a_file_is_loaded_again_for_another_declaration(executor):
    one, cache = executor(), ProgramCache()
    hosted(one, cache).load()
    hosted(one, cache, inputs={**INPUTS, "ids": TensorSpec("float64", ("batch",))}).load()
    assert len(one.loads) == 2


def test_a_whole_number_that_its_dtype_does_not_hold_is_refused(executor):
    small = {**INPUTS, "ids": TensorSpec("int8", ("batch",))}
    assert hosted(executor(), inputs=small)({"x": X, "ids": np.array([7])})["seen"]["ids"] == 7
    with pytest.raises(NetworkError, match="takes 'ids' as int8, which does not hold it"):
        hosted(executor(), inputs=small)({"x": X, "ids": np.array([300])})
