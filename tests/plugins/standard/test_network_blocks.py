"""Prosody, Decoder and Vocoder: blocks that run one network over frames."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from voxstack import (
    BlockError,
    Chunk,
    Network,
    Program,
    Schedule,
    StreamableStack,
    Tensors,
    TensorSpec,
)
from voxstack.networks import Context
from voxstack_standard.networks import Decoder, Vocoder
from voxstack_standard.prosody import Prosody
from voxstack_standard.upsampler import Upsampler

sizes = st.lists(st.integers(1, 20), min_size=1, max_size=5)
quick = settings(max_examples=40, deadline=None)
FRAMES = TensorSpec("float64", ("batch", "frames"))


class Fake(Program):
    """A function as a program that remembers the lengths of its calls."""

    def __init__(self, function, inputs, outputs, **facts):
        self.network = Network(
            "net",
            "role",
            dict.fromkeys(inputs, FRAMES),
            dict.fromkeys(outputs, FRAMES),
            {},
            **facts,
        )
        self.function, self.calls = function, []

    def __call__(self, inputs):
        self.calls.append(np.array(next(iter(inputs.values()))))
        return Tensors(self.function(**inputs))


def summed(x, left, right):
    return np.convolve(x[0], np.ones(left + right + 1))[None, right : right + x.shape[1]]


def cut(sizes, **tensors):
    total, start = next(iter(tensors.values())).shape[-1], 0
    for size in Schedule(sizes):
        end = min(total, start + size)
        yield Chunk({n: t[..., start:end] for n, t in tensors.items()}, start, end == total)
        if end == total:
            return
        start = end


def joined(chunks, name):
    return np.concatenate([np.asarray(chunk[name]) for chunk in chunks], axis=-1)


# Prosody ----------------------------------------------------------------------------------------


def prosody():
    return Fake(
        lambda x: {"f0": 100 + summed(x, 3, 2), "voicing": summed(x, 3, 2)},
        ["x"],
        ["f0", "voicing"],
        context=Context(3, 2),
    )


SIGNAL = np.random.default_rng(1).integers(-3, 4, (1, 150)).astype(float)


@quick
@given(sizes, sizes)
def test_prosody_calls_its_network_on_the_same_windows_whatever_upstream_yields(one, other):
    calls = []
    for upstream in (one, other):
        net = prosody()
        list(Prosody(network=net, grid=Schedule((16,))).stream(Tensors(), cut(upstream, x=SIGNAL)))
        calls.append([call.tobytes() for call in net.calls])
    assert calls[0] == calls[1]


@quick
@given(sizes)
def test_prosody_calls_its_network_on_the_same_windows_whatever_the_consumer_wants(wanted):
    net, decoder = prosody(), Fake(lambda f0: {"mel": f0}, ["f0"], ["mel"], context=Context(4, 4))
    durations = {"durations": np.full((1, 15), 10.0), "x": np.arange(15.0)[None]}
    stack = StreamableStack(
        (
            Upsampler(tensors=("x",)),
            Prosody(network=net, grid=Schedule((64,))),
            Decoder(network=decoder),
        )
    )
    planned, _ = stack.planned(Schedule(wanted))
    list(planned.stream(Tensors(durations), None))
    assert [call.shape[-1] for call in net.calls] == [64 + 2, 64 + 3 + 2, 22 + 3]


def test_prosody_computes_each_frame_once_and_lazily():
    net = prosody()
    chunks = Prosody(network=net, grid=Schedule((16,))).stream(Tensors(), cut([4], x=SIGNAL))
    next(chunks)
    assert len(net.calls) == 1
    assert sum(len(c) for c in chunks) == 150 - 16
    assert len(net.calls) == 10


def test_prosody_decides_on_voicing_by_its_threshold_and_keeps_what_was_there():
    chunks = list(Prosody(network=prosody(), threshold=1.5).stream(Tensors(), cut([7], x=SIGNAL)))
    expected = (summed(SIGNAL, 3, 2) > 1.5).astype(np.float32)
    assert np.array_equal(joined(chunks, "voiced"), expected)
    assert np.array_equal(joined(chunks, "x"), SIGNAL)
    assert set(Prosody(network=prosody()).produces) == {"f0", "voicing", "voiced"}


# Decoder and Vocoder ----------------------------------------------------------------------------


def decoder():
    return Fake(lambda x: {"mel": summed(x, 2, 4)}, ["x"], ["mel"], context=Context(2, 4))


def vocoder():
    return Fake(
        lambda mel: {"audio": np.repeat(summed(mel, 1, 3), 5, axis=-1)},
        ["mel"],
        ["audio"],
        context=Context(1, 3),
        frame_ratio=5,
    )


@quick
@given(sizes, sizes)
def test_decoder_and_vocoder_give_the_same_audio_for_any_chunks(upstream, wanted):
    stack = StreamableStack((Decoder(network=decoder()), Vocoder(network=vocoder())))
    planned, _ = stack.planned(Schedule(wanted))
    chunks = list(planned.stream(Tensors(), cut(upstream, x=SIGNAL)))
    whole = np.repeat(summed(summed(SIGNAL, 2, 4), 1, 3), 5, axis=-1)
    assert np.array_equal(joined(chunks, "audio"), whole)


def test_the_first_audio_costs_one_call_of_each():
    mel, audio = decoder(), vocoder()
    stack = StreamableStack((Decoder(network=mel), Vocoder(network=audio)))
    planned, upstream = stack.planned(Schedule((8,)))
    chunk = next(planned.stream(Tensors(), cut(upstream.sizes, x=SIGNAL)))
    assert len(chunk) == 8 * 5
    assert (len(mel.calls), len(audio.calls)) == (1, 1)
    assert upstream.sizes[0] == 8 + 3 + 4


def test_they_declare_what_their_networks_need_and_make():
    block = Vocoder(network=vocoder())
    assert (tuple(block.consumes), tuple(block.produces)) == (("mel",), ("audio",))


@pytest.mark.parametrize("block", [Decoder, Vocoder, Prosody])
def test_without_frames_they_say_so(block):
    with pytest.raises(BlockError, match="is the first block of its row"):
        list(block(network=decoder()).stream(Tensors(), None))


@pytest.mark.parametrize("block", [Decoder, Vocoder])
def test_a_schedule_that_was_given_is_how_many_frames_a_call_has(block):
    net = Fake(lambda x: {"y": x * 2}, ["x"], ["y"])
    made = block(network=net, schedule=Schedule((3, 5)))
    chunks = [*made.stream(Tensors(), cut((50,), x=np.ones((1, 14))))]
    assert [len(chunk) for chunk in chunks] == [3, 5, 5, 1]
    assert joined(chunks, "y").tolist() == [[2.0] * 14]
