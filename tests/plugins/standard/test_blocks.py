"""The standard blocks: frames by durations, phase, noise, loudness, a tap."""

import json
from importlib.metadata import entry_points

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from voxstack import AudioFormat, BlockError, Chunk, Mark, Schedule, Tensors
from voxstack.errors import MissingTensorError
from voxstack.hookspecs import KINDS
from voxstack_standard.gain import Gain
from voxstack_standard.noise import Noise
from voxstack_standard.phase import Phase
from voxstack_standard.tap import Tap
from voxstack_standard.upsampler import Upsampler

AUDIO = AudioFormat(16000, 200)
sizes = st.lists(st.integers(1, 9), min_size=1, max_size=5)
quick = settings(max_examples=60, deadline=None)


def cut(sizes, marks=(), **tensors):
    """Cut tensors into chunks, the last size repeating."""
    total, start = next(iter(tensors.values())).shape[-1], 0
    for size in Schedule(sizes):
        end = min(total, start + size)
        part = {name: tensor[..., start:end] for name, tensor in tensors.items()}
        yield Chunk(part, start, end == total, tuple(m for m in marks if start <= m.start < end))
        if end == total:
            return
        start = end


def joined(chunks, name):
    return np.concatenate([np.asarray(chunk[name]) for chunk in chunks], axis=-1)


def starts_are_contiguous(chunks):
    ends = np.cumsum([len(c) for c in chunks])
    return [c.start for c in chunks] == [0, *ends[:-1]] and [c.last for c in chunks] == [False] * (
        len(chunks) - 1
    ) + [True]


# Upsampler --------------------------------------------------------------------------------------


def text(durations, channels=2, **more):
    count = len(durations)
    encodings = np.arange(channels * count, dtype=np.float32).reshape(1, channels, count)
    tensors = {"encodings": encodings, "durations": np.array([durations], np.float32), **more}
    return Tensors(tensors, tuple(Mark("symbol", str(i), i) for i in range(count)))


@quick
@given(st.lists(st.integers(1, 7), min_size=1, max_size=9), sizes)
def test_the_upsampler_repeats_each_symbol_for_its_frames_in_any_chunks(durations, sizes):
    sequence = text(durations)
    chunks = list(Upsampler(schedule=Schedule(sizes)).stream(sequence, None))
    assert starts_are_contiguous(chunks)
    assert np.array_equal(
        joined(chunks, "encodings"), np.repeat(sequence["encodings"], durations, axis=-1)
    )
    elapsed = np.concatenate([np.arange(d) + 0.5 for d in durations])
    assert np.array_equal(joined(chunks, "elapsed")[0], elapsed)
    assert np.array_equal(joined(chunks, "duration")[0], np.repeat(durations, durations))


@quick
@given(st.lists(st.integers(1, 7), min_size=1, max_size=9), sizes)
def test_the_upsampler_moves_marks_to_the_frame_at_which_their_symbol_begins(durations, sizes):
    chunks = list(Upsampler(schedule=Schedule(sizes)).stream(text(durations), None))
    begins = np.cumsum([0, *durations[:-1]]).tolist()
    assert [m.start for c in chunks for m in c.marks] == begins
    assert all(c.start <= m.start < c.start + len(c) for c in chunks for m in c.marks)


def frames(sequence, **options):
    chunks = list(Upsampler(**options).stream(sequence, None))
    return np.unique(joined(chunks, "encodings")[0, 0], return_counts=True)[1].tolist()


def test_the_rate_divides_the_durations():
    assert frames(text([4, 6], rate=np.array([2.0]))) == [2, 3]
    assert frames(text([4, 6], rate=np.array([0.5]))) == [8, 12]


def test_durations_are_rounded_and_a_symbol_has_at_least_the_minimum():
    assert frames(text([2.6, 0.2, -3.0])) == [3, 1, 1]
    assert frames(text([2.6, 0.2, -3.0]), minimum=2) == [3, 2, 2]


def test_a_symbol_without_frames_may_vanish_and_its_mark_stays():
    chunks = list(Upsampler(minimum=0).stream(text([2, 0, 1]), None))
    assert joined(chunks, "encodings")[0, 0].tolist() == [0, 0, 2]
    assert [m.start for c in chunks for m in c.marks] == [0, 2, 2]


def test_a_mark_of_a_last_symbol_without_frames_is_not_lost():
    chunks = list(Upsampler(minimum=0).stream(text([2, 0]), None))
    assert [m.value for c in chunks for m in c.marks] == ["0", "1"]


@pytest.mark.parametrize("durations", [[], [0, 0]])
def test_no_frames_at_all_give_one_empty_last_chunk(durations):
    (chunk,) = Upsampler(minimum=0).stream(text(durations), None)
    assert chunk["encodings"].shape == (1, 2, 0)
    assert chunk.last


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_durations_that_are_no_numbers_are_an_error(bad):
    with pytest.raises(BlockError, match="'durations' has values that are not finite"):
        list(Upsampler().stream(text([1, bad]), None))


def test_other_tensors_can_be_repeated():
    block = Upsampler(tensors=("f0", "voicing"), durations="length")
    assert set(block.consumes) == {"length", "f0", "voicing"}
    assert set(block.produces) == {"f0", "voicing", "elapsed", "duration"}
    ones = np.ones((1, 1, 2))
    sequence = Tensors({"f0": ones, "voicing": ones, "length": np.array([[1, 2]])})
    (chunk,) = block.stream(sequence, None)
    assert set(chunk.tensors) == set(block.produces)


# Phase ------------------------------------------------------------------------------------------

pitch = st.lists(st.floats(0, 500, width=32), min_size=1, max_size=40)


def phase_of(f0, sizes):
    chunks = list(Phase(audio=AUDIO).stream(Tensors(), cut(sizes, f0=np.array([f0], np.float32))))
    assert starts_are_contiguous(chunks)
    return joined(chunks, "phase")


def pitches():
    """Long utterances: glides, steps, whole cycles a frame and slow drifts."""
    random = np.random.default_rng(0)
    for _ in range(20):
        yield random.uniform(50, 400, 500)
        yield np.repeat(random.choice([80.0, 100.0, 120.0, 160.0, 0.1, 33.3], 10), 50)


def test_any_chunks_give_the_same_phase_to_the_last_bit():
    for f0 in pitches():
        whole = phase_of(f0, [1000]).tobytes()
        for sizes in ([64, 128, 256], [7], [1], [8, 16, 32, 64]):
            assert phase_of(f0, sizes).tobytes() == whole


@quick
@given(pitch, sizes, sizes)
def test_any_chunks_of_any_pitch_give_the_same_phase(f0, one, other):
    assert phase_of(f0, one).tobytes() == phase_of(f0, other).tobytes()


def test_the_phase_is_in_cycles_from_0_to_below_1():
    for f0 in pitches():
        for sizes in ([1000], [64], [7], [1]):
            phase = phase_of(f0, sizes)
            assert phase.dtype == np.float32
            assert ((phase >= 0) & (phase < 1)).all()


def test_a_steady_pitch_gives_its_cycles():
    phase = phase_of([100.0] * 9, [3])[0]
    assert phase == pytest.approx(np.arange(9) * 100 * 200 / 16000 % 1)


def test_a_gliding_pitch_is_summed_sample_by_sample():
    f0 = np.linspace(100, 180, 6)
    samples = np.concatenate([f0[i] + (f0[i + 1] - f0[i]) * np.arange(200) / 200 for i in range(5)])
    cycles = np.concatenate([[0], np.cumsum(samples)])[::200] / 16000
    assert phase_of(f0.tolist(), [2])[0] == pytest.approx(cycles % 1, abs=1e-5)


def test_an_empty_chunk_does_not_disturb_the_phase():
    f0 = np.array([[100.0, 120.0, 90.0]], np.float32)
    chunks = [
        Chunk({"f0": f0[:, :2]}),
        Chunk({"f0": f0[:, :0]}, 2),
        Chunk({"f0": f0[:, 2:]}, 2, True),
    ]
    got = joined(Phase(audio=AUDIO).stream(Tensors(), iter(chunks)), "phase")
    assert np.array_equal(got, phase_of(f0[0].tolist(), [3]))


# Noise ------------------------------------------------------------------------------------------


def noise_of(sizes, seed=0, sentence=0, frames=20):
    sequence = Tensors({"seed": np.array([seed]), "sentence": np.array([sentence])})
    upstream = cut(sizes, mel=np.zeros((1, 3, frames)))
    return joined(Noise(audio=AUDIO).stream(sequence, upstream), "noise")


@quick
@given(sizes, sizes, st.integers(0, (1 << 32) - 1), st.integers(0, 1000))
def test_the_same_seed_gives_the_same_noise_for_any_chunks(one, other, seed, sentence):
    a, b = noise_of(one, seed, sentence), noise_of(other, seed, sentence)
    assert a.tobytes() == b.tobytes()


def test_noise_differs_by_seed_by_sentence_and_by_frame():
    a = noise_of([5])
    assert not np.array_equal(a, noise_of([5], seed=1))
    assert not np.array_equal(a, noise_of([5], sentence=1))
    assert not np.array_equal(noise_of([5], 0, 1), noise_of([5], 1, 0))
    assert not np.array_equal(a[..., 0], a[..., 1])


def test_noise_is_standard_normal_with_a_column_of_hop_samples_a_frame():
    noise = noise_of([7], frames=400)
    assert noise.shape == (1, 200, 400)
    assert noise.dtype == np.float32
    assert abs(noise.mean()) < 0.02
    assert abs(noise.std() - 1) < 0.02
    assert abs(np.corrcoef(noise[0, :-1].ravel(), noise[0, 1:].ravel())[0, 1]) < 0.02


@pytest.mark.parametrize(
    ("distribution", "samples"),
    [
        ("normal", [-0.52656049, 0.56195563, -1.39078009, 0.9792099]),
        ("uniform", [1.20851874, -0.80817229, -0.92218703, 1.0279559]),
    ],
)
def test_noise_is_pinned(distribution, samples):
    """A change here changes how every voice sounds: it needs a new name."""
    block = Noise(audio=AUDIO, distribution=distribution)
    sequence = Tensors({"seed": np.array([1]), "sentence": np.array([2])})
    (chunk,) = block.stream(sequence, cut([1], mel=np.zeros((1, 1, 1))))
    assert chunk["noise"][0, :4, 0] == pytest.approx(samples, abs=1e-6)


@pytest.mark.parametrize("distribution", ["normal", "uniform"])
def test_either_noise_has_mean_0_and_variance_1_and_is_white(distribution):
    block = Noise(audio=AUDIO, distribution=distribution)
    sequence = Tensors({"seed": np.array([3]), "sentence": np.array([0])})
    (chunk,) = block.stream(sequence, cut([400], mel=np.zeros((1, 1, 400))))
    samples = chunk["noise"][0].T.ravel()
    assert abs(samples.mean()) < 0.02
    assert abs(samples.var() - 1) < 0.02
    assert all(abs(np.corrcoef(samples[:-k], samples[k:])[0, 1]) < 0.02 for k in (1, 2, 4, 200))


# Gain and Tap -----------------------------------------------------------------------------------


def test_gain_scales_the_audio_and_keeps_the_rest():
    marks = (Mark("word", "hi", 1),)
    (chunk,) = Gain(db=-20.0).stream(Tensors(), cut([5], marks, audio=np.ones((1, 3), np.float32)))
    assert chunk["audio"] == pytest.approx(0.1)
    assert (chunk.start, chunk.last, chunk.marks) == (0, True, marks)


def test_gain_keeps_the_audios_type():
    (chunk,) = Gain(db=-6.0).stream(Tensors(), cut([5], audio=np.ones((1, 3), np.float32)))
    assert chunk["audio"].dtype == np.float32


def test_gain_of_nothing_changes_nothing():
    audio = np.random.default_rng(0).normal(size=(1, 9)).astype(np.float32)
    assert np.array_equal(joined(Gain().stream(Tensors(), cut([4], audio=audio)), "audio"), audio)


def test_gain_without_audio_says_what_is_there():
    with pytest.raises(
        MissingTensorError, match="no tensor 'audio' in the chunk, which has: 'mel'"
    ):
        list(Gain().stream(Tensors(), cut([4], mel=np.zeros((1, 4)))))


def test_a_tap_changes_nothing_and_logs_what_flows(capsys):
    from voxstack import logs

    before = logs._State.threshold
    logs.set_level("info")
    try:
        source = list(cut([2], audio=np.ones((1, 3)), mel=np.zeros((1, 3))))
        assert list(Tap(label="here", tensors=("audio",)).stream(Tensors(), iter(source))) == source
    finally:
        logs._State.threshold = before
    lines = [line for line in capsys.readouterr().err.splitlines() if "here" in line]
    assert len(lines) == 2
    assert "audio" in lines[0]


def test_a_tap_takes_an_empty_chunk():
    chunks = [Chunk({"audio": np.zeros((1, 0))}, last=True), Chunk({}, last=True)]
    assert list(Tap().stream(Tensors(), iter(chunks))) == chunks


@pytest.mark.parametrize("block", [Gain(), Tap(), Phase(audio=AUDIO), Noise(audio=AUDIO)])
def test_a_block_that_cannot_be_the_first_of_its_row_says_so(block):
    sequence = Tensors({"seed": np.array([0]), "sentence": np.array([0])})
    with pytest.raises(BlockError, match="is the first block of its row"):
        list(block.stream(sequence, None))


# The package ------------------------------------------------------------------------------------


def test_every_component_is_documented_with_its_options():
    for kind in KINDS.values():
        for entry in entry_points(group=kind.group):
            if entry.value.startswith("voxstack_standard."):
                cls = entry.load()
                assert cls.__doc__, entry.name
                assert cls.__name__ == entry.name


def test_the_blocks_import_no_runtime():
    import subprocess
    import sys

    code = (
        "import sys, json\n"
        "import voxstack_standard.networks, voxstack_standard.prosody, voxstack_standard.noise\n"
        "import voxstack_standard.phase, voxstack_standard.upsampler, voxstack_standard.tap\n"
        "print(json.dumps([m for m in ('torch', 'onnxruntime', 'structlog') if m in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert json.loads(done.stdout) == []
