"""Batching: calls of concurrent streams run as one, and each stream gets what it would alone."""

import threading
import time
from contextlib import contextmanager
from contextvars import Context

import numpy as np
import pytest
from attrs import field, frozen
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from voxstack import Buckets, Executor, Host, Network, Program, Session, Tensors, TensorSpec
from voxstack.utterance import Stopped, Utterance, current_utterance, set_current
from voxstack_standard.batching import Batching
from voxstack_standard.batching import executor as batching
from voxstack_standard.batching.gains import SIZES, Choice, Gains
from voxstack_standard.batching.layout import Layout

quick = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
TIMEOUT_S = 10


def spec(*shape, dtype="float32"):
    return TensorSpec(dtype, ("batch", *shape))


def network(inputs, outputs, **options):
    return Network("tiny", "decoder", inputs, outputs, {"onnx": "x"}, addon="a", **options)


WINDOWED = network(
    {"x": spec(2, "frames"), "speaker": spec(dtype="int64"), "mask": spec("frames")},
    {"mel": spec(2, "frames"), "audio": spec("samples")},
    frame_ratio=3,
)
STATEFUL = network(
    {"x": spec("frames"), "encodings": spec(1, "text"), "text_mask": spec("text"), "s": spec(1)},
    {"y": spec("frames"), "next_s": spec(1)},
    state={"s": "next_s"},
)


class Tiny(Program):
    """Counts its calls; while its gate is shut calls stay inside."""

    def __init__(self, network):
        self.network = network
        self.batches, self.entered = [], threading.Semaphore(0)
        self.gate = threading.Event()
        self.gate.set()
        self.most = 1 << 30

    def __call__(self, inputs):
        self.batches.append(len(inputs["x"]))
        self.entered.release()
        assert self.gate.wait(TIMEOUT_S)
        if len(inputs["x"]) > self.most:
            raise MemoryError("too much at once")
        if (inputs["x"] == 666).any():
            raise ValueError("a guilty one")
        return self.windowed(**inputs) if "mask" in inputs else self.stepped(**inputs)

    def windowed(self, x, speaker, mask):
        x = x * mask[:, None]
        left = np.concatenate([x[..., :1] * 0, x[..., :-1]], axis=-1)
        right = np.concatenate([x[..., 1:], x[..., :1] * 0], axis=-1)
        mel = (left + 2 * x + right) * mask[:, None] + speaker[:, None, None].astype(np.float32)
        return Tensors({"mel": mel, "audio": np.repeat(mel[:, 0] - mel[:, 1], 3, axis=-1)})

    def stepped(self, x, encodings, text_mask, s):
        heard = (encodings[:, 0] * text_mask).sum(axis=1, keepdims=True)
        y = np.cumsum(x, axis=1) + s + heard
        return Tensors({"y": y, "next_s": y[:, -1:]})


@frozen
class OnTiny(Executor):
    made: list = field(factory=list, eq=False)
    static: bool = False
    buckets: Buckets = Buckets()

    def load(self, network):
        self.made.append(Tiny(network))
        return self.made[-1]


def chosen(batch, lanes=1):
    return Gains((Choice(batch, lanes),) * len(SIZES))


@pytest.fixture
def eager(monkeypatch):
    """Batches as many as may go together, on one lane, as if that had been measured."""
    monkeypatch.setattr(batching, "measured", lambda program, layout, largest: chosen(largest))


def loaded(network, lanes=1, **options):
    executor = Batching(OnTiny(), **options)
    gains = chosen(executor.largest, lanes)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batching, "measured", lambda program, layout, largest: gains)
        program = executor.load(network)
    return program, getattr(program, "inner", program)


def window(frames=5, seed=0, value=None):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(1, 2, frames)).astype(np.float32)
    if value is not None:
        x[..., -1] = value
    speaker = np.array([seed], np.int64)
    return {"x": x, "speaker": speaker, "mask": np.ones((1, frames), np.float32)}


class Caller(threading.Thread):
    """Calls on a thread of its own, as a stream."""

    def __init__(self, work, *arguments, utterance=None):
        super().__init__()
        self.work, self.arguments = work, arguments
        self.utterance = utterance or Utterance("v")
        self.result = self.error = None
        self.start()

    def run(self):
        Context().run(self._run)

    def _run(self):
        set_current(self.utterance)
        try:
            self.result = self.work(*self.arguments)
        except Exception as error:
            self.error = error

    def ended(self):
        self.join(TIMEOUT_S)
        assert not self.is_alive()
        if self.error is not None:
            raise self.error
        return self.result


def until(condition):
    end = time.monotonic() + TIMEOUT_S
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.001)


@contextmanager
def shut(tiny):
    """Keep the gate shut; at the end all may go."""
    tiny.gate.clear()
    try:
        yield
    finally:
        tiny.gate.set()


def lined_up(program, tiny, calls, work=None):
    """Let the first call in, all others wait in line behind it; give the callers."""
    with shut(tiny):
        callers = []
        for index, arguments in enumerate(calls):
            callers.append(Caller(work or program, arguments))
            if index:
                until(lambda index=index: len(program.line.waiting) == index)
            else:
                assert tiny.entered.acquire(timeout=TIMEOUT_S)
    return callers


def same(mine, reference, exact=False):
    assert mine.keys() == reference.keys()
    for name, value in reference.items():
        assert mine[name].shape == value.shape
        if exact:
            assert mine[name].tobytes() == value.tobytes()
        np.testing.assert_allclose(mine[name], value, atol=1e-5)


# Together ----------------------------------------------------------------------------------------


def test_those_who_wait_go_as_one_call(eager):
    program, tiny = loaded(WINDOWED)
    calls = [window(seed=i) for i in range(5)]
    for caller, inputs in zip(lined_up(program, tiny, calls), calls, strict=True):
        same(caller.ended(), Tiny(WINDOWED)(inputs))
    assert tiny.batches == [1, 4]


def test_different_lengths_are_padded_where_there_is_a_mask(eager):
    program, tiny = loaded(WINDOWED)
    calls = [window(frames, frames) for frames in (13, 16, 14, 13)]
    for caller, inputs in zip(lined_up(program, tiny, calls), calls, strict=True):
        same(caller.ended(), Tiny(WINDOWED)(inputs))
    assert tiny.batches == [1, 3]


def test_lengths_that_are_far_apart_do_not_go_together():
    layout = Layout(WINDOWED)
    assert layout.like({"frames": 13}) == layout.like({"frames": 16})
    assert layout.like({"frames": 12}) != layout.like({"frames": 13})
    assert layout.like({"frames": 8}) != layout.like({"frames": 16})


def test_the_largest_batch_is_bounded_and_the_first_come_is_the_first_served(eager):
    program, tiny = loaded(WINDOWED, largest=3)
    callers = lined_up(program, tiny, [window(seed=i) for i in range(8)])
    for caller in callers:
        caller.ended()
    assert tiny.batches == [1, 3, 3, 1]


def test_the_line_is_no_longer_than_there_are_streams(eager):
    program, tiny = loaded(WINDOWED)
    callers = lined_up(program, tiny, [window(seed=i) for i in range(6)])
    for caller in callers:
        caller.ended()
    assert len(program.line.waiting) == 0


def test_no_call_waits_while_a_lane_is_free(eager):
    program, tiny = loaded(WINDOWED, lanes=2)
    with shut(tiny):
        callers = [Caller(program, window(seed=i)) for i in range(2)]
        for _ in callers:
            assert tiny.entered.acquire(timeout=TIMEOUT_S)
    for caller in callers:
        caller.ended()
    assert tiny.batches == [1, 1]


def test_two_calls_of_one_stream_never_go_together(eager):
    program, tiny = loaded(WINDOWED)
    utterance = Utterance("v")
    with shut(tiny):
        callers = [Caller(program, window(seed=i), utterance=utterance) for i in range(3)]
        until(lambda: len(program.line.waiting) == 2)
    for caller in callers:
        caller.ended()
    assert tiny.batches == [1, 1, 1]


def test_a_lone_stream_gets_the_very_arrays_of_the_executor_within(eager):
    program, tiny = loaded(WINDOWED)
    made = []
    tiny.windowed = lambda **inputs: made.append(inputs) or inputs
    inputs = window()
    assert program(inputs) is made[0] or program(inputs)["x"] is inputs["x"]
    assert made[0]["x"] is inputs["x"]


def test_what_a_reader_keeps_is_not_the_memory_of_others(eager):
    program, tiny = loaded(WINDOWED)
    callers = lined_up(program, tiny, [window(seed=i) for i in range(3)])
    assert all(caller.ended()["mel"].base is None for caller in callers)


def test_who_finds_no_lane_in_time_runs_alone(eager):
    program, tiny = loaded(WINDOWED, wait_ms=1.0)
    with shut(tiny):
        callers = [Caller(program, window(seed=i)) for i in range(2)]
        for _ in callers:
            assert tiny.entered.acquire(timeout=TIMEOUT_S)
    for caller in callers:
        caller.ended()
    assert tiny.batches == [1, 1]


def test_an_unlike_call_takes_its_turn():
    program, tiny = loaded(WINDOWED)
    calls = [window(5), window(50), window(5), window(50)]
    for caller in lined_up(program, tiny, calls):
        caller.ended()
    assert sorted(tiny.batches) == [1, 1, 2]


def test_calls_of_a_size_that_does_not_gain_do_not_wait():
    program, tiny = loaded(WINDOWED)
    program.gains = Gains((Choice(4), Choice(4), Choice()))
    with shut(tiny):
        callers = [Caller(program, window(frames)) for frames in (5, 50, 50)]
        for _ in callers:
            assert tiny.entered.acquire(timeout=TIMEOUT_S)
    for caller in callers:
        caller.ended()
    assert tiny.batches == [1, 1, 1]


def test_a_network_that_gains_nothing_is_handed_through(monkeypatch):
    monkeypatch.setattr(batching, "measured", lambda program, layout, largest: Gains())
    within = OnTiny()
    assert Batching(within).load(WINDOWED) is within.made[0]


# Steps -------------------------------------------------------------------------------------------


def text(symbols, seed=0):
    encodings = np.random.default_rng(seed).normal(size=(1, 1, symbols)).astype(np.float32)
    return {"encodings": encodings, "text_mask": np.ones((1, symbols), np.float32)}


def frames(count, value=1.0):
    return {"x": np.full((1, count), value, np.float32)}


def test_steps_of_sessions_go_together_and_states_stay_apart(eager):
    program, tiny = loaded(STATEFUL)
    sessions = [program.session(text(7 + i % 2, i)) for i in range(4)]
    references = [Session(Tiny(STATEFUL), text(7 + i % 2, i)) for i in range(4)]
    for count in (3, 3, 5):
        steps = [lambda _, s=s, c=count, i=i: s.step(frames(c, i)) for i, s in enumerate(sessions)]
        callers = lined_up_work(program, tiny, steps)
        for i, (caller, reference) in enumerate(zip(callers, references, strict=True)):
            same(caller.ended(), reference.step(frames(count, i)))
    assert tiny.batches == [1, 3] * 3
    for session, reference in zip(sessions, references, strict=True):
        same(session.state, reference.state)


def lined_up_work(program, tiny, works):
    while tiny.entered.acquire(blocking=False):
        pass
    return lined_up(program, tiny, works, work=lambda work: work(None))


def test_the_states_of_a_set_that_goes_on_together_stay_stacked(eager, monkeypatch):
    program, tiny = loaded(STATEFUL)
    stacked = []
    monkeypatch.setattr(
        tiny, "stack", lambda states: stacked.append(len(states)) or Program.stack(tiny, states)
    )
    sessions = [program.session(text(4, i)) for i in range(3)]
    other = program.session(text(4, 9))
    for _ in range(4):
        works = [lambda _, s=s: s.step(frames(2)) for s in [other, *sessions]]
        for caller in lined_up_work(program, tiny, works):
            caller.ended()
    assert stacked == [3] and tiny.batches == [1, 3] * 4


def test_steps_of_other_lengths_are_not_padded():
    layout = Layout(STATEFUL)
    assert layout.like({"frames": 15, "text": 9}) != layout.like({"frames": 16, "text": 9})
    assert layout.like({"frames": 15, "text": 15}) == layout.like({"frames": 15, "text": 16})


def test_a_network_without_a_batch_axis_is_handed_through():
    program, tiny = loaded(
        network({"x": TensorSpec("float32", ("frames",))}, {"y": spec("frames")})
    )
    assert program is tiny


# Faults ------------------------------------------------------------------------------------------


def test_only_the_guilty_stream_fails(eager):
    program, tiny = loaded(WINDOWED)
    calls = [window(seed=i, value=666 if i == 2 else None) for i in range(5)]
    for i, caller in enumerate(lined_up(program, tiny, calls)):
        if i == 2:
            with pytest.raises(ValueError, match="a guilty one"):
                caller.ended()
        else:
            same(caller.ended(), Tiny(WINDOWED)(calls[i]), exact=True)
    assert tiny.batches == [1, 4, 1, 1, 1, 1]


def test_a_step_that_fails_leaves_the_other_sessions_where_they_were(eager):
    program, tiny = loaded(STATEFUL)
    sessions = [program.session(text(4, i)) for i in range(4)]
    references = [Session(Tiny(STATEFUL), text(4, i)) for i in range(4)]
    for step, guilty in enumerate([None, None, 3, None]):
        alive = range(4) if step < 3 else range(3)
        value = [666.0 if i == guilty else step + i for i in alive]
        works = [lambda _, i=i, v=value[i]: sessions[i].step(frames(2, v)) for i in alive]
        for i, caller in enumerate(lined_up_work(program, tiny, works)):
            if i == guilty:
                with pytest.raises(ValueError):
                    caller.ended()
            else:
                same(caller.ended(), references[i].step(frames(2, value[i])))


def test_a_batch_that_is_too_much_for_the_device_is_halved(eager):
    program, tiny = loaded(WINDOWED)
    tiny.most = 2
    for _ in range(3):
        while tiny.entered.acquire(blocking=False):
            pass
        for caller in lined_up(program, tiny, [window(seed=i) for i in range(5)]):
            caller.ended()
    assert tiny.batches == [1, 4, 1, 1, 1, 1, 1, 2, 2, 1, 2, 2]


def test_no_number_in_one_stream_does_not_spread(eager):
    program, tiny = loaded(WINDOWED)
    calls = [window(seed=i, value=np.nan if i == 1 else None) for i in range(4)]
    made = [caller.ended() for caller in lined_up(program, tiny, calls)]
    assert tiny.batches == [1, 3]
    assert [bool(np.isnan(m["mel"]).any()) for m in made] == [False, True, False, False]


def test_outputs_that_cannot_be_split_are_made_one_by_one(eager):
    program, tiny = loaded(WINDOWED)
    calls = [window(seed=i) for i in range(3)]
    run = tiny.windowed
    tiny.windowed = lambda **inputs: Tensors({**run(**inputs), "mel": run(**inputs)["mel"][:1]})
    for caller, inputs in zip(lined_up(program, tiny, calls), calls, strict=True):
        same(caller.ended(), Tiny(WINDOWED)(inputs))
    assert tiny.batches == [1, 2, 1, 1]


def test_a_stream_that_is_stopped_while_it_waits_leaves_the_line(eager):
    program, tiny = loaded(WINDOWED)
    with shut(tiny):
        callers = []
        for index in range(4):
            callers.append(Caller(program, window(seed=index)))
            until(lambda index=index: len(tiny.batches) + len(program.line.waiting) == index + 1)
        callers[2].utterance.stop()
        with pytest.raises(Stopped):
            callers[2].ended()
        assert len(program.line.waiting) == 2
    for index in (0, 1, 3):
        same(callers[index].ended(), Tiny(WINDOWED)(window(seed=index)))
    assert tiny.batches == [1, 2]


def test_a_stream_that_is_stopped_while_its_batch_runs_leaves_at_once(eager):
    program, tiny = loaded(WINDOWED)
    callers = lined_up(program, tiny, [window(seed=0)])
    callers[0].ended()
    with shut(tiny):
        callers = [Caller(program, window(seed=0))]
        until(lambda: tiny.batches == [1, 1])
        for i in (1, 2):
            callers.append(Caller(program, window(seed=i)))
            until(lambda i=i: len(program.line.waiting) == i)
        inside = threading.Event()
        run, tiny.windowed = tiny.windowed, lambda **x: inside.wait(TIMEOUT_S) and run(**x)
        tiny.gate.set()
        inside.set()
        callers[2].utterance.stop()
    same(callers[1].ended(), Tiny(WINDOWED)(window(seed=1)))
    assert len(program.line.waiting) == 0


# Any pattern -------------------------------------------------------------------------------------

pattern = st.lists(
    st.lists(st.tuples(st.integers(1, 20), st.integers(0, 2)), min_size=1, max_size=5),
    min_size=1,
    max_size=6,
)


@quick
@given(pattern, st.integers(2, 5), st.integers(1, 2), st.sampled_from([0.0, 500.0]))
def test_any_pattern_of_arrivals_gives_what_serial_gives(eager, streams, largest, lanes, wait):
    program, _ = loaded(WINDOWED, largest=largest, lanes=lanes, wait_ms=wait)
    stepper, _ = loaded(STATEFUL, largest=largest, lanes=lanes, wait_ms=wait)

    def stream(index):
        session, made = stepper.session(text(index + 3, index)), []
        for count, pause in streams[index]:
            time.sleep(pause * 2e-4)
            made.append((program(window(count, index)), session.step(frames(count, index))))
        return made

    callers = [Caller(stream, i) for i in range(len(streams))]
    for index, caller in enumerate(callers):
        session = Session(Tiny(STATEFUL), text(index + 3, index))
        for (count, _), (whole, step) in zip(streams[index], caller.ended(), strict=True):
            same(whole, Tiny(WINDOWED)(window(count, index)))
            same(step, session.step(frames(count, index)))
    assert len(program.line.waiting) == 0 and program.line._running == 0


@pytest.mark.parametrize("wait", [0.0, 500.0])
def test_sixteen_streams_with_faults_and_stops_end_well(eager, wait):
    program, _tiny = loaded(STATEFUL, largest=5, wait_ms=wait)

    def stream(index):
        rng = np.random.default_rng(index)
        session = program.session(text(5, index))
        reference = Session(Tiny(STATEFUL), text(5, index))
        for step in range(40):
            value = 666 if index == 3 and step == 20 else np.nan if index == 4 else float(step)
            count = int(rng.integers(1, 4))
            same(session.step(frames(count, value)), reference.step(frames(count, value)))
            if index in (5, 6) and step == 10 * (index - 4):
                current_utterance().stop()

    callers = []
    for i in range(16):
        callers.append(Caller(stream, i))
    errors = {}
    for i, caller in enumerate(callers):
        try:
            caller.ended()
        except (ValueError, Stopped) as error:
            errors[i] = type(error)
    assert errors.pop(3) is ValueError
    assert set(errors) <= {5, 6} and set(errors.values()) <= {Stopped}
    assert len(program.line.waiting) == 0 and program.line._running == 0


# The executor ------------------------------------------------------------------------------------


def test_equal_configurations_are_equal_so_that_voices_share_programs():
    assert Batching(OnTiny()) == Batching(OnTiny())
    assert hash(Batching(OnTiny(), largest=4)) == hash(Batching(OnTiny(), largest=4))
    assert Batching(OnTiny()) != Batching(OnTiny(), largest=4)


@pytest.mark.parametrize("options", [{"largest": 0}, {"wait_ms": -1.0}])
def test_options_that_make_no_sense_are_refused(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        Batching(OnTiny(), **options)


def test_batching_twice_is_refused():
    with pytest.raises(ValueError, match="Batching inside Batching"):
        Batching(Batching(OnTiny()))


def test_an_executor_with_static_shapes_is_handed_through():
    within = OnTiny(static=True, buckets=Buckets({"frames": [8]}))
    executor = Batching(within)
    assert executor.static and executor.buckets is within.buckets
    program = executor.load(WINDOWED.fixed({"batch": 1, "frames": 8}))
    assert program is within.made[0]


def test_it_is_what_the_executor_within_is():
    executor = Batching(OnTiny())
    assert executor.formats == ("onnx",) and executor.available() is None
    assert executor.runtime is None and not executor.static


def test_a_batch_of_one_is_the_executor_within():
    program, tiny = loaded(WINDOWED, largest=1)
    assert program is tiny


# The voice ---------------------------------------------------------------------------------------

ON = {"type": "Batching", "executor": "OnnxRuntime"}
TEXTS = ["The first of them says this.", "Others speak at the same time.", "So do I."]


@pytest.fixture(scope="module")
def host():
    with Host() as host:
        yield host


def test_a_lone_stream_is_the_same_to_the_last_bit(host):
    on, off = host.voice("en-us", executor=ON), host.voice("en-us", executor="OnnxRuntime")
    text = " ".join(TEXTS)
    joined = [
        np.concatenate([chunk["audio"] for chunk in voice.stream(text)], axis=-1)
        for voice in (on, off)
    ]
    assert joined[0].tobytes() == joined[1].tobytes()


def test_streams_at_the_same_time_are_as_alone(host, eager):
    voice = host.voice("en-us", executor={**ON, "largest": 6})
    alone = host.voice("en-us", executor="OnnxRuntime")
    together = []
    for program in voice.programs:
        apart = program.load().layout.apart
        program.load().layout.apart = lambda outputs, calls, apart=apart: (
            together.append(len(calls)) or apart(outputs, calls)
        )
    callers = [
        Caller(
            lambda i=i: np.concatenate([c["audio"] for c in voice.stream(TEXTS[i % 3], seed=i)], -1)
        )
        for i in range(6)
    ]
    for i, caller in enumerate(callers):
        reference = [c["audio"] for c in alone.stream(TEXTS[i % 3], seed=i)]
        np.testing.assert_allclose(caller.ended(), np.concatenate(reference, -1), atol=1e-5)
    assert together
