"""The corpus on disk, and the features computed from it."""

import os
import pickle
import subprocess
import sys

import numpy as np
import pytest
import soundfile
from voxstack_train.corpus.utterances import Corpus, Utterance, read_audio, summary
from voxstack_train.errors import TrainError
from voxstack_train.features.pitch import periodic, pitch_of
from voxstack_train.features.shards import example_of, read, shard
from voxstack_train.features.spectrum import (
    FLOOR,
    HOP,
    SAMPLE_RATE,
    WINDOW,
    frames_of,
    log_mel,
    mel_filters,
)

ENDS = [0.2, 0.3, 0.31, 0.5, 1.0]  # the third symbol is shorter than a frame


def tone(seconds=1.0, hertz=120, peak=0.3):
    times = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    sound = sum(np.sin(2 * np.pi * hertz * n * times) / n for n in range(1, 12))
    return (peak * sound / np.abs(sound).max()).astype(np.float32)


def utterance(id_="a", ends=ENDS, **more):
    count = len(ends)
    more = {"f0": [120.0] * 200, **more}
    return Utterance(id_, "Text.", [[1, *[5] * (count - 2), 2]] * 4, 0, list(ends), **more)


def corpus_of(folder, *utterances, audio=None):
    corpus = Corpus(folder)
    _, listing = corpus.open()
    with listing:
        for one in utterances:
            samples = tone() if audio is None else audio
            corpus.add(listing, one, (samples * 32767).astype(np.int16), SAMPLE_RATE)
    return corpus


# On disk ----------------------------------------------------------------------------------------


def test_added_utterances_are_read_back(tmp_path):
    corpus = corpus_of(tmp_path / "slt", utterance("a"), utterance("b", f0=None, voicing=False))
    assert [u.id for u in corpus] == ["a", "b"]
    assert next(iter(corpus)).ends == ENDS
    audio, notes = read_audio(corpus.wav("b"), SAMPLE_RATE)
    assert np.abs(audio - tone()).max() < 1e-4 and notes == []
    assert summary(tmp_path) == {"slt": {"utterances": 2, "hours": 0.0}}


@pytest.mark.parametrize("cut", [1, 30, 100])
def test_an_incomplete_line_is_dropped_and_the_corpus_continues(tmp_path, cut):
    corpus = corpus_of(tmp_path, utterance("a"), utterance("b"))
    os.truncate(corpus.listing, corpus.listing.stat().st_size - cut)
    done, listing = corpus.open()
    with listing:
        assert done == {"a"}
        corpus.add(listing, utterance("b"), np.ones(100, np.int16), SAMPLE_RATE)
    assert [u.id for u in corpus] == ["a", "b"]


def test_a_line_that_is_not_an_utterance_is_named(tmp_path):
    corpus = corpus_of(tmp_path, utterance("a"))
    with corpus.listing.open("a") as listing:
        listing.write('{"id": "b"}\n')
    with pytest.raises(TrainError, match=r"utterances\.jsonl:2: not an utterance"):
        list(corpus)
    with pytest.raises(TrainError, match=r"utterances\.jsonl:2: not an utterance"):
        corpus.open()


@pytest.mark.skipif(sys.platform == "win32", reason="a full disk is played by a limit of POSIX")
def test_a_full_disk_keeps_what_was_added(tmp_path):
    program = (
        "import resource, sys; from pathlib import Path; import numpy as np;"
        "from voxstack_train.corpus.utterances import Corpus, Utterance;"
        "corpus = Corpus(Path(sys.argv[1])); done, listing = corpus.open();"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (9000, 9000));"
        "add = lambda id, n: corpus.add(listing, Utterance(id, '', [[1]], 0, [0.1]),"
        " np.ones(n, np.int16), 16000);"
        "add('a', 1000); add('b', 9000)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert "b.wav: cannot write" in done.stderr and "is the disk full?" in done.stderr
    assert [u.id for u in Corpus(tmp_path)] == ["a"]
    assert not Corpus(tmp_path).wav("b").exists()


# Audio that is refused --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("audio", "rate", "reason"),
    [
        (tone(), 22050, "22050 Hz, expected 16000 Hz"),
        (np.stack([tone(), tone()], 1), 16000, "2 channels, expected 1"),
        (np.zeros(0), 16000, "has no samples"),
        (np.zeros(16000), 16000, "silent"),
        (np.full(16000, np.nan), 16000, "NaN or infinite"),
    ],
)
def test_audio_that_cannot_be_used_is_named_with_what_is_wrong(tmp_path, audio, rate, reason):
    path = tmp_path / "x.wav"
    soundfile.write(path, audio, rate, subtype="FLOAT")
    with pytest.raises(TrainError, match=rf"x\.wav: .*{reason}"):
        read_audio(path, SAMPLE_RATE)


@pytest.mark.parametrize("content", [b"", b"RIFFxxxx", None])
def test_a_file_that_is_missing_or_not_audio_is_named(tmp_path, content):
    path = tmp_path / "x.wav"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(TrainError, match=r"x\.wav: cannot read"):
        read_audio(path, SAMPLE_RATE)


def test_clipped_audio_is_read_and_reported(tmp_path):
    path = tmp_path / "x.wav"
    soundfile.write(path, np.clip(9 * tone(), -1, 1), SAMPLE_RATE)
    audio, notes = read_audio(path, SAMPLE_RATE)
    assert len(audio) == 16000 and "samples are clipped" in notes[0]


# Features ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("samples", [16000, 16001, 15999, 16200])
def test_durations_sum_to_the_frames_and_every_symbol_has_one(samples):
    audio = np.resize(tone(), samples)
    example = example_of(utterance(), audio, speaker=2, lead=1.0)
    assert example.durations.sum() == example.frames == frames_of(samples)
    assert example.durations.min() >= 1
    assert example.durations.tolist()[:4] == [16, 8, 1, 15]
    assert len(example.f0) == len(example.voiced) == example.frames
    assert len(example.audio) == example.frames * HOP


def test_silence_before_the_speech_is_cut_to_the_lead():
    example = example_of(utterance(), tone(), speaker=0, lead=0.05)
    assert example.durations.tolist() == [4, 8, 1, 15, 40]
    assert example.frames == 80 - 12
    assert np.abs(example.audio[:100] / 32767 - tone()[12 * HOP :][:100]).max() < 1e-4


def test_audio_beyond_full_scale_does_not_wrap():
    example = example_of(utterance(), tone(peak=1.4), speaker=0, lead=1.0)
    assert example.audio.max() == 32767 and example.audio.min() == -32767


@pytest.mark.parametrize(
    ("ends", "reason"),
    [
        ([0.2, 0.5, 0.4, 1.0], "not in the order of time"),
        ([0.2, 0.5, 1.2, 1.3], "its last symbol begins at 1.20 s, but its audio ends at 1.00 s"),
        ([0.991, 0.992, 0.993, 1.0], "do not fit into"),
    ],
)
def test_an_invalid_alignment_is_refused(ends, reason):
    with pytest.raises(TrainError, match=reason):
        example_of(utterance(ends=ends), tone(), speaker=0, lead=1.0)


def test_a_symbol_of_seconds_and_a_wrong_count_are_refused():
    with pytest.raises(TrainError, match=r"lasts 2\.0 s: text and audio do not match"):
        example_of(utterance(ends=[0.1, 2.1, 2.5]), tone(2.5), speaker=0, lead=1.0)
    wrong = Utterance("a", "", [[1, 5, 2]] * 4, 0, [0.1, 0.2])
    with pytest.raises(TrainError, match="2 ends for 3 symbols"):
        example_of(wrong, tone(), speaker=0, lead=1.0)


def test_features_are_read_back_unchanged_without_bad_utterances(tmp_path):
    bad = utterance("b", ends=[0.2, 0.5, 0.4, 1.0])
    corpus = corpus_of(tmp_path, utterance("a"), bad, utterance("c"), utterance("d"))
    corpus.wav("c").unlink()
    notes = shard(corpus, list(corpus), 3, 0.05, tmp_path / "me-000.safetensors")
    assert "utterances.jsonl:2: b: its symbols are not in the order" in notes[0]
    assert "c.wav: cannot read" in notes[1] and len(notes) == 2
    first, last = read(tmp_path / "me-000.safetensors")
    audio, _ = read_audio(corpus.wav("a"), SAMPLE_RATE)
    made = example_of(utterance("a"), audio, 3, 0.05)
    assert (first.id, last.id, first.speaker, first.question) == ("a", "d", 3, 0)
    for name in ("rows", "durations", "mel", "f0", "voiced", "audio"):
        assert np.array_equal(getattr(first, name), getattr(made, name))


def test_a_write_that_was_killed_leaves_no_file(tmp_path, monkeypatch):
    import safetensors.numpy

    def killed(tensors, path, metadata):
        path.write_bytes(b"half")
        raise KeyboardInterrupt

    corpus = corpus_of(tmp_path, utterance("a"))
    path = tmp_path / "me-000.safetensors"
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(safetensors.numpy, "save_file", killed)
        shard(corpus, list(corpus), 0, 0.05, path)
    assert not path.exists()
    assert shard(corpus, list(corpus), 0, 0.05, path) == []
    assert [e.id for e in read(path)] == ["a"]
    assert not list(tmp_path.glob("*.part"))


def test_a_file_without_features_is_named_with_the_next_step(tmp_path):
    path = tmp_path / "me-000.safetensors"
    path.write_bytes(b"half")
    with pytest.raises(TrainError, match=r"me-000.*not features.*delete it and train again"):
        list(read(path))


def test_an_error_passes_from_one_process_to_another():
    error = pickle.loads(pickle.dumps(TrainError("x.wav: silent")))
    assert (type(error), str(error)) == (TrainError, "x.wav: silent")


# Pitch ------------------------------------------------------------------------------------------


def test_pulse_trains_are_periodic_and_noise_and_silence_are_not():
    pulses = np.zeros(16000, np.float32)
    pulses[:: SAMPLE_RATE // 125] = 0.5
    f0 = np.full(80, 125.0)
    assert periodic(pulses, f0)[1:-1].all()
    noise = np.random.default_rng(0).normal(0, 0.1, 16000).astype(np.float32)
    assert periodic(noise, f0).mean() < 0.05
    assert not periodic(np.zeros(16000, np.float32), f0).any()


def test_a_change_of_a_single_frame_is_ignored():
    audio = tone()
    audio[40 * HOP - 120 : 40 * HOP + 120] = 0
    assert periodic(audio, np.full(80, 120.0))[1:-1].all()


def test_the_f0_of_a_teacher_is_filled_in_where_it_is_unvoiced():
    track = [100.0] * 80 + [0.0] * 40 + [200.0] * 80  # of 5 ms
    f0, voiced = pitch_of(utterance(f0=track), tone())
    assert not voiced[33:47].any() and voiced[:31].all() and voiced[49:].all()
    assert np.isfinite(f0).all() and 100 < f0[39] < 200
    f0, voiced = pitch_of(utterance(f0=[0.0] * 200), tone())
    assert (f0 == 150).all() and not voiced.any()


def test_the_voicing_of_a_teacher_that_knows_none_is_measured():
    audio = np.concatenate([tone(0.5), np.random.default_rng(0).normal(0, 0.1, 8000)])
    f0, voiced = pitch_of(utterance(f0=[120.0] * 200, voicing=False), audio.astype(np.float32))
    assert (f0 == 120).all() and voiced[1:38].all() and not voiced[42:].any()


@pytest.mark.parametrize("hertz", [95, 210])
def test_the_f0_of_a_recording_is_measured(hertz):
    pytest.importorskip("pyworld", exc_type=ImportError)
    audio = np.concatenate([np.zeros(4000), tone(0.5, hertz), np.zeros(4000)]).astype(np.float32)
    f0, voiced = pitch_of(utterance(f0=None), audio)
    assert voiced[24:56].all() and not voiced[:16].any() and not voiced[64:].any()
    assert np.abs(f0[24:56] / hertz - 1).max() < 0.01


# The spectrum -----------------------------------------------------------------------------------


@pytest.mark.parametrize("samples", [16000, 16001, 199, 200])
def test_the_mel_spectrum_is_that_of_torchs_stft(samples):
    torch = pytest.importorskip("torch")
    audio = np.random.default_rng(1).normal(0, 0.1, samples).astype(np.float32)
    count = frames_of(samples)
    padded = torch.zeros(count * HOP + WINDOW)
    padded[WINDOW // 2 : WINDOW // 2 + samples] = torch.from_numpy(audio)
    window = torch.hann_window(WINDOW)
    spectrum = torch.stft(padded, WINDOW, HOP, window=window, center=False, return_complex=True)
    mel = torch.from_numpy(mel_filters()) @ spectrum.abs()[:, :count]
    expected = mel.clamp(min=FLOOR).log().numpy()
    assert log_mel(audio).shape == expected.shape == (80, count)
    assert np.abs(log_mel(audio) - expected).max() < 1e-3


def test_every_mel_band_has_a_filter_and_a_tone_is_loudest_in_its_own():
    assert (mel_filters().sum(1) > 0).all()
    times = np.arange(16000) / SAMPLE_RATE
    loudest = [
        int(log_mel(np.sin(2 * np.pi * hertz * times).astype(np.float32))[:, 40].argmax())
        for hertz in (200, 1000, 4000)
    ]
    assert loudest == sorted(loudest) and len(set(loudest)) == 3
    peak = np.linspace(0, SAMPLE_RATE / 2, WINDOW // 2 + 1)[mel_filters()[loudest[1]].argmax()]
    assert abs(peak - 1000) < 60
