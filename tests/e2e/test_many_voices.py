"""Two architectures and four speakers in one process, with one vocoder for all."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec

import numpy as np
import pytest

for package in ("voxstack_voice_en_us_attention", "voxstack_vocoder_mel_16k"):
    if find_spec(package) is None:
        pytest.skip(f"{package} is not installed", allow_module_level=True)

SPEAKERS = ("rms", "slt", "awb", "kal")
TEXT = "Many voices speak at once, and nobody hears the others. Is that so?"
VOCODER = "vocoder-16k:vocoder"
MEL_ONLY = {
    "type": "StreamableStack",
    "stack": [
        {"type": "Prosody", "network": "vocoder-mel-16k:pitch"},
        {"type": "Phase"},
        {"type": "Vocoder", "network": "vocoder-mel-16k:vocoder"},
    ],
}


def loaded(voice):
    return {program.network.qualified_name: program.load() for program in voice.programs}


def joined(voice, **controls):
    with voice.stream(TEXT, **controls) as chunks:
        return np.concatenate([np.asarray(chunk["audio"])[0] for chunk in chunks])


def test_all_at_once_sound_as_each_alone(host):
    voices = {name: host.voice(name) for name in ("en-us", "en-us-attention")}
    jobs = [(name, speaker) for name in voices for speaker in SPEAKERS]
    alone = [joined(voices[name], speaker=speaker) for name, speaker in jobs]
    with ThreadPoolExecutor(len(jobs)) as pool:
        together = list(pool.map(lambda job: joined(voices[job[0]], speaker=job[1]), jobs))
    for one, other in zip(alone, together, strict=True):
        assert one.shape == other.shape
        assert np.abs(one - other).max() <= 1e-5


def test_the_shared_vocoder_is_loaded_once(host):
    first, second = (loaded(host.voice(name)) for name in ("en-us", "en-us-attention"))
    assert first[VOCODER] is second[VOCODER]
    assert len({id(p) for p in [*first.values(), *second.values()]}) == 3 + 2 + 1


SECOND_VOICE = """
import sys
from voxstack import Host

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096

with Host(deploy=sys.argv[1]) as host:
    host.voice("en-us").synthesize("Hello.")
    before = resident()
    host.voice("en-us-attention").synthesize("Hello.")
    print(resident() - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_the_second_voice_costs_less_memory_than_with_a_vocoder_of_its_own(tmp_path):
    own = '[voices.en-us-attention.executors]\nvocoder = { type = "OnnxRuntime", threads = 2 }\n'
    costs = []
    for number, text in enumerate(("", own)):
        (tmp_path / f"{number}.toml").write_text(text)
        command = [sys.executable, "-c", SECOND_VOICE, str(tmp_path / f"{number}.toml")]
        costs.append(int(subprocess.run(command, capture_output=True, check=True).stdout))
    assert costs[0] < costs[1] - 5_000_000  # the vocoder's weights are 9 MB


def test_both_architectures_run_on_the_mel_only_vocoder_by_configuration(host):
    for name in ("en-us", "en-us-attention"):
        voice = host.voice(name, edits={"/stack/1": MEL_ONLY})
        assert "vocoder-mel-16k:pitch" in loaded(voice)
        audio = joined(voice)
        assert 0.01 < np.sqrt(np.mean(audio**2)) < 0.5


@pytest.mark.parametrize("name", ["en-us", "en-us-attention"])
@pytest.mark.parametrize("stack", [None, MEL_ONLY], ids=["F0", "mel only"])
def test_any_chunks_give_the_same_audio(host, name, stack):
    voice = host.voice(name, edits={} if stack is None else {"/stack/1": stack})
    whole = voice.synthesize(TEXT).samples
    for schedule in ((8, 16, 32, 64), (5,), (100, 3, 17)):
        with voice.stream(TEXT, frames=schedule) as chunks:
            parts = np.concatenate([np.asarray(chunk["audio"])[0] for chunk in chunks])
        assert parts.shape == whole.shape
        assert np.abs(parts - whole).max() <= 1e-5


@pytest.mark.parametrize("speaker", SPEAKERS)
@pytest.mark.parametrize("stack", [None, MEL_ONLY], ids=["F0", "mel only"])
def test_pitch_moves_every_speaker_by_semitones(host, speaker, stack):
    voice = host.voice("en-us", edits={} if stack is None else {"/stack/1": stack})
    plain = pitch_of(joined(voice, speaker=speaker))
    for semitones in (-2.0, 4.0):
        moved = pitch_of(joined(voice, speaker=speaker, pitch=semitones))
        assert 12 * np.log2(moved / plain) == pytest.approx(semitones, abs=1.2)


def pitch_of(audio):
    """The middle of the pitches, in Hz, that autocorrelation sees in pieces of 64 ms."""
    pieces = audio[: len(audio) // 1024 * 1024].reshape(-1, 1024)
    pieces = pieces[np.square(pieces).mean(1) > np.square(audio).mean()]
    spectra = np.fft.rfft(pieces * np.hanning(1024), 2048)
    repeats = np.fft.irfft(np.square(np.abs(spectra)))[:, 40:240]  # 67 to 400 Hz
    return float(np.median(16000 / (40 + repeats.argmax(1))))
