"""The controls of pitch, in PitchControls and in Prosody."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from voxstack import BlockError, Chunk, Network, Program, Schedule, Tensors, TensorSpec
from voxstack.networks import Context
from voxstack_standard.pitch_controls import PitchControls
from voxstack_standard.prosody import Prosody

FRAMES = TensorSpec("float32", ("batch", "frames"))


def controls(**values):
    return Tensors({name: np.array([value], np.float32) for name, value in values.items()})


def moved(f0, **values):
    f0 = np.array([f0], np.float32)
    return PitchControls.of(controls(**values))(f0)


@given(st.lists(st.floats(0, 2000, width=32), max_size=9))
def test_at_their_defaults_f0_is_the_same_array(f0):
    f0 = np.array([f0], np.float32)
    for values in ({}, {"pitch": 0.0}, {"pitch": 0.0, "pitch_range": 1.0, "f0_mean": 100.0}):
        assert PitchControls.of(controls(**values))(f0) is f0


def test_twelve_semitones_are_an_octave():
    assert moved([100, 150], pitch=12.0)[0] == pytest.approx([200, 300])
    assert moved([100, 150], pitch=-12.0)[0] == pytest.approx([50, 75])


def test_the_range_stretches_the_distance_from_the_mean_in_octaves():
    assert moved([50, 100, 200], pitch_range=0.5, f0_mean=100.0)[0] == pytest.approx(
        [100 / 2**0.5, 100, 100 * 2**0.5]
    )
    assert moved([50, 100, 200], pitch_range=0.0, f0_mean=100.0)[0] == pytest.approx(100)


def test_both_together():
    got = moved([110, 180], pitch=2.0, pitch_range=1.5, f0_mean=120.0)[0]
    m, f0 = np.log(120), np.log([110, 180])
    assert got == pytest.approx(np.exp(m + 1.5 * (f0 - m) + 2 * np.log(2) / 12))


def test_the_mean_may_have_a_batch_axis():
    sequence = controls(pitch_range=0.0).merged({"f0_mean": np.array([[130.0]])})
    assert PitchControls.of(sequence)(np.array([[90.0]])) == pytest.approx(130)


def test_f0_stays_within_40_to_800_hz():
    assert moved([50, 700], pitch=-12.0)[0] == pytest.approx([40, 350])
    assert moved([50, 700], pitch=12.0)[0] == pytest.approx([100, 800])


def test_unvoiced_zeros_stay_and_what_is_no_number_stays_one():
    got = moved([0, np.nan, 100], pitch=3.0)[0]
    assert got[0] == 0
    assert np.isnan(got[1])


def test_f0_keeps_its_type():
    assert moved([100], pitch=1.0).dtype == np.float32


def test_a_range_without_the_speakers_mean_says_what_is_missing():
    with pytest.raises(BlockError, match="'pitch_range' needs the sequence tensor 'f0_mean'"):
        PitchControls.of(controls(pitch_range=1.2))


@pytest.mark.parametrize("mean", [0.0, -3.0, np.nan, np.inf])
def test_a_mean_that_is_no_frequency_is_refused(mean):
    with pytest.raises(BlockError, match="'f0_mean' must be a frequency in Hz"):
        PitchControls.of(controls(pitch_range=1.2, f0_mean=mean))


# Prosody ----------------------------------------------------------------------------------------


class Melody(Program):
    """F0 that wanders with what it sees."""

    network = Network(
        "melody", "prosody", {"x": FRAMES}, {"f0": FRAMES, "voicing": FRAMES}, {},
        context=Context(1, 1),
    )  # fmt: skip

    def __call__(self, inputs):
        near = np.convolve(inputs["x"][0], np.ones(3, np.float32))[None, 1:-1]
        return Tensors({"f0": 120 + 20 * near, "voicing": near})


X = np.random.default_rng(0).normal(size=(1, 150)).astype(np.float32)


def prosody(sizes=(150,), **values):
    ends = np.minimum(np.cumsum([*sizes, *[sizes[-1]] * 150]), 150)
    upstream = (
        Chunk({"x": X[:, a:b]}, a, b == 150) for a, b in zip([0, *ends], ends, strict=False)
    )
    block = Prosody(network=Melody(), grid=Schedule((16, 32)))
    return list(block.stream(controls(**values), upstream))


def f0_of(chunks):
    return np.concatenate([chunk["f0"] for chunk in chunks], axis=-1)


def test_prosody_without_controls_gives_the_bits_of_the_network():
    plain = f0_of(prosody())
    assert f0_of(prosody(pitch=0.0, pitch_range=1.0)).tobytes() == plain.tobytes()


def test_prosody_moves_f0_and_leaves_the_voicing():
    plain, high = prosody(), prosody(pitch=4.0)
    assert f0_of(high) == pytest.approx(f0_of(plain) * 2 ** (4 / 12))
    for a, b in zip(plain, high, strict=True):
        assert np.array_equal(a["voicing"], b["voicing"])
        assert np.array_equal(a["voiced"], b["voiced"])


def test_f0_that_is_read_off_a_spectrum_is_not_moved_again():
    class Reader(Melody):
        network = Network(
            "reader", "prosody", {"mel": FRAMES}, {"f0": FRAMES, "voicing": FRAMES}, {},
            context=Context(1, 1),
        )  # fmt: skip

        def __call__(self, inputs):
            return super().__call__({"x": inputs["mel"]})

    def read(**values):
        upstream = iter([Chunk({"mel": X}, 0, True)])
        block = Prosody(network=Reader(), grid=Schedule((16, 32)))
        return f0_of(list(block.stream(controls(**values), upstream)))

    assert read(pitch=4.0, pitch_range=0.0).tobytes() == read().tobytes()


@given(st.lists(st.integers(1, 40), min_size=1, max_size=5))
def test_the_moved_f0_is_the_same_bits_for_any_chunks(sizes):
    values = {"pitch": 2.5, "pitch_range": 1.3, "f0_mean": 118.0}
    assert f0_of(prosody(sizes, **values)).tobytes() == f0_of(prosody(**values)).tobytes()
