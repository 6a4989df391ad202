"""The suite of executors can fail: for each check an executor that fails it and no other.

They spoil what ONNX Runtime does.
"""

import inspect
import itertools
import time
from typing import Any

import numpy as np
import pytest
from attrs import evolve, field, frozen
from voxstack import Buckets, Executor, Program, Session, Tensors, TensorSpec
from voxstack_kit.testing import ExecutorSuite, Requirements
from voxstack_kit.testing.toys import Toy, shipped

runtime = pytest.importorskip("voxstack_onnxruntime")


class Passing(Program):
    """A program that another one does the work of; the base of those that spoil it."""

    def __init__(self, inner):
        self.network, self.inner = inner.network, inner

    def __call__(self, inputs):
        return self.made(inputs)

    def made(self, inputs):
        return self.inner(inputs)


class Wrong(Passing):
    def __call__(self, inputs):
        made = self.made(inputs)
        return Tensors({n: v + (v.dtype == np.int64) for n, v in made.items()})


class OtherType(Passing):
    def __call__(self, inputs):
        return Tensors({n: _narrowed(v) for n, v in self.made(inputs).items()})


def _narrowed(value):
    return value.astype(np.int32) if value.dtype == np.int64 else value


class OneBuffer(Passing):
    """Gives the same arrays at every call of a shape."""

    def __init__(self, inner):
        super().__init__(inner)
        self.buffers = {}

    def __call__(self, inputs):
        made = {}
        for name, value in self.made(inputs).items():
            if name in self.network.state.values():
                made[name] = value
                continue
            made[name] = self.buffers.setdefault((name, value.shape), value)
            made[name][...] = value
        return Tensors(made)


class KeepsInputs(Passing):
    def __call__(self, inputs):
        self.kept = dict(inputs)
        return self.made(inputs)


CALLS = itertools.count()


class Drifts(Passing):
    """Gives a little more at each call."""

    def __call__(self, inputs):
        more = np.float32(1e-6 * (next(CALLS) % 10))
        made = self.made(inputs)
        return Tensors({n: v + more if v.dtype == np.float32 else v for n, v in made.items()})


class Shares(Passing):
    """Keeps what it works on where other threads find it."""

    def __call__(self, inputs):
        self.now = inputs
        time.sleep(0.002)
        made, self.now = self.made(self.now), {}
        return made


class Short(Passing):
    """Has room for so many frames, and says nothing."""

    def __call__(self, inputs):
        made = self.made(inputs)
        return Tensors(
            {n: v * (np.arange(v.shape[-1]) < 24).astype(v.dtype) for n, v in made.items()}
        )


class Contiguous(Passing):
    def __call__(self, inputs):
        whole = all(value.flags.writeable for value in inputs.values() if value.ndim > 1)
        if not whole and not self.network.state:
            raise ValueError("buffer is read-only")
        return self.made(inputs)


class AnyShape(Passing):
    """Cuts what is too wide, and says nothing."""

    def __call__(self, inputs):
        cut = {n: _cut(v, self.network.inputs[n].shape) for n, v in inputs.items()}
        return self.made(cut)


def _cut(value, shape):
    return value[tuple(slice(d if isinstance(d, int) else None) for d in shape)]


class OneState(Passing):
    """Keeps the state of all sessions in one place."""

    def session(self, constants):
        self.shared = dict(self.network.initial_state)
        return SharedState(self, constants)


class SharedState(Session):
    def step(self, inputs):
        if "mask" in inputs:
            return super().step(inputs)
        self.state = self.program.shared
        made = super().step(inputs)
        self.program.shared = self.state
        return made


class Reversed(Passing):
    def unstack(self, state, count):
        return super().unstack(state, count)[::-1]


class BackToFront(Session):
    """A session whose state cannot be put back."""

    def __init__(self, program, constants):
        self.inner = program.inner.session(constants)

    @property
    def state(self):
        return self.inner.state

    @state.setter
    def state(self, state):
        pass

    def step(self, inputs):
        return self.inner.step(inputs)


class NoReturn(Passing):
    def session(self, constants):
        return BackToFront(self, constants)


@frozen
class Spoiled(Executor):
    """ONNX Runtime with a fault."""

    formats = ("onnx",)

    fault: Any = None  # a class of programs

    def load(self, network):
        loaded = runtime.OnnxRuntime().load(network)
        return self.fault(loaded) if self.fault else loaded


SAYS, SHARE = "it says what it takes", "equal executors share programs"
ANY = "any sizes of chunks give the same output"
REFERENCE = "outputs are those of the reference"
STEPS = "sessions step as the reference does"
BACK = "a session goes on from a state that is put back"
STACKED = "states are stacked and taken apart"
SAME = "the same inputs give the same outputs"
THREADS, STAY = "many threads get what one gets", "outputs stay what they are"
LET_GO = "inputs may be read only and are let go"
SHAPE = "a wrong shape is an error for that call alone"
FORMAT = "a network in no format of its own is refused"
DAMAGED = "a damaged network is an error and not the end"
CLOSED = "closing frees the program"
QUICK = "not importing and not round and not wrong_option and not configuration and not damaged"


FAULTS = [
    (Wrong, {REFERENCE}),
    (OtherType, {REFERENCE, SAME, THREADS, STAY, LET_GO}),  # the host refuses it each time
    (Short, {ANY}),
    (OneBuffer, {STAY, ANY, STEPS}),
    (KeepsInputs, {LET_GO}),
    (Contiguous, {LET_GO}),
    (AnyShape, {SHAPE}),
    (OneState, {STEPS, THREADS, BACK, STACKED}),
    (Reversed, {STACKED}),
    (NoReturn, {BACK, STACKED}),
    (Drifts, {SAME}),
    (Shares, {THREADS}),
]


def suite(executor, **attributes):
    @pytest.fixture
    def given(self):
        return executor

    return type("TestIt", (ExecutorSuite,), {"executor": given, **attributes})


def test_an_executor_that_does_all_of_it_passes(failures):
    assert failures(suite(Spoiled()), QUICK) == {}


@pytest.mark.parametrize(
    ("fault", "expected"), FAULTS, ids=lambda one: getattr(one, "__name__", "")
)
def test_an_executor_fails_the_checks_that_it_does_not_hold_to(failures, fault, expected):
    # Threads may or may not meet in what these two share: Shares is there for that.
    by_chance = {THREADS} if fault in (OneState, OneBuffer) else set()
    found = set(failures(suite(Spoiled(fault)), QUICK))
    assert found - by_chance == expected - by_chance


@frozen(eq=False)
class Unequal(Executor):
    """Never equal."""

    def load(self, network):
        raise NotImplementedError


@frozen
class Unhashable(Spoiled):
    """Holds a list."""

    providers: list = field(factory=list)  # in order


@frozen
class OneString(Spoiled):
    """Says its format in a string."""

    formats = "onnx"


@frozen
class BadProbe(Spoiled):
    """Cannot be asked."""

    def available(self):
        raise OSError("no driver")


@frozen
class Greedy(Spoiled):
    """Says that it takes what it does not."""

    formats = ("onnx", "no-such-format")


PROGRAMS = []


@frozen
class Keeps(Spoiled):
    """Keeps what it loads."""

    def load(self, network):
        PROGRAMS.append(super().load(network))
        return PROGRAMS[-1]


LIES = [
    (Unequal, {SHARE}, "share"),
    (Unhashable, {SHARE}, "share"),
    (OneString, {SAYS}, "says_what_it_takes"),
    (BadProbe, {SAYS}, "says_what_it_takes"),
    (Greedy, {FORMAT}, "no_format"),
    (Keeps, {CLOSED}, "closing"),
]


@pytest.mark.parametrize(("cls", "expected", "only"), LIES)
def test_an_executor_that_is_not_what_it_says_is_told(failures, cls, expected, only):
    assert set(failures(suite(cls()), only)) == expected


def rounded(value):
    """Cut to the 8 bits of a bfloat16."""
    if value.dtype != np.float32:
        return value
    return (value.view(np.uint32) & np.uint32(0xFFFF0000)).view(np.float32)


class RoundsInputs(Passing):
    """Computes in bfloat16."""

    def __call__(self, inputs):
        return self.made({n: rounded(np.array(v)) for n, v in inputs.items()})


class HalfInputs(RoundsInputs):
    """Computes in float16, which has as many bits as TF32."""

    def __call__(self, inputs):
        half = {n: v.astype(np.float16).astype(v.dtype) for n, v in inputs.items()}
        return self.made(half)


class Off(Passing):
    """Gives 0.4 % more."""

    def __call__(self, inputs):
        made = self.made(inputs)
        return Tensors(
            {n: v * np.float32(1.004) if v.dtype == np.float32 else v for n, v in made.items()}
        )


@frozen
class RoundsWeights(Executor):
    """Keeps parameters in bfloat16."""

    formats = ("onnx",)

    def load(self, network):
        import onnx

        model = onnx.load_from_string(network.read("onnx"))
        for tensor in model.graph.initializer:
            kept = rounded(onnx.numpy_helper.to_array(tensor).copy())
            tensor.CopyFrom(onnx.numpy_helper.from_array(kept, tensor.name))
        data = model.SerializeToString()
        return runtime.OnnxRuntime().load(evolve(network, read=lambda _: data))


@pytest.mark.parametrize(
    "executor",
    [Spoiled(RoundsInputs), Spoiled(HalfInputs), RoundsWeights()],
    ids=["bfloat16", "float16", "weights"],
)
def test_an_executor_of_low_precision_is_told_that_it_is(failures, executor):
    if isinstance(executor, RoundsWeights):
        pytest.importorskip("onnx")
    found = failures(suite(executor), "reference or chunks")
    assert {REFERENCE, ANY, STEPS} == set(found)
    for message, step in found.values():
        assert "low precision, as of bfloat16" in message and "compute in float32" in step


def test_what_an_executor_raises_has_its_line_where_the_host_tells_the_rest(failures):
    @frozen
    class Raises(Spoiled):
        """Loads nothing."""

        def load(self, network):
            raise ValueError("no such chip")

    first = inspect.getsourcelines(Raises.load)[1]
    message, step = failures(suite(Raises()), "reference")[REFERENCE]
    assert "Raises cannot load the network 'testing:windows'" in message
    assert f"test_testing_executor.py, line {first + 1})" in message and "fix that line" in step


def test_a_wrong_scale_is_not_called_a_matter_of_precision(failures):
    message, step = failures(suite(Spoiled(Off)), "reference")[REFERENCE]
    assert "all numbers are 1.004 times what is expected" in message and "a factor" in step
    assert "low precision, as of" not in message


def test_a_wrong_number_is_not_called_a_matter_of_precision(failures):
    message, _ = failures(suite(Spoiled(Wrong)), "reference")[REFERENCE]
    assert "precision" not in message


DIES = """
import os
from attrs import frozen
from voxstack import Executor
from voxstack_onnxruntime import OnnxRuntime

@frozen
class Harsh(Executor):
    "Takes all or nothing."

    formats = ("onnx",)

    def load(self, network):
        data = network.read("onnx")
        if {condition}:
            {action}
        return OnnxRuntime().load(network)
"""


@pytest.mark.parametrize(
    ("condition", "action", "told"),
    [
        ("not data", "os.abort()", "was killed by SIGABRT"),
        ("not data", "os._exit(3)", "exit code 3"),
        ("len(data) < 100", "raise SystemExit(3)", "cannot load the network"),
        ("len(data) < 100", "return OnnxRuntime().load(self)", "cannot load the network"),
    ],
    ids=["abort", "exit", "sys.exit", "error"],
)
def test_what_damaged_bytes_do_is_seen_in_a_process_of_its_own(
    failures, site, condition, action, told
):
    name = f"acme_harsh_{abs(hash(action))}"
    source = DIES.format(condition=condition, action=action)
    (site.folder / f"{name}.py").write_text(source, "utf-8")
    found = failures(suite(__import__(name).Harsh()), "damaged")
    assert (found == {}) if told.startswith("cannot") else (told in found[DAMAGED][0])


@frozen
class AnyBytes(Executor):
    """Loads whatever it is given."""

    formats = ("onnx",)

    def load(self, network):
        return Passing(type("Loaded", (), {"network": network})())


def test_an_executor_that_loads_damaged_bytes_is_told(failures):
    message, _ = failures(suite(AnyBytes()), "damaged")[DAMAGED]
    assert "a network that is nothing at all is loaded as if it were whole" in message


FAILURES = [*FAULTS, *LIES, (AnyBytes, {DAMAGED})]


@frozen
class Foreign(Executor):
    """Takes a format that nobody ships."""

    formats = ("acme",)

    def load(self, network):
        raise NotImplementedError


def test_without_networks_in_its_format_it_is_said_what_to_give(outcomes):
    found = outcomes(suite(Foreign()), QUICK.removesuffix(" and not damaged"))
    passed = {check for check, (what, *_) in found.items() if what == "passed"}
    assert not passed & {FORMAT, DAMAGED, CLOSED, STAY, THREADS}, "nothing of it was looked at"
    what, message, _ = found[REFERENCE]
    assert what == "skipped" and "override the fixture 'networks'" in message


def test_a_check_that_has_no_network_of_its_kind_says_which_to_give(outcomes):
    toys = {"windows": shipped(runtime.OnnxRuntime())["windows"]}

    @pytest.fixture
    def networks(self):
        return toys

    what, message, _ = outcomes(suite(Spoiled(), networks=networks), "put_back")[BACK]
    assert what == "skipped"
    assert "a network with state; add one to the suite's fixture 'networks'" in message


def test_networks_of_ones_own_can_be_given(outcomes):
    toys = {"windows": shipped(runtime.OnnxRuntime())["windows"]}
    network = Toy(toys["windows"].network, lambda inputs: {"y": np.zeros((1, 2, 1), np.float32)})

    @pytest.fixture
    def networks(self):
        return {"windows": network}

    found = outcomes(suite(Spoiled(), networks=networks), "reference")
    assert found[REFERENCE][0] == "failed"


def test_an_executor_without_sessions_states_that(failures):
    stated = Requirements(sessions=False, batches=False, threads=False)
    assert failures(suite(Spoiled(OneState), requirements=stated), "session or states") == {}


@frozen
class Static(Executor):
    """ONNX Runtime in fixed shapes, which takes masks for part of the text."""

    formats = ("onnx",)
    static = True

    buckets: Buckets = Buckets()  # sizes of named dimensions
    masked: bool = True  # whether it reads the mask

    def load(self, network):
        program = runtime.OnnxRuntimeStatic(buckets=self.buckets).load(network)
        return program if self.masked else Unmasked(program)


class Unmasked(Passing):
    """Takes padding for frames."""

    def __call__(self, inputs):
        full = {n: np.ones_like(v) if "mask" in n else v for n, v in inputs.items()}
        return self.made(full)


def test_fixed_shapes_are_held_to_the_same_reference(failures):
    assert failures(suite(Static()), "reference or chunks") == {}
    found = failures(suite(Static(masked=False)), "reference or chunks")
    assert {REFERENCE, STEPS} <= set(found)


def test_a_toy_gives_inputs_of_every_kind():
    toy = shipped(runtime.OnnxRuntime())["symbols"]
    made = toy.inputs(6)
    assert {name: value.dtype.name for name, value in made.items()} == {
        "ids": "int64",
        "style": "int32",
        "speaker": "int64",
    }
    assert TensorSpec("int64", ("batch", "text")) == toy.network.inputs["ids"]
