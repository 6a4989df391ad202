"""The measures of signals, on signals whose values are known."""

import numpy as np
import pytest
from voxstack_train.evaluation.filtering import band, resampled
from voxstack_train.evaluation.griffin_lim import griffin_lim
from voxstack_train.evaluation.periodicity import periodicity
from voxstack_train.evaluation.spectra import cepstra, distortion, speech, variance_ratio
from voxstack_train.evaluation.tracking import tracked
from voxstack_train.evaluation.warping import moved, warped
from voxstack_train.features.spectrum import HOP, SAMPLE_RATE, log_mel

SECOND = np.arange(SAMPLE_RATE) / SAMPLE_RATE
F0 = 120 + 20 * np.sin(6 * SECOND)  # Hz, it moves as a voice does


@pytest.fixture(scope="module")
def pulses():
    phase = np.cumsum(F0) / SAMPLE_RATE
    return sum(np.cos(2 * np.pi * k * phase) for k in range(1, 45)) / 45


@pytest.fixture(scope="module")
def noise():
    return np.random.default_rng(0).standard_normal(SAMPLE_RATE) * 0.1


def test_a_pulse_train_is_periodic(pulses):
    assert periodicity(pulses, F0[::HOP]).mean() > 0.9


def test_noise_is_not_periodic(noise):
    assert abs(periodicity(noise, F0[::HOP]).mean()) < 0.05


def test_noise_in_the_band_takes_periodicity_away(pulses, noise):
    high = band(noise, SAMPLE_RATE, 1000, 8000) * np.std(pulses) / np.std(noise)
    mixed = periodicity(pulses + high, F0[::HOP]).mean()
    assert 0.3 < mixed < 0.8


def test_unvoiced_frames_are_not_asked_for_their_period(pulses):
    assert len(periodicity(pulses, np.zeros(SAMPLE_RATE // HOP))) == 0


def test_f0_is_found_to_a_few_cents(pulses):
    cents = 1200 * np.log2(tracked(pulses)[5:-5] / F0[::HOP][5:-5])
    assert np.abs(cents).max() < 20


def test_noise_and_silence_have_no_f0(noise):
    assert not tracked(noise).any()
    assert not tracked(np.zeros(SAMPLE_RATE)).any()
    assert len(tracked(np.zeros(0))) == 0


def test_distortion_of_a_mel_spectrum_and_itself_is_0(pulses):
    own = cepstra(log_mel(pulses))
    assert not distortion(own, own).any()


def test_distortion_is_the_distance_of_two_spectra_in_decibels():
    flat = np.zeros((80, 1))
    ripple = np.cos(np.pi * 3 * (np.arange(80) + 0.5) / 80)[:, None] * np.sqrt(2)
    decibel = np.log(10) / 20
    assert distortion(cepstra(flat + ripple * decibel), cepstra(flat))[0] == pytest.approx(1)


def test_a_louder_copy_has_no_distortion(noise):
    quiet, loud = log_mel(noise * 0.1), log_mel(noise)
    assert distortion(cepstra(loud), cepstra(quiet)).max() < 0.1


def test_silence_is_not_speech(pulses):
    quiet = np.zeros(SAMPLE_RATE)
    found = speech(log_mel(np.concatenate([quiet, pulses, quiet])))
    assert not found[:75].any()
    assert found[85:155].all()
    assert not speech(log_mel(quiet)).any()


def test_a_smoothed_spectrum_has_less_variance(noise):
    mel = log_mel(noise)
    smooth = np.stack([np.convolve(band, np.ones(5) / 5, "same") for band in mel])[:, 3:-3]
    assert variance_ratio(mel, mel) == pytest.approx(1)
    assert variance_ratio(smooth, mel) < 0.6


def test_what_was_slowed_down_is_warped_back():
    ours = np.random.default_rng(0).standard_normal((30, 4))
    pairs = warped(ours, np.repeat(ours, 2, axis=0))
    assert (pairs[:, 0] == pairs[:, 1] // 2).all()
    assert tuple(pairs[0]) == (0, 0)
    assert tuple(pairs[-1]) == (29, 59)


def test_places_move_with_the_frames_around_them():
    ours = np.random.default_rng(0).standard_normal((30, 4))
    times = moved(np.array([5.0, 10.0, 20.0]), warped(ours, np.repeat(ours, 2, axis=0)))
    assert np.diff(times) == pytest.approx([10, 20])


def test_griffin_lim_comes_near_the_mel_spectrum(pulses):
    mel = log_mel(pulses)
    audio = griffin_lim(mel)
    assert len(audio) == mel.shape[1] * HOP
    assert np.abs(log_mel(audio) - mel)[:, 4:-4].mean() < 0.5


def test_resampling_keeps_a_tone():
    tone = np.sin(2 * np.pi * 440 * np.arange(22050) / 22050)
    assert resampled(tone, 22050, SAMPLE_RATE) == pytest.approx(
        np.sin(2 * np.pi * 440 * SECOND), abs=1e-6
    )


def test_nothing_is_filtered_to_nothing():
    nothing = np.zeros(0)
    assert len(band(nothing, SAMPLE_RATE, 0, 1000)) == len(resampled(nothing, 8000, 16000)) == 0
