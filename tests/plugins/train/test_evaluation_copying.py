"""Which blocks of a voice's stack copy-synthesis takes."""

from types import SimpleNamespace

import numpy as np
import pytest
from attrs import frozen
from voxstack import (
    AudioFormat,
    Chunk,
    SequenceBlock,
    StreamableBlock,
    StreamablePipeline,
    StreamableStack,
    Tensors,
)
from voxstack_train.evaluation.copying import copier


@frozen
class Adds(StreamableBlock):
    """Adds tensors of a value to the frames."""

    consumes: tuple[str, ...] = ()
    produces: tuple[str, ...] = ()
    value: float = 0.0

    def stream(self, sequence, upstream):
        for chunk in upstream:
            made = np.full((1, len(chunk)), self.value, np.float32)
            yield chunk.replace(**dict.fromkeys(self.produces, made))


@frozen
class Sums(StreamableBlock):
    """A vocoder whose audio is the sum of what it reads beside mel."""

    consumes: tuple[str, ...] = ("mel", "f0", "phase")
    produces = ("audio",)

    def stream(self, sequence, upstream):
        for chunk in upstream:
            audio = sum(chunk[name] for name in self.consumes[1:])
            yield Chunk({"audio": np.repeat(audio, 200, -1)}, last=chunk.last)


@frozen
class Encodes(SequenceBlock):
    """Makes nothing."""

    def __call__(self, inputs):
        return Tensors()


PROSODY = Adds(("encodings",), ("f0", "voiced"), 100)
PHASE = Adds(("f0",), ("phase",), 0.5)
DECODER = Adds(("encodings", "f0"), ("mel",))
MEL, F0, VOICED = np.zeros((80, 3)), np.full(3, 7.0), np.ones(3)


def voice_of(*blocks, rate=16_000):
    manifest = SimpleNamespace(audio=AudioFormat(rate, 200))
    built = SimpleNamespace(head=blocks, tail=())
    return SimpleNamespace(addon=SimpleNamespace(manifest=manifest), built=built, controls={})


def test_f0_is_the_teachers_and_its_phase_the_voices():
    copy = copier(voice_of(PROSODY, PHASE, DECODER, Sums()), {})
    assert list(copy.row.stack) == [PHASE, Sums()]
    assert copy(MEL, F0, VOICED) == pytest.approx(np.full(600, 7.5))


def test_what_the_voice_makes_of_its_mel_it_makes_of_the_teachers():
    from_mel = Adds(("mel",), ("f0", "voiced"), 50)
    copy = copier(voice_of(PROSODY, DECODER, from_mel, PHASE, Sums()), {})
    assert list(copy.row.stack) == [from_mel, PHASE, Sums()]
    assert copy(MEL, F0, VOICED) == pytest.approx(np.full(600, 50.5))


def test_blocks_are_found_in_containers():
    inner = StreamableStack([PROSODY, PHASE, DECODER])
    copy = copier(voice_of(StreamablePipeline(Encodes(), inner), Sums()), {})
    assert list(copy.row.stack) == [PHASE, Sums()]


def test_a_vocoder_that_needs_more_is_not_copied():
    assert "needs breath" in copier(voice_of(DECODER, Sums(("mel", "breath"))), {})


def test_a_stack_without_mel_is_not_copied():
    assert "no block" in copier(voice_of(Sums(("encodings", "f0"))), {})


def test_frames_of_another_rate_are_not_copied():
    assert "22050 Hz" in copier(voice_of(DECODER, Sums(), rate=22_050), {})
