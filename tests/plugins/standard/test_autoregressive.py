"""AutoregressiveDecoder: an attention model that decides itself how long it speaks."""

import gc
import threading
import weakref

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from voxstack import (
    BlockError,
    Mark,
    Network,
    Program,
    Schedule,
    Session,
    StreamableStack,
    Tensors,
    TensorSpec,
)
from voxstack.networks import Context
from voxstack_standard.autoregressive import AutoregressiveDecoder
from voxstack_standard.networks import Vocoder

sizes = st.lists(st.integers(1, 20), min_size=1, max_size=5)
quick = settings(max_examples=40, deadline=None)


def spec(*shape):
    return TensorSpec("float32", ("batch", *shape))


INPUTS = {"encodings": spec(1, "text"), "text_mask": spec("text"), "fed": spec(2), "steps": spec(1)}
OUTPUTS = {
    "mel": spec(3, 2),
    "f0": spec(2),
    "voicing": spec(2),
    "stop": spec(1),
    "place": spec(1),
    "next_fed": spec(2),
    "next_steps": spec(1),
}
STATE = {"fed": "next_fed", "steps": "next_steps"}


class Talker(Program):
    """Moves on by ``pace`` symbols a step as far as ``far``; wants to stop at the text's end."""

    def __init__(self, pace=0.4, far=1e9, stops=True, state=STATE, outputs=OUTPUTS, inputs=INPUTS):
        self.network = Network("talker", "decoder", inputs, outputs, {}, state=state, addon="tiny")
        self.pace, self.far, self.stops = pace, far, stops
        self.calls, self.sessions = 0, weakref.WeakSet()

    def __call__(self, inputs):
        self.calls += 1
        count = inputs["text_mask"].sum()
        place = np.minimum((inputs["steps"] + 1) * np.float32(self.pace), np.float32(self.far))
        said = inputs["encodings"][..., int(np.nan_to_num(min(place[0, 0], count - 1)))]
        fed = np.tanh(inputs["fed"] * 0.7 + said)
        return Tensors(
            {
                "mel": np.stack([fed, fed * 2, fed * 3], axis=1),
                "f0": fed * 50 + 150,
                "voicing": fed,
                "stop": np.where(place >= count, 1.0, -1.0) if self.stops else place * 0 - 1,
                "place": place,
                "next_fed": fed,
                "next_steps": inputs["steps"] + 1,
            }
        )

    def session(self, constants):
        session = Session(self, constants)
        self.sessions.add(session)
        return session


def text(symbols=7, marks=(), seed=0, **more):
    encodings = np.random.default_rng(seed).normal(size=(1, 1, symbols)).astype(np.float32)
    ones = np.ones((1, symbols), np.float32)
    return Tensors({"encodings": encodings, "text_mask": ones, **more}, tuple(marks))


def speak(sequence, sizes=(8, 16, 32), **options):
    options.setdefault("network", Talker())
    block = AutoregressiveDecoder(schedule=Schedule(sizes), **options)
    return list(block.stream(sequence, None))


def joined(chunks, name="mel"):
    return np.concatenate([chunk[name] for chunk in chunks], axis=-1)


def words(*starts):
    return [Mark("word", f"w{s}", s, (10 * s, 10 * s + 5)) for s in starts]


# Frames -----------------------------------------------------------------------------------------


@quick
@given(sizes)
def test_the_frames_are_the_same_bits_for_any_chunks(sizes):
    chunks, whole = speak(text(), sizes), speak(text(), (1 << 30,))
    assert len(whole) == 1
    for name in ("mel", "f0", "voicing", "voiced"):
        assert joined(chunks, name).tobytes() == whole[0][name].tobytes()
    assert [c.start for c in chunks] == [0, *np.cumsum([len(c) for c in chunks])[:-1]]
    assert [c.last for c in chunks] == [False] * (len(chunks) - 1) + [True]
    assert all(len(c) == size for c, size in zip(chunks[:-1], Schedule(sizes), strict=False))


def test_speech_ends_with_the_step_that_wants_to_stop():
    assert joined(speak(text(7))).shape == (1, 3, 2 * 18)  # 18 steps of 0.4 are beyond 7
    assert joined(speak(text(7), stop_threshold=2.0)).shape[-1] > 2 * 18


def test_no_step_is_made_before_its_frames_are_wanted():
    net = Talker()
    chunks = AutoregressiveDecoder(network=net, schedule=Schedule((8, 3))).stream(text(20), None)
    assert net.calls == 0
    for calls in (4, 6, 7):
        next(chunks)
        assert net.calls == calls


def test_voiced_is_where_voicing_is_above_0():
    chunks = speak(text())
    assert np.array_equal(joined(chunks, "voiced"), joined(chunks, "voicing") > 0)
    assert chunks[0]["voiced"].dtype == np.float32


def test_it_declares_the_constants_and_the_frames():
    block = AutoregressiveDecoder(network=Talker())
    assert tuple(block.consumes) == ("encodings", "text_mask")
    assert set(block.produces) == {"mel", "f0", "voicing", "voiced"}
    assert list(block.problems({"encodings", "text_mask"})) == []


def test_a_network_without_voicing_gives_no_voiced():
    net = Talker(outputs={k: v for k, v in OUTPUTS.items() if k not in ("voicing", "f0")})
    assert set(AutoregressiveDecoder(network=net).produces) == {"mel"}
    assert set(speak(text(), network=net)[0].tensors) == {"mel"}


def test_text_without_symbols_gives_one_empty_last_chunk_with_its_marks():
    (chunk,) = speak(text(0, words(0)))
    assert (chunk["mel"].shape, chunk["voiced"].shape) == ((1, 3, 0), (1, 0))
    assert chunk.last
    assert [m.value for m in chunk.marks] == ["w0"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"state": {}}, "the network 'tiny:talker' has no state"),
        ({"outputs": {**OUTPUTS, "stop": spec(1)} | {"end": spec(1)}}, "'mel' has 2.*'end' has 1"),
        ({"outputs": {k: v for k, v in OUTPUTS.items() if k != "stop"}}, "has no output 'stop'"),
        ({"outputs": {k: v for k, v in OUTPUTS.items() if k != "place"}}, "has no output 'place'"),
        ({"outputs": {k: OUTPUTS[k] for k in ("stop", "place", *STATE.values())}}, "outputs: none"),
        ({"inputs": {k: INPUTS[k] for k in STATE}}, "no input over the symbols"),
    ],
)
def test_a_network_of_another_kind_is_a_problem_before_it_loads(changes, message):
    block = AutoregressiveDecoder(network=Talker(**changes))
    assert block.produces is not None
    with pytest.raises(BlockError, match=message) as error:
        list(block.stream(text(), None))
    assert list(block.problems(block.consumes)) == [error.value.message]


# Marks ------------------------------------------------------------------------------------------


def test_marks_move_to_the_step_that_reaches_their_symbol():
    chunks = speak(text(7, words(0, 1, 4)), (4, 100))
    # Places after the steps: 0.4, 0.8, 1.2, ...; 4 is left behind by the eleventh.
    assert [(m.value, m.start) for c in chunks for m in c.marks] == [
        ("w0", 0),
        ("w1", 4),
        ("w4", 20),
    ]


@quick
@given(sizes, st.lists(st.integers(0, 9), max_size=6), st.floats(0.1, 5))
def test_no_mark_is_lost_and_each_comes_in_order_with_the_chunk_in_which_it_begins(
    sizes, starts, pace
):
    chunks = speak(text(8, words(*starts)), sizes, network=Talker(pace))
    marks = [m for c in chunks for m in c.marks]
    assert [m.value for m in marks] == [f"w{s}" for s in sorted(starts)]
    assert [m.start for m in marks] == sorted(m.start for m in marks)
    assert all(c.start <= m.start < c.start + len(c) for c in chunks for m in c.marks)


# Guards -----------------------------------------------------------------------------------------


def guards(chunks):
    assert [m for c in chunks[:-1] for m in c.marks if m.kind == "guard"] == []
    return [m for m in chunks[-1].marks if m.kind == "guard"]


def test_speech_that_ends_by_itself_has_no_guard(capsys):
    assert guards(speak(text(7, words(0, 3)))) == []
    assert capsys.readouterr().err == ""


def test_too_many_frames_for_the_text_are_cut_and_it_is_said_where(capsys):
    chunks = speak(text(7, words(0, 2, 5)), network=Talker(0.05, stops=False), most=11.0)
    assert joined(chunks).shape[-1] == 76  # at most 77 in steps of 2
    assert guards(chunks) == [Mark("guard", "too long", 75, (0, 5))]
    assert [m.value for m in chunks[-1].marks] == ["w2", "w5", "too long"]
    (line,) = capsys.readouterr().err.splitlines()
    for words_ in ("cut short", "too long", "frames=76", "word=w0", "symbols=7"):
        assert words_ in line


def test_speech_that_stays_on_a_symbol_is_cut(capsys):
    chunks = speak(text(30, words(0, 2)), network=Talker(0.5, far=2.5, stops=False), stall=20)
    assert guards(chunks) == [Mark("guard", "stalled", 27, (20, 25))]  # on 2 since frame 8
    assert "word=w2" in capsys.readouterr().err


def test_speech_that_goes_on_behind_the_text_is_cut():
    (guard,) = guards(speak(text(4, words(0)), network=Talker(1.0, stops=False), stall=10))
    assert (guard.value, guard.start) == ("stalled", 2 * 4 + 10 - 1)


def test_a_place_that_is_no_number_does_not_move_and_does_not_go_on_for_ever():
    assert guards(speak(text(9), network=Talker(np.nan)))[0].value == "stalled"


@quick
@given(sizes)
def test_a_guard_fires_at_the_same_frame_for_any_chunks(sizes):
    net = Talker(0.3, far=3, stops=False)
    chunks = speak(text(9, words(1)), sizes, network=net, stall=15)
    whole = speak(text(9, words(1)), (1 << 30,), network=net, stall=15)
    assert joined(chunks).tobytes() == joined(whole).tobytes()
    assert guards(chunks) == guards(whole) != []


# Many at once -----------------------------------------------------------------------------------


def test_two_utterances_in_turns_do_not_mix():
    block = AutoregressiveDecoder(network=Talker(), schedule=Schedule((4,)))
    streams = [block.stream(text(9, seed=seed), None) for seed in (1, 2)]
    turns = list(zip(*streams, strict=True))
    for seed, chunks in zip((1, 2), zip(*turns, strict=True), strict=True):
        assert joined(chunks).tobytes() == joined(speak(text(9, seed=seed))).tobytes()


def test_many_threads_get_what_each_gets_alone():
    block = AutoregressiveDecoder(network=Talker(), schedule=Schedule((8, 16)))
    got = {}

    def work(seed):
        got[seed] = joined(list(block.stream(text(40, seed=seed), None))).tobytes()

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got == {seed: joined(speak(text(40, seed=seed))).tobytes() for seed in range(8)}


def test_closing_early_frees_the_session():
    net = Talker()
    chunks = AutoregressiveDecoder(network=net).stream(text(20), None)
    next(chunks)
    assert len(net.sessions) == 1
    chunks.close()
    gc.collect()
    assert len(net.sessions) == 0


# In a row ---------------------------------------------------------------------------------------


class Repeat(Program):
    """Five samples a frame: the sum of one before, it and two after."""

    network = Network(
        "repeat", "vocoder", {"mel": spec(3, "frames")}, {"audio": spec("samples")}, {},
        context=Context(1, 2), frame_ratio=5,
    )  # fmt: skip

    def __call__(self, inputs):
        summed = np.convolve(inputs["mel"][0, 0], np.ones(4))[2 : 2 + inputs["mel"].shape[-1]]
        return Tensors({"audio": np.repeat(summed, 5)[None]})


@quick
@given(sizes)
def test_with_a_vocoder_behind_it_audio_and_marks_are_the_same_for_any_chunks(wanted):
    stack = StreamableStack((AutoregressiveDecoder(network=Talker()), Vocoder(network=Repeat())))
    heard = []
    for schedule in (Schedule(wanted), Schedule((1 << 30,))):
        planned, _ = stack.planned(schedule)
        heard.append(list(planned.stream(text(9, words(0, 4)), None)))
    marks = [[(m.value, m.start) for c in chunks for m in c.marks] for chunks in heard]
    assert marks[0] == marks[1] == [("w0", 0), ("w4", 100)]
    assert np.abs(joined(heard[0], "audio") - joined(heard[1], "audio")).max() <= 1e-5


def test_the_host_derives_its_chunks_from_the_vocoder():
    stack = StreamableStack((AutoregressiveDecoder(network=Talker()), Vocoder(network=Repeat())))
    planned, _ = stack.planned(Schedule((8, 16)))
    assert planned.stack[0].schedule.sizes[:2] == (10, 16)


def test_the_pitch_is_moved_and_the_model_is_not_fed_it():
    plain, moved = speak(text()), speak(text(pitch=np.array([12.0])))
    assert joined(moved, "f0") == pytest.approx(2 * joined(plain, "f0"))
    assert joined(moved).tobytes() == joined(plain).tobytes()
