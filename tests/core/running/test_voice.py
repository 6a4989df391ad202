"""A voice: text in, chunks of audio out."""

import gc
import threading
import time
import tracemalloc
import weakref
from contextlib import suppress
from itertools import pairwise

import numpy as np
import pytest
from attrs import frozen
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from voxstack import Audio, BlockError, InputError, StreamableBlock, current_utterance, hookimpl
from voxstack.running import joining
from voxstack.running.ahead import SentenceAhead

quick = settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
TEXT = "One two. Three. And four five six."
SAMPLES = 12  # a symbol of the tiny voice: three frames of four samples


def speak(voice, text=TEXT, **options):
    with voice.stream(text, **options) as chunks:
        return list(chunks)


def audio(chunks):
    return np.concatenate([np.asarray(c["audio"], np.float32)[0] for c in chunks] or [np.zeros(0)])


def by_hand(sentence, speaker=0):
    """The tiny voice's arithmetic, on one whole sentence."""
    x = np.repeat([float(ord(c) + speaker) for c in sentence], 3)
    mel = np.convolve(x, [1, 2, 3, 4, 5, 6])[3 : 3 + len(x)]
    return np.repeat(np.convolve(mel, [1, 1, 1, 1])[2 : 2 + len(mel)], 4) * 2.0**-16


def eventually(condition):
    """Wait for what another thread is about to do."""
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.002)


@pytest.fixture(autouse=True)
def settle(monkeypatch):
    """Wait until every sentence ahead is as far as it may go."""
    made = weakref.WeakSet()

    def recorded(*args):
        ahead = SentenceAhead(*args)
        made.add(ahead)
        return ahead

    def wait():
        for ahead in list(made):
            with suppress(Exception):
                ahead.take()

    monkeypatch.setattr(joining, "SentenceAhead", recorded)
    yield wait
    wait()


class Ear:
    """An effect in the tail of a voice that records what flows past."""

    def __init__(self):
        self.heard, self.began, self.closed, self.sequences = [], 0, 0, []
        ear = self

        @frozen
        class Listen(StreamableBlock):
            def stream(self, sequence, upstream):
                ear.began += 1
                ear.sequences.append(sequence)
                try:
                    for chunk in upstream:
                        ear.heard.append(chunk)
                        yield chunk
                finally:
                    ear.closed += 1

        self.block = Listen


@pytest.fixture
def ear():
    return Ear()


@pytest.fixture
def heard_voice(tiny_host, ear):
    host = tiny_host(lambda m: m["stack"].append({"type": "Listen"}), effects=[ear.block])
    return host.voice("tiny")


@pytest.fixture
def counted_voice(tiny_host, tiny_parts):
    """A voice and the sentences that its frontend was asked for; "!" in one is an error."""
    (plain,) = tiny_parts["frontends"]
    asked = []

    @frozen
    class Counted(plain):
        def sentences(self, text):
            for sentence in super().sentences(text):
                asked.append(sentence.text)
                if "!" in sentence.text:
                    raise InputError("cannot say '!'")
                yield sentence

    def change(manifest):
        manifest["frontend"] = {"type": "Counted"}

    return tiny_host(change, frontends=[Counted]).voice("tiny"), asked


# Audio ------------------------------------------------------------------------------------------


def test_a_sentence_sounds_as_it_is_computed_by_hand(tiny_voice):
    assert np.array_equal(tiny_voice.synthesize("Hello.").samples, by_hand("Hello."))


def test_sentences_follow_each_other_without_a_seam(tiny_voice):
    expected = [by_hand(text) for text in ("One two.", "Three.", "And four five six.")]
    assert np.array_equal(tiny_voice.synthesize(TEXT).samples, np.concatenate(expected))


@quick
@given(
    st.lists(st.text("abc ", max_size=12).map(lambda s: f"x{s}."), min_size=1, max_size=4),
    st.lists(st.integers(1, 40), min_size=1, max_size=4),
)
def test_streamed_audio_is_that_of_one_piece_for_any_frames(tiny_voice, sentences, frames):
    text = " ".join(sentences)
    chunks = speak(tiny_voice, text, frames=frames)
    assert np.array_equal(audio(chunks), tiny_voice.synthesize(text).samples)


@pytest.mark.parametrize("frames", [(1,), (7,), (8, 16, 32), (10_000,), ()])
def test_starts_are_of_the_whole_utterance_and_the_last_chunk_says_so(tiny_voice, frames):
    chunks = speak(tiny_voice, frames=frames)
    ends = np.cumsum([len(chunk) for chunk in chunks])
    assert [chunk.start for chunk in chunks] == [0, *ends[:-1]]
    assert [chunk.last for chunk in chunks] == [False] * (len(chunks) - 1) + [True]


@pytest.mark.parametrize("frames", [(1,), (5, 9), (10_000,)])
def test_marks_count_samples_of_the_whole_utterance(tiny_voice, frames):
    chunks = speak(tiny_voice, frames=frames)
    marks = [mark for chunk in chunks for mark in chunk.marks]
    assert [(m.value, m.start // SAMPLES) for m in marks] == [
        ("One", 0),
        ("two.", 4),
        ("Three.", 8),
        ("And", 14),
        ("four", 18),
        ("five", 23),
        ("six.", 28),
    ]
    for chunk in chunks:
        assert all(chunk.start <= m.start < chunk.start + len(chunk) for m in chunk.marks)
    assert list(tiny_voice.synthesize(TEXT).marks) == marks


def test_the_first_chunk_costs_one_call_of_each_network(tiny_voice):
    with tiny_voice.stream("A rather long sentence to speak.") as chunks:
        next(chunks)
        timings = chunks._utterance.timings
        assert {name: t.calls for name, t in timings.items()} == {
            "encoder": 1,
            "decoder": 1,
            "vocoder": 1,
        }


def test_the_encoders_run_once_per_sentence(tiny_voice):
    with tiny_voice.stream(TEXT, frames=(1,)) as chunks:
        list(chunks)
    assert chunks.report.networks["encoder"]["calls"] == 3


def test_synthesized_audio_can_be_saved(tiny_voice, tmp_path):
    made = tiny_voice.synthesize("Hello.")
    assert isinstance(made, Audio)
    assert made.sample_rate == tiny_voice.sample_rate == 1000
    assert made.seconds == 6 * SAMPLES / 1000
    made.save(tmp_path / "hello.wav")


# The whole utterance ----------------------------------------------------------------------------


def test_an_effect_behind_the_vocoder_sees_one_continuous_utterance(heard_voice, ear):
    chunks = speak(heard_voice)
    assert (ear.began, ear.closed) == (1, 1)
    assert [c.start for c in ear.heard] == [c.start for c in chunks]
    assert [c.last for c in ear.heard].count(True) == 1


def test_an_effect_behind_the_vocoder_sees_the_controls_and_not_a_sentences_tensors(
    heard_voice, ear
):
    speak(heard_voice, speaker="bob", rate=1.5)
    (sequence,) = ear.sequences
    assert sequence["speaker"].tolist() == [1]
    assert sequence["rate"].tolist() == [1.5]
    assert "ids" not in sequence


def test_blocks_see_the_seed_and_the_number_of_their_sentence(tiny_host, tiny_parts):
    seen = []

    @frozen
    class Look(StreamableBlock):
        def stream(self, sequence, upstream):
            seen.append((int(sequence["seed"][0]), int(sequence["sentence"][0])))
            yield from upstream

    host = tiny_host(lambda m: m["stack"].insert(1, {"type": "Look"}), blocks=[Look])
    speak(host.voice("tiny"), seed=7)
    assert seen == [(7, 0), (7, 1), (7, 2)]


# One sentence ahead -----------------------------------------------------------------------------


def test_while_the_reader_stands_still_one_sentence_ahead_is_asked_for_and_no_more(
    counted_voice, settle
):
    voice, asked = counted_voice
    text = " ".join(f"Sentence {i}." for i in range(9))
    with voice.stream(text, frames=(10_000,)) as chunks:
        for number in range(7):
            next(chunks)
            settle()
            assert len(asked) == number + 2


def test_the_next_sentence_is_begun_when_a_second_of_this_one_is_made(counted_voice, settle):
    voice, asked = counted_voice
    long = f"A{'h' * 200}."
    with voice.stream(f"{long} B. C. D. E.", frames=(25,)) as chunks:
        for _ in range(10):
            next(chunks)
        settle()
        assert asked == [long]  # the second has just been taken
        next(chunks)
        settle()
        assert asked == [long, "B."]


def test_a_later_sentence_begins_with_the_size_that_the_schedule_has_come_to(tiny_voice):
    text = f"Short. {'h' * 60}."  # 18 frames, then 183
    starts = {chunk.start // 4: len(chunk) // 4 for chunk in tiny_voice.stream(text) if len(chunk)}
    assert list(starts.values()) == [8, 10, 32, 64, 87]


def test_where_text_comes_in_pieces_each_sentence_begins_with_the_smallest_size(tiny_voice):
    text = ["Short. ", f"{'h' * 60}."]
    sizes = [len(chunk) // 4 for chunk in tiny_voice.stream(text) if len(chunk)]
    assert sizes == [8, 10, 8, 16, 32, 64, 63]


def test_no_sentence_is_asked_for_before_the_first_chunk(counted_voice):
    voice, asked = counted_voice
    voice.stream(TEXT)
    assert asked == []


def test_an_error_in_the_sentence_ahead_comes_after_the_good_chunks(counted_voice):
    voice, _ = counted_voice
    got = []
    with pytest.raises(InputError, match="cannot say"), voice.stream("Good. Bad!. x.") as chunks:
        got.extend(chunks)
    assert np.array_equal(audio(got), by_hand("Good."))
    assert not any(chunk.last for chunk in got)


def test_a_block_that_fails_in_the_sentence_ahead_has_its_pointer(tiny_host):
    @frozen
    class Fragile(StreamableBlock):
        def stream(self, sequence, upstream):
            if int(sequence["sentence"][0]) == 1:
                raise RuntimeError("tired")
            yield from upstream

    host = tiny_host(lambda m: m["stack"].insert(1, {"type": "Fragile"}), blocks=[Fragile])
    got, stream = [], host.voice("tiny").stream(TEXT)
    with pytest.raises(BlockError, match="RuntimeError: tired") as caught:
        got.extend(stream)
    assert caught.value.pointer == "/stack/1"
    assert stream.report.complete is False


def test_a_block_in_the_tail_that_fails_has_its_place_in_the_whole_stack(tiny_host):
    @frozen
    class Broken(StreamableBlock):
        def stream(self, sequence, upstream):
            for _ in upstream:
                raise RuntimeError("boom")
            yield

    host = tiny_host(lambda m: m["stack"].append({"type": "Broken"}), effects=[Broken])
    with pytest.raises(BlockError) as caught:
        speak(host.voice("tiny"))
    assert caught.value.pointer == "/stack/2"


def test_a_frontend_that_fails_is_located(tiny_host, tiny_parts):
    (plain,) = tiny_parts["frontends"]

    @frozen
    class Broken(plain):
        def sentences(self, text):
            raise KeyError("lexicon")

    host = tiny_host(lambda m: m.update(frontend={"type": "Broken"}), frontends=[Broken])
    with pytest.raises(BlockError, match="KeyError: 'lexicon'") as caught:
        speak(host.voice("tiny"))
    assert caught.value.pointer == "/frontend"


# Text in pieces ---------------------------------------------------------------------------------


def test_text_that_arrives_in_pieces_is_spoken_before_the_next_piece_is_given(tiny_voice):
    go_on, was_spoken = threading.Event(), []

    def pieces():
        yield "One. T"
        was_spoken.append(go_on.wait(20))
        yield "wo."

    total = 0
    for chunk in tiny_voice.stream(pieces(), frames=(4,)):
        total += len(chunk)
        if total == 4 * SAMPLES:
            go_on.set()
    assert was_spoken == [True]
    assert total == 8 * SAMPLES


@quick
@given(st.lists(st.integers(0, len(TEXT)), max_size=5))
def test_any_pieces_give_the_same_audio(tiny_voice, cuts):
    ends = [0, *sorted(cuts), len(TEXT)]
    pieces = [TEXT[a:b] for a, b in pairwise(ends)]
    chunks = speak(tiny_voice, iter(pieces))
    assert np.array_equal(audio(chunks), tiny_voice.synthesize(TEXT).samples)
    assert [c.last for c in chunks] == [False] * (len(chunks) - 1) + [True]


def test_a_writer_that_fails_is_heard_after_what_it_wrote(tiny_voice):
    def pieces():
        yield "One."
        raise OSError("the pipe broke")

    got, chunks = [], tiny_voice.stream(pieces())
    with pytest.raises((OSError, BlockError), match="the pipe broke"):
        got.extend(chunks)
    assert np.array_equal(audio(got), by_hand("One."))


# Ending early -----------------------------------------------------------------------------------


def test_a_reader_that_stops_reading_leaves_nothing_running(heard_voice, ear, settle):
    chunks = heard_voice.stream(TEXT, frames=(2,))
    next(chunks)
    del chunks
    gc.collect()
    settle()
    eventually(lambda: ear.closed == 1)


def test_close_frees_everything_and_ends_the_iteration(heard_voice, ear):
    chunks = heard_voice.stream(TEXT, frames=(2,))
    next(chunks)
    chunks.close()
    assert ear.closed == 1
    assert list(chunks) == []
    assert chunks.report.complete is False
    assert chunks.report.chunks == 1
    chunks.close()


def test_close_before_the_first_chunk_is_fine(heard_voice, ear):
    chunks = heard_voice.stream(TEXT)
    chunks.close()
    assert list(chunks) == []
    assert ear.began == ear.closed


@pytest.mark.parametrize("method", ["close", "cancel"])
def test_a_stream_that_is_ended_from_another_thread_ends_the_readers_loop(tiny_voice, method):
    endless = (f"Sentence {i}. " for i in iter(int, 1))
    chunks = tiny_voice.stream(endless, frames=(4,))
    got, many = [], threading.Event()

    def read():
        for chunk in chunks:
            got.append(chunk)
            if len(got) == 20:
                many.set()

    reader = threading.Thread(target=read)
    reader.start()
    assert many.wait(20)
    getattr(chunks, method)()
    reader.join(20)
    assert not reader.is_alive()
    assert chunks.report.complete is False


@pytest.mark.parametrize("method", ["close", "cancel"])
def test_a_stream_that_waits_for_a_silent_writer_can_be_ended(tiny_voice, method):
    silence, got = threading.Event(), []

    def pieces():
        yield "One."
        silence.wait(30)

    chunks = tiny_voice.stream(pieces(), frames=(10_000,))
    reader = threading.Thread(target=lambda: got.extend(chunks), daemon=True)
    reader.start()
    ender = threading.Thread(target=getattr(chunks, method), daemon=True)
    try:
        time.sleep(0.1)  # the reader is at its second chunk by now, or ends even sooner
        ender.start()
        ender.join(5)
        reader.join(5)
        assert not ender.is_alive()
        assert not reader.is_alive()
    finally:
        silence.set()
        ender.join(5)
        reader.join(5)


def test_cancel_stops_at_the_next_chunk(heard_voice, ear):
    chunks = heard_voice.stream(TEXT, frames=(2,))
    next(chunks)
    chunks.cancel()
    assert list(chunks) == []
    assert len(ear.heard) == 1
    assert ear.closed == 1


def test_leaving_the_with_closes(heard_voice, ear):
    with pytest.raises(ZeroDivisionError), heard_voice.stream(TEXT) as chunks:
        next(chunks)
        _ = 1 / 0
    assert ear.closed == 1
    assert chunks.report.complete is False


def test_memory_stays_flat_over_two_thousand_sentences(tiny_voice):
    sentences = (f"Number {i}. " for i in range(2000))
    chunks = tiny_voice.stream(sentences, frames=(10_000,))
    for _ in range(200):
        next(chunks)
    tracemalloc.start()
    try:
        for _ in range(50):
            next(chunks)
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        rest = sum(1 for _ in chunks)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert rest >= 1700
    assert peak - before < 300_000


def test_a_closed_stream_frees_the_generators_of_the_sentence_ahead(tiny_host, settle):
    opened, closed = [], []

    @frozen
    class Watch(StreamableBlock):
        def stream(self, sequence, upstream):
            sentence = int(sequence["sentence"][0])
            opened.append(sentence)
            try:
                yield from upstream
            finally:
                closed.append(sentence)

    host = tiny_host(lambda m: m["stack"].insert(1, {"type": "Watch"}), blocks=[Watch])
    with host.voice("tiny").stream(TEXT, frames=(2,)) as chunks:
        for _ in range(12):  # up to the last chunk of the first sentence
            next(chunks)
        settle()
        assert opened == [0, 1]
    assert sorted(closed) == [0, 1]


def test_threads_do_not_grow_with_the_number_of_sentences(tiny_voice, settle):
    speak(tiny_voice, "One. Two.")
    settle()
    before = threading.active_count()
    for _ in range(10):
        speak(tiny_voice)
        settle()
    assert threading.active_count() <= before + 1


# Many at once -----------------------------------------------------------------------------------


def test_many_threads_get_the_same_bytes_as_alone(tiny_voice):
    texts = [f"{name} speaks. And again {name}." for name in ("Ann", "Bob", "Cy", "Di")]
    alone = {text: tiny_voice.synthesize(text).samples.tobytes() for text in texts}
    wrong, start = [], threading.Barrier(8)

    def work(index):
        start.wait()
        for turn in range(4):
            text = texts[(index + turn) % 4]
            if audio(speak(tiny_voice, text, frames=(1 + index,))).tobytes() != alone[text]:
                wrong.append(text)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_two_streams_of_one_thread_can_be_read_in_turns(tiny_voice):
    a, b = (tiny_voice.stream(TEXT, speaker=s, frames=(3,)) for s in ("ann", "bob"))
    pairs = list(zip(a, b, strict=True))
    assert np.array_equal(
        audio([x for x, _ in pairs]), tiny_voice.synthesize(TEXT, speaker="ann").samples
    )
    assert np.array_equal(
        audio([y for _, y in pairs]), tiny_voice.synthesize(TEXT, speaker="bob").samples
    )


def test_the_utterance_is_seen_inside_its_stream_and_not_outside(tiny_host):
    seen = []

    @frozen
    class Look(StreamableBlock):
        def stream(self, sequence, upstream):
            for chunk in upstream:
                seen.append(current_utterance())
                yield chunk

    host = tiny_host(lambda m: m["stack"].append({"type": "Look"}), effects=[Look])
    speak(host.voice("tiny"), "One. Two.", seed=3)
    assert {(u.voice, u.seed) for u in seen} == {("tiny", 3)}
    assert current_utterance() is None


# What is asked for ------------------------------------------------------------------------------


def test_a_control_changes_the_audio(tiny_voice):
    assert np.array_equal(tiny_voice.synthesize("Hi.", speaker="bob").samples, by_hand("Hi.", 1))


@pytest.mark.parametrize(
    ("controls", "message"),
    [
        ({"speeker": "ann"}, "the voice 'tiny' has no control 'speeker' .did you mean 'speaker'"),
        ({"zzz": 1}, "it has: speaker, rate"),
        ({"speaker": "anne"}, "speaker 'anne' is not one of: ann, bob .did you mean 'ann'"),
        ({"rate": 3}, "rate must be 0.5 to 2, not 3"),
        ({"rate": float("nan")}, "rate must be 0.5 to 2, not nan"),
        ({"rate": "fast"}, 'rate must be a number, not "fast"'),
        ({"seed": -1}, "seed must be a whole number from 0 to 4294967295, not -1"),
        ({"seed": 1 << 32}, "seed must be"),
        ({"seed": True}, "seed must be"),
        ({"seed": 1.0}, "seed must be"),
    ],
)
def test_a_control_that_is_not_allowed_is_refused_at_once(tiny_voice, controls, message):
    with pytest.raises(InputError, match=message):
        tiny_voice.stream(TEXT, **controls)


def test_a_control_of_none_is_its_default(tiny_voice):
    assert np.array_equal(
        tiny_voice.synthesize("Hi.", speaker=None, rate=None).samples, by_hand("Hi.")
    )


@pytest.mark.parametrize("frames", [(0,), (8, -1)])
def test_frames_that_are_not_chunk_sizes_are_an_input_error(tiny_voice, frames):
    with pytest.raises(InputError, match=r"frames: .*1 frame or more"):
        tiny_voice.stream(TEXT, frames=frames)


@pytest.mark.parametrize("text", ["", "  \n", iter([]), iter(["", " "])])
def test_text_with_nothing_to_speak_is_an_input_error_at_the_first_chunk(tiny_voice, text):
    chunks = tiny_voice.stream(text)
    with pytest.raises(InputError, match="nothing to speak"):
        next(chunks)
    assert chunks.report.audio_s == 0


def test_warming_up_loads_and_speaks_to_nobody(tiny_host):
    voice = tiny_host().voice("tiny", load=False)
    assert not voice.loaded
    voice.warm_up()
    assert voice.loaded


# Hooks ------------------------------------------------------------------------------------------


class Diary:
    def __init__(self):
        self.lines, self.reports = [], []

    @hookimpl
    def voxstack_voice_loaded(self, voice):
        self.lines.append(f"loaded {voice.name}")

    @hookimpl
    def voxstack_utterance_began(self, voice, utterance):
        self.lines.append(f"began {utterance.voice} {utterance.seed}")

    @hookimpl
    def voxstack_utterance_ended(self, voice, report):
        self.lines.append("ended")
        self.reports.append(report)


def test_observers_hear_of_the_life_of_a_voice_and_of_its_utterances(tiny_host):
    diary = Diary()
    voice = tiny_host(plugins=[diary]).voice("tiny")
    chunks = speak(voice, "One. Two.", seed=5)
    assert diary.lines == ["loaded tiny", "began tiny 5", "ended"]
    (report,) = diary.reports
    assert report.audio_s == 8 * SAMPLES / 1000
    assert (report.complete, report.chunks, report.voice) == (True, len(chunks), "tiny")
    assert 0 < report.first_audio_s <= report.total_s
    assert set(report.networks) == {"encoder", "decoder", "vocoder"}
    assert report.networks["encoder"]["calls"] == 2


def test_observers_hear_of_the_end_of_an_utterance_once_however_it_ended(tiny_host):
    diary = Diary()
    voice = tiny_host(plugins=[diary]).voice("tiny")
    chunks = voice.stream(TEXT)
    next(chunks)
    chunks.close()
    chunks.close()
    with pytest.raises(InputError):
        next(voice.stream(""))
    assert diary.lines.count("ended") == 2
    assert [report.complete for report in diary.reports] == [False, False]
    assert diary.reports[1].first_audio_s is None


def test_an_observer_that_fails_does_not_disturb_the_voice(tiny_host, capsys):
    class Rude:
        @hookimpl
        def voxstack_utterance_began(self, voice):
            raise RuntimeError("no")

    voice = tiny_host(plugins=[Rude()]).voice("tiny")
    assert len(speak(voice, "Hi."))
    assert "observer failed" in capsys.readouterr().err


# What comes out -----------------------------------------------------------------------------------


@frozen
class Doubtful(StreamableBlock):
    """Does something to each chunk, by a name."""

    what: str = "nothing"

    def stream(self, sequence, upstream):
        for chunk in upstream:
            audio = np.asarray(chunk["audio"])
            if not len(chunk):
                yield chunk
            elif self.what == "dropped":
                yield chunk.replace(last=False)
            elif self.what == "early":
                yield chunk.replace(last=True)
            else:
                yield chunk.replace(audio=DOUBTS[self.what](audio))


DOUBTS = {
    "lost": lambda a: a[:, :-1],
    "doubled": lambda a: np.repeat(a, 2, -1),
    "not a number": lambda a: a * np.nan,
    "flat": lambda a: a[0],
    "complex": lambda a: a * 1j,
    "whole numbers": lambda a: np.ones(a.shape, np.int16),
}


@pytest.mark.parametrize(
    ("what", "told"),
    [
        ("lost", r"starts at 8, expected 7: frames were lost, doubled or not .*replace\(start="),
        ("doubled", r"starts at 8, expected 16: frames were lost, doubled .*replace\(start="),
        ("dropped", "ended without a last chunk; pass on chunk.last"),
        ("early", r"yielded a chunk after the last one; set last=True only on the final chunk"),
        ("not a number", "not finite: Doubtful made it so, or passed it on"),
        ("flat", r"float\d+ \[\d+\], expected float32 \[1, T\]"),
        ("complex", r"is complex\d+ \[1, \d+\], expected float32"),
        ("whole numbers", r"is int16 \[1, \d+\], expected float32"),
    ],
)
def test_audio_that_a_block_spoils_is_an_error_at_its_place(tiny_host, what, told):
    edits = {"/stack/-": {"type": "Doubtful", "what": what}}
    voice = tiny_host(effects=[Doubtful]).voice("tiny", edits=edits)
    with pytest.raises(BlockError, match=told) as caught:
        list(voice.stream("Hi.", frames=(2,)))
    assert caught.value.pointer == "/stack/2"


def test_audio_of_another_precision_comes_out_as_float32(tiny_voice):
    assert {c["audio"].dtype for c in tiny_voice.stream("Hi.")} == {np.dtype(np.float32)}
