"""The default voices on every executor that is here: the same audio, prosody being the same."""

import numpy as np
import pytest
from voxstack import Host
from voxstack_kit.bench.forcing import Forcing, Tape

TEXT = "The old lighthouse keeper, who lived alone, told us a long and curious story."
EXECUTORS = {  # name -> the package that it needs
    "OnnxRuntime": "onnxruntime",
    "OnnxRuntimeStatic": "onnxruntime",
    "OpenVino": "openvino",
    "OpenVinoStatic": "openvino",
    "Torch": "torch",
}
SMALL = {"type": "OnnxRuntimeStatic", "buckets": {"text": [20, 40]}}


@pytest.fixture(scope="module")
def host():
    with Host() as opened:
        yield opened


@pytest.fixture(scope="module")
def forced(host):
    """Speak with the prosody of OnnxRuntime."""
    tape = Tape()
    voices = {}

    def speak(voice, name, **options):
        key = voice, name
        if key not in voices:
            voices[key] = host.voice(voice, executor=Forcing(host.executor(name), tape))
        tape.record() if name == "OnnxRuntime" else tape.replay()
        return voices[key].synthesize(TEXT, **options).samples

    return speak


@pytest.mark.parametrize("name", list(EXECUTORS)[1:])
@pytest.mark.parametrize("voice", ["en-us", "en-us-attention"])
def test_the_audio_is_that_of_onnx_runtime(host, forced, voice, name):
    pytest.importorskip(EXECUTORS[name])
    if voice not in host.voices() or name not in host.registry.names("executor"):
        pytest.skip(f"{voice} or {name} is not installed")
    expected = forced(voice, "OnnxRuntime")
    found = forced(voice, name)
    assert found.shape == expected.shape
    # A model that feeds itself doubles a difference again and again.
    bound = 1e-4 if voice == "en-us" else 1e-2
    assert np.abs(found - expected).max() < bound


def test_text_longer_than_the_largest_shape_is_spoken_in_parts(host):
    dynamic = host.voice("en-us").synthesize(TEXT)
    cut = host.voice("en-us", executor=SMALL).synthesize(TEXT)
    assert cut.seconds == pytest.approx(dynamic.seconds, rel=0.15)
    words = [[m.value for m in a.marks if m.kind == "word"] for a in (dynamic, cut)]
    assert words[0] == words[1]


def test_in_parts_too_streamed_is_whole(host):
    voice = host.voice("en-us", executor=SMALL)
    with voice.stream(TEXT, frames=(1, 7, 32)) as stream:
        streamed = np.concatenate([chunk["audio"][0] for chunk in stream])
    assert np.abs(streamed - voice.synthesize(TEXT).samples).max() < 1e-5
