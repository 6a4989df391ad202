"""Audio in memory and as 16-bit PCM."""

import wave
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from voxstack import Audio, InputError
from voxstack.running import WavWriter, to_pcm16, write_atomically


def pcm(*samples):
    data, clipped = to_pcm16(np.array(samples, np.float32))
    return np.frombuffer(data, "<i2").tolist(), clipped


def test_full_scale_is_32767_and_samples_are_rounded():
    assert pcm(0.0, 1.0, -1.0, 0.5) == ([0, 32767, -32767, 16384], 0)


def test_samples_beyond_full_scale_are_clipped_and_counted():
    assert pcm(1.5, -3.0, 0.25, 1.0001) == ([32767, -32767, 8192, 32767], 3)


def test_what_is_not_a_number_becomes_silence_and_infinity_full_scale():
    assert pcm(np.nan, np.inf, -np.inf)[0] == [0, 32767, -32767]


def test_infinity_counts_as_clipped():
    assert pcm(np.inf, -np.inf)[1] == 2


def test_nothing_gives_nothing():
    assert to_pcm16(np.zeros((1, 0))) == (b"", 0)


@given(st.lists(st.floats(-1, 1, width=32), max_size=30))
def test_pcm_is_within_half_a_step_of_the_samples(samples):
    numbers, clipped = pcm(*samples)
    assert clipped == 0
    assert np.allclose(np.array(numbers) / 32767, samples, atol=0.5001 / 32767)


def read(path):
    with wave.open(str(path)) as file:
        shape = (file.getnchannels(), file.getsampwidth(), file.getframerate())
        return shape, np.frombuffer(file.readframes(file.getnframes()), "<i2").tolist()


def test_a_saved_file_is_read_by_wave(tmp_path):
    Audio(np.array([0.0, 1.0, -1.0], np.float32), 16000).save(tmp_path / "a.wav")
    assert read(tmp_path / "a.wav") == ((1, 2, 16000), [0, 32767, -32767])


def test_audio_written_in_parts_is_one_file(tmp_path):
    with WavWriter(tmp_path / "a.wav", 8000) as writer:
        for part in (np.ones((1, 2)), np.zeros(0), np.full(1, 2.0)):
            writer.write(part)
    assert read(tmp_path / "a.wav") == ((1, 2, 8000), [32767] * 3)
    assert writer.clipped == 1


def test_no_samples_are_a_valid_file(tmp_path):
    Audio(np.zeros(0, np.float32), 16000).save(tmp_path / "a.wav")
    assert read(tmp_path / "a.wav") == ((1, 2, 16000), [])


def test_audio_knows_its_length():
    assert Audio(np.zeros(8000, np.float32), 16000).seconds == 0.5


def test_an_exception_within_leaves_nothing_and_keeps_the_file_that_was_there(tmp_path):
    path = tmp_path / "a.wav"
    path.write_bytes(b"precious")
    with pytest.raises(RuntimeError, match="midway"), WavWriter(path, 8000) as writer:
        writer.write(np.ones(100_000))
        raise RuntimeError("midway")
    assert [p.name for p in tmp_path.iterdir()] == ["a.wav"]
    assert path.read_bytes() == b"precious"


def test_an_interrupt_within_leaves_nothing(tmp_path):
    with pytest.raises(KeyboardInterrupt), WavWriter(tmp_path / "a.wav", 8000) as writer:
        writer.write(np.ones(10))
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_seen_at_the_place_before_the_file_is_whole(tmp_path):
    with WavWriter(tmp_path / "a.wav", 8000) as writer:
        writer.write(np.ones(10))
        assert not (tmp_path / "a.wav").exists()
    assert (tmp_path / "a.wav").exists()


def test_a_link_stays_a_link_to_what_is_written(tmp_path):
    (tmp_path / "real.wav").write_bytes(b"old")
    (tmp_path / "a.wav").symlink_to(tmp_path / "real.wav")
    Audio(np.ones(2, np.float32), 8000).save(tmp_path / "a.wav")
    assert (tmp_path / "a.wav").is_symlink()
    assert read(tmp_path / "real.wav") == ((1, 2, 8000), [32767] * 2)


def test_another_kind_of_file_than_wav_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"cannot write .*a\.mp3: only WAV is written; name it"):
        Audio(np.ones(2, np.float32), 8000).save(tmp_path / "a.mp3")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("place", ["no/such/folder/a.wav", "."])
def test_a_place_that_cannot_be_written_is_an_input_error(tmp_path, place):
    with pytest.raises(InputError, match="cannot write"):
        Audio(np.zeros(1, np.float32), 8000).save(tmp_path / place)
    assert list(tmp_path.iterdir()) == []


class FullFile:
    """A file on a disk that is full after some bytes."""

    def __init__(self, file, room):
        self.file, self.room = file, room

    def write(self, data):
        self.room -= len(data)
        if self.room < 0:
            raise OSError(28, "No space left on device")
        return self.file.write(data)

    def __getattr__(self, name):
        return getattr(self.file, name)


def save(path):
    Audio(np.ones(500, np.float32), 8000).save(path)


@pytest.mark.parametrize("room", [0, 20, 100])
def test_a_disk_that_fills_up_leaves_nothing_and_keeps_the_file_that_was_there(
    tmp_path, monkeypatch, room
):
    path = tmp_path / "a.wav"
    path.write_bytes(b"precious")
    plain = Path.open
    monkeypatch.setattr(Path, "open", lambda self, *a, **k: FullFile(plain(self, *a, **k), room))
    with pytest.raises(InputError, match=r"cannot write .*a\.wav: No space left"):
        save(path)
    monkeypatch.undo()
    assert [p.name for p in tmp_path.iterdir()] == ["a.wav"]
    assert path.read_bytes() == b"precious"


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_an_interrupt_when_the_file_is_put_in_its_place_leaves_nothing(
    tmp_path, monkeypatch, error
):
    def interrupted(*_):
        raise error

    monkeypatch.setattr(Path, "replace", interrupted)
    with pytest.raises(error):
        save(tmp_path / "a.wav")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_dev_full_is_an_input_error(tmp_path, monkeypatch):
    plain = Path.open
    monkeypatch.setattr(Path, "open", lambda self, *a, **k: plain(Path("/dev/full"), *a, **k))
    with pytest.raises(InputError, match=r"cannot write .*No space"):
        save(tmp_path / "a.wav")
    assert list(tmp_path.iterdir()) == []


# Text files -------------------------------------------------------------------------------------


def test_text_is_written_whole_or_not_at_all(tmp_path):
    path = tmp_path / "stats.json"
    write_atomically(path, "é")
    assert path.read_text("utf-8") == "é"
    with pytest.raises(UnicodeEncodeError):
        write_atomically(path, "\ud800")
    assert [p.name for p in tmp_path.iterdir()] == ["stats.json"]
    assert path.read_text("utf-8") == "é"


def test_text_into_a_folder_that_is_not_there_is_an_input_error(tmp_path):
    with pytest.raises(InputError, match="cannot write"):
        write_atomically(tmp_path / "no" / "stats.json", "x")


@pytest.mark.skipif(not Path("/dev/full").is_char_device(), reason="no /dev/full here")
@pytest.mark.parametrize(
    "write", [lambda p: Audio(np.ones(9), 8000).save(p), lambda p: write_atomically(p, "x")]
)
def test_a_device_is_never_replaced_by_a_file(write):
    with pytest.raises(InputError, match="it is a device or a pipe; name a file"):
        write("/dev/full")
    assert Path("/dev/full").is_char_device()
