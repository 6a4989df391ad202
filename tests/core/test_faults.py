"""Executors that fail while they run: a typed error for one stream, and the voice goes on."""

import threading

import numpy as np
import pytest
from attrs import frozen
from voxstack import NetworkError, Program, Tensors

TEXT = "One two three. Four five six."


@pytest.fixture
def faulty(tiny_host, tiny_parts):
    """Return a voice whose vocoder's outputs pass through a fault, and the place of the fault."""
    (numpy,) = tiny_parts["executors"]
    fault = [lambda outputs: outputs]

    class Faulty(Program):
        def __init__(self, inner):
            self.network, self.inner = inner.network, inner

        def __call__(self, inputs):
            outputs = self.inner(inputs)
            return fault[0](outputs) if self.network.name == "vocoder" else outputs

    @frozen
    class Device(numpy):
        def load(self, network):
            return Faulty(super().load(network))

    return tiny_host(executors=[Device]).voice("tiny"), fault


def raising(error):
    def fault(outputs):
        raise error

    return fault


def with_audio(value):
    return lambda outputs: Tensors({"audio": value(np.asarray(outputs["audio"]))})


def spoiled(audio):
    audio = audio.astype(float)
    audio[..., 3] = np.nan
    return audio


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (raising(MemoryError("out of device memory")), "MemoryError: out of device memory"),
        (raising(OSError("device lost")), r"device lost \(inputs: mel \[1, \d+\]\)"),
        (lambda outputs: 5, "returned int, expected voxstack.Tensors"),
        (lambda outputs: Tensors({"sound": 1}), "returned no 'audio'; it returned: sound"),
        (
            with_audio(lambda a: a.astype(np.float16)),
            "returned 'audio' as float16, expected float64",
        ),
        (
            with_audio(lambda a: a[0]),
            r"returned 'audio' as \[\d+\], expected \['batch', 'samples'\]",
        ),
        (with_audio(spoiled), r"numbers in 'audio' that are not finite, from index 3 of \d+"),
    ],
)
def test_a_device_that_fails_in_a_stream_is_an_error_that_names_network_and_executor(
    faulty, fault, message
):
    voice, place = faulty
    good = voice.synthesize(TEXT).samples
    stream = voice.stream(TEXT, frames=(2,))
    next(stream)
    place[0] = fault
    with pytest.raises(NetworkError, match=message) as caught:
        list(stream)
    assert "'tiny:vocoder'" in str(caught.value) and "Device" in str(caught.value)
    assert caught.value.pointer == "/stack/1"
    place[0] = lambda outputs: outputs
    assert np.array_equal(voice.synthesize(TEXT).samples, good)


def test_a_signal_handler_may_end_the_program_in_the_middle_of_a_call(faulty):
    voice, place = faulty
    place[0] = raising(SystemExit(3))
    with pytest.raises(SystemExit):
        voice.synthesize(TEXT)


def test_other_streams_do_not_notice(faulty):
    voice, place = faulty
    good = voice.synthesize(TEXT).samples
    guilty = threading.get_ident()

    def fault(outputs):
        if threading.get_ident() == guilty:
            raise OSError("device lost")
        return outputs

    others, results = [], {}
    begun = threading.Barrier(4)

    def speak(number):
        with voice.stream(TEXT, frames=(1,)) as stream:
            chunks = [next(stream)]
            begun.wait()
            results[number] = np.concatenate([c["audio"][0] for c in [*chunks, *stream]])

    for number in range(3):
        others.append(threading.Thread(target=speak, args=(number,)))
        others[-1].start()
    begun.wait()
    place[0] = fault
    with pytest.raises(NetworkError, match="device lost"):
        voice.synthesize("Mine.")
    for thread in others:
        thread.join()
    assert all(np.array_equal(results[number], good) for number in range(3))
