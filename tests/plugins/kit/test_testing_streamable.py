"""The suite of StreamableBlocks can fail: for each check a block that fails it and no other."""

from __future__ import annotations

import inspect
import itertools
import threading
from typing import ClassVar

import numpy as np
import pytest
from attrs import field, frozen
from voxstack import (
    Chunk,
    Network,
    Program,
    Schedule,
    StreamableBlock,
    Tensors,
    TensorSpec,
    VoxstackError,
    run_network,
)
from voxstack.networks import Context
from voxstack_kit.testing import Requirements, StreamableBlockSuite


@pytest.fixture(autouse=True)
def little_patience(monkeypatch):
    """No thread here ends by itself: those who leave one are not waited for."""
    from voxstack_kit.testing import blocks

    monkeypatch.setattr(blocks, "ENDING_S", 0.1)


@frozen
class Plain(StreamableBlock):
    """Pass the audio on; the base of those that fail."""

    def stream(self, sequence, upstream):
        for chunk in upstream:
            yield chunk.replace(audio=chunk["audio"] * 0.5)


class Double(Plain):
    """Changes the dtype."""

    def stream(self, sequence, upstream):
        for chunk in upstream:
            yield chunk.replace(audio=chunk["audio"].astype(np.float64))


class NotANumber(Plain):
    """Divides by what may be 0."""

    def stream(self, sequence, upstream):
        for chunk in upstream:
            yield chunk.replace(audio=chunk["audio"] * np.float32("nan"))


class ByChunk(Plain):
    """Depends on where chunks end."""

    def stream(self, sequence, upstream):
        for chunk in upstream:
            yield chunk.replace(audio=chunk["audio"] - chunk["audio"][..., :1].sum())


class Eager(Plain):
    """Reads before it is asked."""

    def stream(self, sequence, upstream):
        return super().stream(sequence, itertools.chain([next(upstream)], upstream))


class ReadsAhead(Plain):
    """Reads a chunk more than it yields."""

    def stream(self, sequence, upstream):
        before = None
        for chunk in super().stream(sequence, upstream):
            if before is not None:
                yield before
            before = chunk
        yield before


class Drains(Plain):
    """Reads all, and then begins."""

    def stream(self, sequence, upstream):
        yield from list(super().stream(sequence, upstream))


class Hoards(Plain):
    """Forgets nothing until its end."""

    def stream(self, sequence, upstream):
        kept = []
        for chunk in super().stream(sequence, upstream):
            kept.append(chunk)
            yield chunk


LAST = [0.0]


class KeepsState(Plain):
    """Keeps the last sample where other streams find it; a fresh stream begins with 0."""

    def stream(self, sequence, upstream):
        LAST[0] = 0.0
        for chunk in upstream:
            audio = chunk["audio"]
            if audio.size:
                before = np.concatenate([[[np.float32(LAST[0])]], audio[..., :-1]], axis=-1)
                LAST[0] = float(audio[0, -1])
                chunk = chunk.replace(audio=audio - before)
            yield chunk


RUNS = itertools.count()


class Changes(Plain):
    """Gives something else each time."""

    def stream(self, sequence, upstream):
        run = np.float32(next(RUNS))
        for chunk in upstream:
            yield chunk.replace(audio=chunk["audio"] + run)


class InPlace(Plain):
    """Writes into what it reads."""

    def stream(self, sequence, upstream):
        for chunk in upstream:
            chunk["audio"][...] *= 0.5
            yield chunk


HELD = []


class Holds(Plain):
    """Keeps the last chunk when it is closed."""

    def stream(self, sequence, upstream):
        for chunk in super().stream(sequence, upstream):
            HELD[:] = [chunk]
            yield chunk


class HoldsUpstream(Plain):
    """Keeps its upstream when it is closed."""

    def stream(self, sequence, upstream):
        HELD[:] = [upstream]
        yield from super().stream(sequence, upstream)
        HELD.clear()


class Undying(Plain):
    """Does not end when it is closed."""

    def stream(self, sequence, upstream):
        for chunk in super().stream(sequence, upstream):
            try:
                yield chunk
            except GeneratorExit:
                yield chunk


class LeavesThread(Plain):
    """Starts a thread that nobody ends."""

    def stream(self, sequence, upstream):
        threading.Thread(target=threading.Event().wait, args=(5,), daemon=True).start()
        yield from super().stream(sequence, upstream)


class DropsMarks(Plain):
    """Makes chunks of its own without marks."""

    def stream(self, sequence, upstream):
        for chunk in upstream:
            yield Chunk({"audio": chunk["audio"]}, chunk.start, chunk.last)


class MisplacesMarks(Plain):
    """Moves marks to where their chunk begins."""

    def stream(self, sequence, upstream):
        for chunk in upstream:
            yield chunk.replace(marks=tuple(m.moved(chunk.start) for m in chunk.marks))


class NeedsFrames(Plain):
    """Cannot do with an utterance without frames."""

    def stream(self, sequence, upstream):
        for chunk in super().stream(sequence, upstream):
            if chunk.last and chunk.start + len(chunk) == 0:
                raise ZeroDivisionError("no frames")
            yield chunk


class Untyped(Plain):
    """Asks for a tensor in a way that does not say what is missing."""

    def stream(self, sequence, upstream):
        for chunk in upstream:
            yield chunk.replace(audio=chunk.tensors["audio"] * 0.5)


class Swallows(Plain):
    """Hides the errors of upstream."""

    def stream(self, sequence, upstream):
        try:
            yield from super().stream(sequence, upstream)
        except VoxstackError as error:
            if "no tensor" in str(error):
                raise


class Boasts(Plain):
    """Declares what it does not make."""

    produces = ("loudness",)


class Undeclared(Plain):
    """Reads what it does not declare."""

    consumes = ("other",)

    def stream(self, sequence, upstream):
        sequence["seed"]
        yield from super().stream(sequence, upstream)


class Unmasked(Program):
    """A network over three frames that takes padding for frames: it does not read its mask."""

    def __init__(self, name="audio"):
        frames = TensorSpec("float32", ("batch", "frames"))
        inputs, outputs = {name: frames, "mask": frames}, {name: frames}
        self.network = Network("sum", "vocoder", inputs, outputs, {}, context=Context(1, 1))

    def __call__(self, inputs):
        (name,) = self.network.consumes
        x = np.pad(inputs[name] + 1, [(0, 0), (1, 1)])
        return Tensors({name: x[:, 2:] + x[:, 1:-1] + x[:, :-2]})


@frozen
class Runs(StreamableBlock):
    """Runs a network."""

    network: Program = field(factory=Unmasked)  # what it runs
    schedule: Schedule = Schedule()  # chunk sizes

    def stream(self, sequence, upstream):
        return run_network(self.network, sequence, upstream, self.schedule)


ANY, CHUNKS = "any sizes of chunks give the same output", "chunks follow each other"
FINITE = "it yields finite numbers"
FIRST = "nothing is read before the first chunk is asked for"
AHEAD, FLAT = "no more is read than it looks ahead", "a long stream runs in flat memory"
SAME, MANY = (
    "the same input gives the same output",
    "many streams at once give what each gives alone",
)
LEFT, MARKS = "what it is fed is left as it is", "marks are passed on once and in order"
EMPTY, MISSING = "an utterance without frames is one", "a missing tensor is named"
THROUGH, MAKES = "an error of upstream passes through", "it makes what it declares"
CLOSED = [f"closing early frees everything ({when})" for when in ("unread", "first", "second")]
FIXED = "fixed shapes give the same"
FAILURES = [
    (Double, {CHUNKS}),
    (NotANumber, {FINITE}),
    (ByChunk, {ANY}),
    (Eager, {FIRST}),
    (ReadsAhead, {AHEAD}),
    (Drains, {AHEAD, FLAT}),
    (Hoards, {FLAT}),
    (KeepsState, {MANY}),
    (Changes, {ANY, SAME, MANY}),
    (InPlace, {LEFT}),
    (Holds, {*CLOSED[1:]}),
    (HoldsUpstream, {*CLOSED[1:]}),
    (Undying, {*CLOSED[1:]}),
    (LeavesThread, {*CLOSED[1:]}),
    (DropsMarks, {MARKS}),
    (MisplacesMarks, {MARKS}),
    (NeedsFrames, {EMPTY}),
    (Untyped, {MISSING}),
    (Swallows, {THROUGH}),
    (Boasts, {MAKES}),
    (Undeclared, {MAKES}),
    (Runs, {FIXED}),
]


def suite(cls, **attributes):
    @pytest.fixture
    def block(self):
        return cls()

    @pytest.fixture
    def frames(self):
        audio = np.random.default_rng(0).normal(0.0, 0.1, (1, 4000)).astype(np.float32)
        return {"audio": audio}

    given = {"block": block, "frames": frames, **attributes}
    return type("TestIt", (StreamableBlockSuite,), given)


def test_a_block_that_does_all_of_it_passes(failures):
    assert failures(suite(Plain)) == {}


QUICK = "not importing"  # a process of its own; the classes here are made in a test


@pytest.mark.parametrize(
    ("cls", "expected"), FAILURES, ids=lambda one: getattr(one, "__name__", "")
)
def test_a_block_fails_the_checks_that_it_does_not_hold_to(failures, cls, expected):
    found = failures(suite(cls), QUICK)
    assert set(found) == set(expected)
    assert all(step for _, step in found.values()), "each tells what to do"


class Remembers(Plain):
    """Keeps on itself what changes, as one would in a class that is not frozen."""

    def stream(self, sequence, upstream):
        for chunk in upstream:
            self.last = chunk
            yield chunk


class Misspells(Plain):
    """Has a typing error."""

    def stream(self, sequence, upstream):
        for chunk in upstream:
            yield chunk.replace(audio=chunk["audio"] * factr)  # noqa: F821


class Returns(Plain):
    """Is not written yet."""

    def stream(self, sequence, upstream):
        return None


FROZEN_STEP = "a block is frozen: keep what changes in local variables of stream()"


@pytest.mark.parametrize(
    ("cls", "told", "line", "step"),
    [
        (Remembers, "FrozenInstanceError: can't set attribute", 3, FROZEN_STEP),
        (Misspells, "NameError: name 'factr' is not defined", 3, "fix that line"),
        (Returns, "stream() returns NoneType, expected an iterator of chunks", 0, "a generator"),
    ],
)
def test_what_fails_everywhere_is_told_in_the_same_words_with_its_line(
    failures, cls, told, line, step
):
    found = {tuple(told) for told in failures(suite(cls), QUICK).values()}
    ((message, next_step),) = found
    first = inspect.getsourcelines(cls.stream)[1]
    place = f"test_testing_streamable.py, line {first + line - 1})" if line else told
    assert message.startswith(told) and message.endswith(place) and step in next_step


def test_an_error_in_one_place_alone_has_its_line_too(failures):
    first = inspect.getsourcelines(NeedsFrames.stream)[1]
    message, _ = failures(suite(NeedsFrames), "without_frames")[EMPTY]
    assert message.startswith("an utterance without frames raises ZeroDivisionError: no frames (")
    assert message.endswith(f"line {first + 3})")


@pytest.mark.parametrize(
    ("cls", "stated"),
    [
        (Drains, {"requirements": Requirements(lazy=False)}),
        (DropsMarks, {"requirements": Requirements(marks=False)}),
        (ReadsAhead, {"look_ahead": 100}),
    ],
)
def test_what_a_block_states_that_it_does_not_do_is_not_asked_of_it(failures, cls, stated):
    assert failures(suite(cls, **stated), QUICK) == {}


@frozen
class Twice(StreamableBlock):
    """Two samples for one."""

    def stream(self, sequence, upstream):
        for chunk in upstream:
            marks = tuple(m.moved(2 * m.start) for m in chunk.marks)
            audio = np.repeat(chunk["audio"], 2, axis=-1)
            yield chunk.replace(audio=audio, start=2 * chunk.start, marks=marks)


def test_a_block_may_change_the_rate(failures):
    assert failures(suite(Twice, frame_ratio=2), QUICK) == {}
    assert set(failures(suite(Twice), QUICK)) == {MARKS}


def test_frames_that_are_lost_are_counted_and_not_renumbered(failures):
    class Shortens(Plain):
        def stream(self, sequence, upstream):
            for chunk in upstream:
                yield chunk.replace(audio=chunk["audio"][..., :-1])

    found = failures(suite(Shortens), "follow or any_sizes")
    message, step = found[CHUNKS]
    assert message.endswith("before ended at 0: 4000 frames went in, and 3991 came out")
    assert step.startswith("yield a frame for each that is read")
    assert found[ANY][0].startswith("fed in chunks of 1 and the rest: 'audio' is [1, 3998]")


def test_audio_is_floats_and_what_is_no_number_is_told(failures):
    class Whole(Plain):
        def stream(self, sequence, upstream):
            for chunk in upstream:
                yield chunk.replace(audio=np.int16(chunk["audio"] * 1000))

    message, step = failures(suite(Whole), "finite")[FINITE]
    assert message == "'audio' is int16, expected floats, full scale 1.0" and "float32" in step


LIGHT = "importing it is light and has no effects"
IMPORTS = {
    "prints": ("print('hello')", "prints 'hello'"),
    "threads": ("import threading; threading.Timer(9, print).start()", "starts threads"),
    "runtime": ("import sqlite3, sys; sys.modules['torch'] = sqlite3", "imports torch"),
    "forks": ("import os; os.fork() or os._exit(0)", "forks the process"),
    "folder": ("import os; os.chdir(os.sep)", "changes the working directory"),
    "environ": ("import os; os.environ['ACME'] = '1'", "changes the environment: ACME"),
    "handler": ("import logging; logging.basicConfig()", "handlers: StreamHandler"),
    "level": ("import logging; logging.getLogger().setLevel(10)", "level: DEBUG"),
    "ends": ("raise SystemExit(3)", "fails"),
}
MODULE = """
from attrs import frozen
from voxstack import StreamableBlock

@frozen
class Effect(StreamableBlock):
    "An effect."

    def stream(self, sequence, upstream):
        yield from upstream
"""


@pytest.mark.parametrize("what", IMPORTS)
def test_an_import_with_effects_is_told(failures, site, what):
    line, told = IMPORTS[what]
    (site.folder / f"acme_{what}.py").write_text(MODULE, "utf-8")
    module = __import__(f"acme_{what}")
    (site.folder / f"acme_{what}.py").write_text(f"{line}\n{MODULE}", "utf-8")
    found = failures(suite(module.Effect), "importing")
    assert told in found[LIGHT][0]


def test_the_suite_says_what_fixture_it_wants(failures):
    found = failures(type("TestIt", (StreamableBlockSuite,), {}), "frozen")
    assert "has no fixture 'block'" in next(iter(found.values()))[0]


@frozen
class Mel(StreamableBlock):
    """Reads what the suite does not feed unless it is told."""

    consumes: ClassVar = ("mel",)

    def stream(self, sequence, upstream):
        for chunk in upstream:
            yield chunk.replace(mel=chunk["mel"] * 0.5)


@frozen
class Secretive(Mel):
    """Says nothing of what it reads."""

    consumes: ClassVar = None


def fixtures(**given):
    """A suite whose fixtures are values; what is not given is the suite's own."""

    def fixture(value):
        return pytest.fixture(lambda self: value)

    made = {name: fixture(value) for name, value in given.items()}
    return type("TestIt", (StreamableBlockSuite,), made)


@pytest.mark.parametrize(
    ("block", "told"),
    [
        (Mel(), "it consumes 'mel', and the suite cannot know what they look like"),
        (Secretive(), "it reads 'mel', and the suite has 'seed', 'sentence', 'audio'"),
    ],
)
def test_what_the_suite_cannot_feed_is_named_with_the_fixture_to_give(failures, block, told):
    message, step = failures(fixtures(block=block), "follow")[CHUNKS]
    assert message == told and "the fixture 'frames'" in step


@frozen
class Decodes(Runs):
    """Declares what its network reads."""

    network: Program = field(factory=lambda: Unmasked("mel"))  # what it runs

    @property
    def consumes(self):
        return self.network.network.consumes


def test_frames_are_drawn_as_the_networks_of_a_block_declare_them(outcomes):
    found = outcomes(fixtures(block=Decodes()), "follow or any_sizes or declares")
    assert {what for what, *_ in found.values()} == {"passed"}


@frozen
class Begins(StreamableBlock):
    """Gives frames for the symbols of a sentence."""

    drops: bool = False  # whether it forgets marks

    def stream(self, sequence, upstream):
        ids = sequence["ids"].astype(np.float32)
        yield Chunk({"ids": ids}, 0, True, () if self.drops else sequence.marks)


def test_a_block_that_begins_a_row_is_given_marks_of_the_suites_own(outcomes):
    sequence = Tensors({"ids": np.arange(9)[None]})
    for drops, outcome in ((False, "passed"), (True, "failed")):
        made = fixtures(block=Begins(drops), frames=None, sequence=sequence)
        assert outcomes(made, "marks")[MARKS][0] == outcome


def test_what_is_skipped_says_why(outcomes):
    sequence = Tensors({"ids": np.arange(9)[None]})
    found = outcomes(fixtures(block=Begins(), frames=None, sequence=sequence), QUICK)
    skipped = {check: why for check, (what, why, _) in found.items() if what == "skipped"}
    assert set(skipped) == {AHEAD, FLAT, EMPTY, THROUGH, FIXED}
    assert skipped[AHEAD] == "the fixture 'frames' is None, as it begins a row: it reads no stream"
