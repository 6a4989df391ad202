"""The default voice on real networks: streamed is whole, first audio is early, memory is flat."""

import sys
import threading
import time
import types
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

import numpy as np
import pytest
from attrs import field, frozen
from hypothesis import example, given, settings
from hypothesis import strategies as st
from voxstack import AudioFormat, Component, Host, StreamableBlock, hookimpl

EXACT = 1e-5
SHORT = "Yes, we can."
SENTENCES = ("Good morning.", "It rains, and the 3 dogs are wet!", "Who is there?")
PAGE = " ".join(SENTENCES * 20)


def audio_of(chunks):
    return np.concatenate([np.asarray(chunk["audio"])[0] for chunk in chunks])


def first_audio(stream):
    for chunk in stream:
        if len(chunk):
            return chunk
    raise AssertionError("no audio")


def voxstack_threads():
    return [t for t in threading.enumerate() if t.name.startswith("voxstack")]


@pytest.fixture(scope="module")
def whole(voice):
    return {s: voice.synthesize(SHORT, speaker=s).samples for s in ("rms", "slt")}


# Streamed is whole ------------------------------------------------------------------------------


@settings(max_examples=12, deadline=None)
@example(frames=[1], speaker="rms")
@example(frames=[1], speaker="slt")
@example(frames=[1 << 20], speaker="rms")
@given(
    frames=st.lists(st.integers(1, 80), min_size=1, max_size=6),
    speaker=st.sampled_from(["rms", "slt"]),
)
def test_streamed_is_whole_whatever_is_pulled(voice, whole, frames, speaker):
    chunks = list(voice.stream(SHORT, speaker=speaker, frames=frames))
    streamed = audio_of(chunks)
    assert streamed.shape == whole[speaker].shape
    assert np.abs(streamed - whole[speaker]).max() <= EXACT
    assert [c.last for c in chunks] == [False] * (len(chunks) - 1) + [True]
    starts = np.cumsum([0, *(len(c) for c in chunks)])
    assert [c.start for c in chunks] == starts[:-1].tolist()


def test_sentences_streamed_by_single_frames_are_those_made_whole(voice):
    text = " ".join(SENTENCES[:2])
    streamed = audio_of(voice.stream(text, frames=[1], rate=1.7))
    samples = voice.synthesize(text, rate=1.7).samples
    assert np.abs(streamed - samples).max() <= EXACT


def test_audio_is_float32_and_its_length_whole_frames(voice, whole):
    for samples in whole.values():
        assert samples.dtype == np.float32
        assert len(samples) % 200 == 0
        assert np.isfinite(samples).all() and 0.05 < np.abs(samples).max() <= 1.5


def test_text_in_pieces_sounds_like_text_at_once(voice):
    text = " ".join(SENTENCES)
    pieces = [text[i : i + 3] for i in range(0, len(text), 3)]
    assert np.array_equal(voice.synthesize(pieces).samples, voice.synthesize(text).samples)


def test_many_threads_get_the_bytes_that_they_get_alone(voice):
    asked = [
        {"text": text, "speaker": speaker, "seed": seed, "rate": rate}
        for text in SENTENCES
        for speaker, seed, rate in (("rms", 0, 1.0), ("slt", 3, 1.5))
    ]

    def speak(asked):
        return audio_of(voice.stream(**asked)).tobytes()

    alone = [speak(a) for a in asked]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(speak, asked * 4))
    assert together == alone * 4


# Early ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", [SHORT, PAGE], ids=["short", "page"])
@pytest.mark.parametrize("speaker", ["rms", "slt"])
def test_first_audio_costs_one_call_of_each_network(voice, text, speaker):
    with voice.stream(text, speaker=speaker) as stream:
        assert len(first_audio(stream)) == 8 * 200
    calls = {name: timing["calls"] for name, timing in stream.report.networks.items()}
    assert calls == dict.fromkeys(("text_encoder", "prosody", "decoder", "vocoder"), 1)


def test_first_audio_of_a_page_reads_no_more_text_than_it_needs(voice):
    read = []

    def pieces():
        for sentence in SENTENCES * 20:
            read.append(sentence)
            yield sentence + "\n"

    with voice.stream(pieces()) as stream:
        chunk = first_audio(stream)
    assert len(read) <= 2
    alone = first_audio(voice.stream(SENTENCES[0]))
    assert np.array_equal(chunk["audio"], alone["audio"])


def test_first_audio_does_not_wait_for_the_second_sentence(voice):
    wait = threading.Event()

    def pieces():
        yield SENTENCES[0] + "\n"
        assert wait.wait(20)
        yield SENTENCES[1]

    with voice.stream(pieces()) as stream:
        first = sum(len(c) for c in islice(stream, 3))
        assert first > 0
        wait.set()
        rest = sum(len(c) for c in stream)
    assert first + rest == len(voice.synthesize(" ".join(SENTENCES[:2])).samples)


# Between sentences ------------------------------------------------------------------------------


@frozen
class SameNoise(StreamableBlock):
    """The noise of the first sentence, for every sentence."""

    produces = ("noise",)

    audio: AudioFormat = field(kw_only=True)

    def stream(self, sequence, upstream):
        random = np.random.default_rng(int(sequence["seed"][0]))
        for chunk in upstream:
            noise = random.standard_normal((len(chunk), self.audio.hop), dtype=np.float32)
            yield chunk.replace(noise=np.ascontiguousarray(noise.T[None]))


class SameNoisePlugin:
    @hookimpl
    def voxstack_blocks(self):
        return [Component("SameNoise", "voxstack_test_same_noise:SameNoise")]


@pytest.fixture
def steady(monkeypatch):
    """The default voice with noise that does not know which sentence it is in."""
    module = types.ModuleType("voxstack_test_same_noise")
    module.SameNoise = SameNoise
    monkeypatch.setitem(sys.modules, module.__name__, module)
    with Host(plugins=[SameNoisePlugin()]) as host:
        edits = {"/stack/0/streamable_block/stack/3": {"type": "SameNoise"}}
        yield host.voice("en-us", edits=edits)


def test_between_sentences_there_is_nothing_but_their_own_pauses(steady):
    together = audio_of(steady.stream(" ".join(SENTENCES)))
    alone = [steady.synthesize(sentence).samples for sentence in SENTENCES]
    assert len(together) == sum(map(len, alone))
    assert np.abs(together - np.concatenate(alone)).max() <= EXACT


def test_the_noise_of_a_sentence_is_that_of_its_place(voice):
    text = " ".join(SENTENCES[:1] * 2)
    once = voice.synthesize(SENTENCES[0]).samples
    twice = voice.synthesize(text).samples
    first, second = twice[: len(once)], twice[len(once) :]
    assert np.array_equal(first, once)
    assert len(second) == len(once)
    assert not np.array_equal(second, once)
    assert np.corrcoef(second, once)[0, 1] > 0.8


# Marks ------------------------------------------------------------------------------------------


def test_marks_rise_and_their_spans_are_the_words(voice):
    text = "It costs $3.50, Dr. Smith said.  Is that   too much?\nPerhaps."
    audio = voice.synthesize(text)
    words = [mark for mark in audio.marks if mark.kind == "word"]
    assert [text[slice(*mark.span)] for mark in words] == [mark.value for mark in words]
    assert [w.value for w in words][:4] == ["It", "costs", "$3.50", "Dr."]
    spans = [mark.span for mark in words]
    assert spans == sorted(spans)
    starts = [mark.start for mark in audio.marks]
    assert starts == sorted(starts)
    assert starts[0] == 0 and starts[-1] < len(audio.samples)
    assert sum(mark.kind == "sentence" for mark in audio.marks) == 3


def test_a_mark_comes_with_the_chunk_that_it_begins_in(voice):
    text = " ".join(SENTENCES)
    for chunk in voice.stream(text, frames=[5]):
        for mark in chunk.marks:
            assert chunk.start <= mark.start < chunk.start + max(1, len(chunk))


def test_marks_are_the_same_streamed_and_whole(voice):
    text = " ".join(SENTENCES)
    streamed = [mark for chunk in voice.stream(text, frames=[3]) for mark in chunk.marks]
    assert tuple(streamed) == voice.synthesize(text).marks


# A reader that is slow, or stops ----------------------------------------------------------------


def test_a_slow_reader_is_one_sentence_ahead_and_no_more(voice):
    read = []

    def endless():
        while True:
            sentence = SENTENCES[len(read) % 3]
            read.append(sentence)
            yield sentence + "\n"

    threads = max(1, len(voxstack_threads()))  # that wait for more to do
    with voice.stream(endless()) as stream:
        spoken = 0
        for chunk in islice(stream, 60):
            spoken += sum(mark.kind == "sentence" for mark in chunk.marks)
            time.sleep(0.002)
            assert len(read) <= spoken + 3
            assert len(voxstack_threads()) <= threads
        before = len(read)
        time.sleep(0.3)
        assert len(read) <= before + 1, "it went on for a reader that does not read"


def test_memory_is_flat_however_long_it_speaks(voice):
    import tracemalloc

    def endless():
        while True:
            yield " ".join(SENTENCES) + "\n"

    with voice.stream(endless()) as stream:
        for _ in islice(stream, 200):
            pass
        tracemalloc.start()
        try:
            held = []
            for _ in range(3):
                for _ in islice(stream, 100):
                    pass
                held.append(tracemalloc.get_traced_memory()[0])
        finally:
            tracemalloc.stop()
    assert held[-1] - held[0] < 2_000_000


def test_closing_ends_the_work_within_one_chunk(voice):
    threads = max(1, len(voxstack_threads()))
    for _ in range(20):
        stream = voice.stream(PAGE)
        first_audio(stream)
        next(stream)
        stream.close()
        assert stream.report.networks["vocoder"]["calls"] <= 3  # one of them a sentence ahead
        assert not stream.report.complete
        assert list(stream) == []
    assert len(voxstack_threads()) <= threads + 1


def test_cancelling_from_another_thread_ends_the_readers_loop(voice):
    stream = voice.stream(PAGE)
    first_audio(stream)
    thread = threading.Thread(target=stream.cancel)
    thread.start()
    thread.join()
    assert len(list(stream)) <= 1
    assert stream.report is not None and not stream.report.complete


def test_an_utterance_reports_what_it_took(voice):
    stream = voice.stream(SHORT)
    chunks = list(stream)
    report = stream.report
    assert report.complete and report.voice == "en-us"
    assert report.chunks == len(chunks)
    assert report.audio_s == pytest.approx(sum(map(len, chunks)) / 16000)
    assert 0 < report.first_audio_s <= report.total_s
    assert report.networks["text_encoder"]["calls"] == 1


@pytest.mark.parametrize("code", [0, 3])
def test_a_process_may_end_while_a_stream_is_open(tmp_path, code):
    import subprocess

    script = (
        "import sys\nfrom voxstack import Host\n"
        f"stream = Host().voice('en-us').stream({PAGE!r}, frames=[400])\n"
        f"next(stream)\nnext(stream)\nsys.exit({code})\n"
    )
    for _ in range(4):
        done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True)
        assert (done.returncode, done.stderr) == (code, b"")
