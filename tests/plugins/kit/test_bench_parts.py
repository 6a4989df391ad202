"""The parts of the benchmarks: what a listener hears, and prosody that is forced."""

import numpy as np
import pytest
from attrs import frozen
from voxstack import Program, Tensors, VoxstackError
from voxstack_kit.bench.forcing import Forcing, Tape
from voxstack_kit.bench.streams import Playback

TEXT = "Hi there."


def test_a_listener_hears_no_gap_where_audio_comes_in_time():
    listener = Playback(sample_rate=10)
    for samples, now in ((10, 5.0), (10, 5.9), (20, 6.9), (5, 7.0)):
        listener.receive(samples, now)
    assert (listener.began, listener.underruns, listener.gap_s) == (5.0, 0, 0.0)


def test_a_listener_waits_for_a_chunk_that_comes_late_and_plays_on_from_there():
    listener = Playback(sample_rate=10)
    for samples, now in ((10, 5.0), (0, 6.2), (10, 6.5), (10, 7.6)):
        listener.receive(samples, now)
    assert listener.underruns == 2
    assert listener.gap_s == pytest.approx(0.6)


class Stretched(Program):
    """Makes durations that are longer than they should be."""

    def __init__(self, inner, by):
        self.network, self.inner, self.by = inner.network, inner, by

    def __call__(self, inputs):
        made = self.inner(inputs)
        if "durations" in made:
            made = Tensors({**made, "durations": made["durations"] + self.by})
        return made


@pytest.fixture
def host(tiny_host, tiny_parts):
    (numpy,) = tiny_parts["executors"]

    @frozen
    class Longer(numpy):
        def load(self, network):
            return Stretched(super().load(network), 2)

    return tiny_host(executors=[numpy, Longer])


def test_forced_prosody_gives_the_reference_audio_and_tells_how_far_it_was(host):
    tape = Tape()
    reference = host.voice("tiny", executor=Forcing(host.executor("Numpy"), tape))
    other = host.voice("tiny", executor=Forcing(host.executor("Longer"), tape))
    tape.record()
    expected = reference.synthesize(TEXT).samples
    tape.replay()
    assert np.array_equal(other.synthesize(TEXT).samples, expected)
    assert tape.differences == {"durations": 2.0}
    assert len(host.voice("tiny", executor="Longer").synthesize(TEXT).samples) > len(expected)


def test_more_calls_than_the_reference_made_are_refused(host):
    tape = Tape()
    voice = host.voice("tiny", executor=Forcing(host.executor("Numpy"), tape))
    tape.record()
    tape.replay()
    with pytest.raises(VoxstackError, match="called more often than on the reference"):
        voice.synthesize(TEXT)
