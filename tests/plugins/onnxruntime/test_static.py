"""The default voice on fixed shapes: real kernels that refuse any other shape."""

import numpy as np
import pytest
from voxstack import Host, Tensors

TEXT = "We took the early train to the coast. Was it late?"


@pytest.fixture(scope="module")
def voices():
    with Host() as host:
        yield host.voice("en-us"), host.voice("en-us", executor="OnnxRuntimeStatic")


def audio(voice, frames):
    return np.concatenate([chunk["audio"][0] for chunk in voice.stream(TEXT, frames=frames)])


def test_fixed_shapes_give_the_same_audio_for_any_chunks(voices):
    _, static = voices
    whole = static.synthesize(TEXT).samples
    for frames in ((1,), (8, 16, 32), (100,)):
        assert np.abs(audio(static, frames) - whole).max() <= 1e-5


def test_fixed_shapes_give_the_mel_of_dynamic_ones(voices):
    # F0 is the prosody's: its rounding moves the waveform far more than the mel.
    dynamic, static = voices
    mels = []
    for voice in (dynamic, static):
        pipeline = voice.built.head[0]
        sentence = next(voice.built.frontend.sentences([TEXT]))
        inputs = voice._inputs(0, {}) | {"sentence": np.zeros(1, np.int64)}
        tensors = Tensors({**sentence.tensors, **inputs}, sentence.marks)
        chunks = pipeline.stream(tensors, None)
        mels.append(np.concatenate([chunk["mel"] for chunk in chunks], axis=-1))
    assert mels[0].shape == mels[1].shape
    assert np.abs(mels[0] - mels[1]).max() <= 1e-4


def test_the_waste_of_padding_is_reported(voices):
    _, static = voices
    with static.stream(TEXT) as stream:
        for _ in stream:
            pass
    encoder = stream.report.networks["text_encoder"]
    assert 0 < encoder["used"] < encoder["computed"]
