"""The networks: the streaming form is the offline one, and padding changes nothing."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional
from voxstack_train.features.spectrum import HOP, MELS, log_mel
from voxstack_train.networks.decoder import Decoder
from voxstack_train.networks.pitch import MelPitch
from voxstack_train.networks.text_encoder import TextEncoder
from voxstack_train.networks.vocoder import Vocoder

FRAMES = 50


def random(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def decoder_inputs(frames=FRAMES):
    elapsed = torch.arange(frames).float()[None] % 8 + 0.5
    f0 = 150 + 20 * random(1, frames)
    voiced = (random(1, frames, seed=1) > 0).float()
    mask = torch.ones(1, frames)
    return [random(1, 64, frames), elapsed, torch.full((1, frames), 8.0), f0, voiced, mask]


def vocoder_inputs(frames=FRAMES):
    phase = torch.rand(1, frames, generator=torch.Generator().manual_seed(2))
    f0, voiced, mask = decoder_inputs(frames)[3:]
    return [random(1, MELS, frames) - 5, f0, voiced, phase, random(1, HOP, frames), mask]


@pytest.fixture(scope="module")
def networks():
    torch.manual_seed(0)
    decoder, vocoder = Decoder(64, 3).eval(), Vocoder(32, 2).eval()
    return {"decoder": (decoder, decoder_inputs(), 1), "vocoder": (vocoder, vocoder_inputs(), HOP)}


def stepped(network, inputs, sizes):
    padded = [functional.pad(x, (0, network.delay)) for x in inputs]
    states = [torch.zeros(1, *shape) for shape in network.states().values()]
    parts, at = [], 0
    for size in sizes:
        part, *states = network(*(x[..., at : at + size] for x in padded), *states)
        parts.append(part)
        at += size
    return torch.cat(parts, -1)


@pytest.mark.parametrize("name", ["decoder", "vocoder"])
@settings(max_examples=8, deadline=None)
@given(cuts=st.sets(st.integers(1, 60), max_size=8))
def test_any_steps_equal_the_whole(networks, name, cuts):
    network, inputs, ratio = networks[name]
    edges = [0, *sorted(cut for cut in cuts if cut < FRAMES + network.delay)]
    sizes = np.diff([*edges, FRAMES + network.delay])
    with torch.no_grad():
        whole = network.whole(*inputs)
        made = stepped(network, inputs, sizes.tolist())[..., network.delay * ratio :]
    assert made.shape == whole.shape
    assert (made - whole).abs().max() <= 2e-6 * max(1, float(whole.abs().max()))


@pytest.mark.parametrize("name", ["decoder", "vocoder"])
def test_any_padding_changes_nothing(networks, name):
    network, inputs, ratio = networks[name]
    dirty = [torch.cat([x, 99 * torch.ones_like(x[..., :9])], -1) for x in inputs[:-1]]
    mask = functional.pad(inputs[-1], (0, 9))
    with torch.no_grad():
        whole, padded = network.whole(*inputs), network.whole(*dirty, mask)
    assert (padded[..., : FRAMES * ratio] - whole).abs().max() <= 2e-5


def test_the_vocoder_comes_closer_to_the_spectrum_it_was_given_by_its_correction(networks):
    vocoder = networks["vocoder"][0]
    times = np.arange(FRAMES * HOP) / 16000
    sound = sum(np.sin(2 * np.pi * 150 * n * times) / n for n in range(1, 20))
    mel = torch.from_numpy(log_mel((0.1 * sound).astype(np.float32)))[None]
    f0 = torch.full((1, FRAMES), 150.0)
    ones = torch.ones_like(f0)
    phase = (torch.arange(FRAMES) * 150 * HOP / 16000 % 1)[None]
    noise = random(1, HOP, FRAMES)

    def away(strongest, monkey=pytest.MonkeyPatch()):  # noqa: B008
        with monkey.context() as patch, torch.no_grad():
            patch.setattr("voxstack_train.networks.vocoder.STRONGEST", strongest)
            audio = vocoder.whole(mel, f0, ones, phase, noise, ones)[0].numpy()
        return np.abs(log_mel(audio) - mel[0].numpy())[:, 5:-5].mean()

    assert away(2.0) < 0.7 * away(0.0)


def test_f0_read_from_a_spectrum_ignores_padding():
    network = MelPitch(16, 2).eval()
    mel, mask = random(1, MELS, 30) - 5, torch.ones(1, 30)
    with torch.no_grad():
        f0, voicing = network(mel, mask)
        padded = network(functional.pad(mel, (0, 5)), functional.pad(mask, (0, 5)))
    assert torch.allclose(padded[0][:, :30], f0, rtol=1e-5)
    assert torch.allclose(padded[1][:, :30], voicing, atol=1e-5)


def test_an_encoder_returns_the_mean_f0_of_its_speaker():
    network = TextEncoder(44, 2, 16).eval()
    network.f0_means.copy_(torch.tensor([100.0, 200.0]))
    rows = [torch.zeros(1, 4, dtype=torch.int64)] * 4
    one = torch.ones(1, dtype=torch.int64)
    *_, mean = network(*rows, 0 * one, one, torch.ones(1, 4))
    assert mean.tolist() == [[200.0]]
