"""Concurrent streams on one voice: throughput, time to first audio, and gaps that one hears."""

from __future__ import annotations

import itertools
import statistics
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, final

from attrs import define, field, frozen
from voxstack import Host, Voice

from voxstack_kit.bench.figures import SENTENCES

COUNTS = (1, 2, 4, 8, 16)  # streams at once


@final
@define
class Playback:
    """Plays audio from the first samples on, as a listener would, and counts the gaps."""

    sample_rate: int
    began: float | None = None  # when the first samples came
    played_to: float = 0.0  # when what has come so far will have been played
    underruns: int = 0
    gap_s: float = 0.0

    def receive(self, samples: int, now: float) -> None:
        """Add samples that arrived at ``now``, in seconds on any clock."""
        if not samples:
            return
        if self.began is None:
            self.began = self.played_to = now
        elif now > self.played_to:
            self.underruns += 1
            self.gap_s += now - self.played_to
            self.played_to = now
        self.played_to += samples / self.sample_rate


@final
@frozen
class StreamsMeasured:
    """The measurements of a number of concurrent streams."""

    batching: bool
    streams: int
    audio_s_per_s: float  # seconds of audio made in a second, all streams together
    ttfa_p50_ms: float
    ttfa_p95_ms: float
    underruns: int  # chunks that came after the listener ran dry, in all rounds
    gap_s: float  # how long listeners waited for them in all
    audio_s: float  # that was made in all


@final
@define
class _Round:
    """The measurements of one setting so far."""

    seconds: float = 0.0
    audio: float = 0.0
    first: list[float] = field(factory=list)
    underruns: int = 0
    gap: float = 0.0


def measure_streams(
    voice: str | None,
    executor: Any = None,
    counts: Sequence[int] = COUNTS,
    rounds: int = 3,
    sentences: int = 3,
    report: Callable[[str], None] = print,
) -> list[StreamsMeasured]:
    """Speak from 1 to 16 threads at once, batched and not, in turns.

    Each thread speaks ``sentences`` sentences, one after the other, as fast as it can.
    """
    with Host() as host:
        name = host.choose_voice(voice)
        plain = host.voice(name, executor=executor, load=False).programs[0].executor
        config = executor if executor is not None else type(plain).__name__
        voices: Mapping[bool, Voice] = {
            False: host.voice(name, executor=config),
            True: host.voice(name, executor={"type": "Batching", "executor": config}),
        }
        seen = {(on, count): _Round() for on in voices for count in counts}
        for each in voices.values():
            _speak_at_once(each, max(counts), 1, _Round())  # warms up
        for turn, count in itertools.product(range(rounds), counts):
            report(f"round {turn + 1} of {rounds}: {count} streams")
            for on in sorted(voices, reverse=bool(turn % 2)):
                _speak_at_once(voices[on], count, sentences, seen[on, count])
    return [_summary(on, count, round_) for (on, count), round_ in seen.items()]


def _speak_at_once(voice: Voice, count: int, sentences: int, seen: _Round) -> None:
    ready = threading.Barrier(count + 1)
    lock = threading.Lock()
    errors: list[BaseException] = []

    def speak(number: int) -> None:
        ready.wait()
        try:
            for turn in range(sentences):
                text = SENTENCES[(number + turn) % len(SENTENCES)]
                began = time.perf_counter()
                listener = Playback(voice.sample_rate)
                samples = 0
                with voice.stream(text) as stream:
                    for chunk in stream:
                        listener.receive(len(chunk), time.perf_counter())
                        samples += len(chunk)
                with lock:
                    seen.first.append((listener.began or began) - began)
                    seen.audio += samples / voice.sample_rate
                    seen.underruns += listener.underruns
                    seen.gap += listener.gap_s
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=speak, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    ready.wait()
    started = time.perf_counter()
    for thread in threads:
        thread.join()
    seen.seconds += time.perf_counter() - started
    if errors:
        raise errors[0]


def _summary(batching: bool, count: int, seen: _Round) -> StreamsMeasured:
    first = sorted(seen.first)
    return StreamsMeasured(
        batching,
        count,
        round(seen.audio / seen.seconds, 1),
        round(statistics.median(first) * 1e3, 2),
        round(first[int(0.95 * (len(first) - 1))] * 1e3, 2),
        seen.underruns,
        round(seen.gap, 3),
        round(seen.audio, 1),
    )
