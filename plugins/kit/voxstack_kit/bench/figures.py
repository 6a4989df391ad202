"""The figures of voxstack, each measured against its own lower bound."""

from __future__ import annotations

import itertools
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, final

import numpy as np
from attrs import frozen
from voxstack import Host, Voice, VoxstackError
from voxstack.inspection import DOUBLING

from voxstack_kit.bench.processes import peak_mb
from voxstack_kit.bench.recording import Recording, replay, with_ready_text
from voxstack_kit.bench.timing import interleaved, timed

ONE_PIECE = 1 << 30  # frames: more than any sentence has

SENTENCES = (
    "The quick brown fox jumps over the lazy dog.",
    "We took the early train to the coast last summer, and the sea was calm.",
    "Nobody had told her that the old house by the river was for sale again.",
    "The children played in the garden until it was dark.",
)
PAGE = " ".join(SENTENCES * 5)  # about a minute of speech
PULLS = ((1,), (2, 3), (7,), (8, 16, 32, 64), (64,), (255, 1))  # chunk sizes, in frames


@final
@frozen
class Figure:
    """One measured figure."""

    name: str
    value: float | None  # None where it cannot be measured here
    bound: float
    meaning: str
    details: dict[str, Any]

    @property
    def held(self) -> bool | None:
        """Return whether the bound is held."""
        return None if self.value is None else self.value <= self.bound


@final
class Bench:
    """Measures the figures of one voice on one executor."""

    def __init__(self, voice: str | None = None, executor: Any = None, quick: bool = False) -> None:
        self.name, self.executor, self.quick = voice, executor, quick
        self.turns = 5 if quick else 25

    def measurements(self) -> dict[str, Callable[[], Figure]]:
        """Return the figures by name, each a function that measures it."""
        return {
            "host_overhead": self.host_overhead,
            "ttfa_vs_bound": self.ttfa_vs_bound,
            "ttfa_page_vs_sentence": self.ttfa_page_vs_sentence,
            "chunk_max_abs_diff": self.chunk_max_abs_diff,
            "stream_rtf_vs_whole": self.stream_rtf_vs_whole,
            "discovery_ratio_100_plugins": self.discovery_ratio,
            "cold_start_ratio": self.cold_start_ratio,
            "peak_rss_over_runtime_mb": self.peak_rss,
        }

    # In this process ------------------------------------------------------------------------

    def host_overhead(self) -> Figure:
        """Measure streaming through the stack against the same programs called directly."""
        with self._host() as host:
            voice, recording = self._recorded(host)
            ratios, details = [], []
            for text in SENTENCES:
                ready = with_ready_text(voice, text)
                ours, bare = self._against_replay(ready, text, recording, whole=True)
                comparison = interleaved(ours, bare, self.turns)
                ratios.append(comparison.ratio)
                details.append(comparison.summary())
        meaning = "streamed through the stack / the same programs called bare with the same chunks"
        return Figure("host_overhead", statistics.median(ratios), 1.03, meaning, {"runs": details})

    def ttfa_vs_bound(self) -> Figure:
        """Measure the time to first audio against the work that it needs at least."""
        with self._host() as host:
            voice, recording = self._recorded(host)
            ratios, details = [], []
            for text in SENTENCES:
                ours, bare = self._against_replay(voice, text, recording, whole=False)
                comparison = interleaved(ours, bare, 2 * self.turns)
                ratios.append(comparison.ratio)
                details.append(comparison.summary())
        meaning = "text in hand to first samples / frontend + one first-size call of each network"
        return Figure("ttfa_vs_bound", statistics.median(ratios), 1.15, meaning, {"runs": details})

    def ttfa_page_vs_sentence(self) -> Figure:
        """Measure the time to first audio of a page against its first sentence alone."""
        with self._host() as host:
            voice = self._voice(host)
            comparison = interleaved(
                lambda: _first_audio(voice, PAGE),
                lambda: _first_audio(voice, SENTENCES[0]),
                2 * self.turns,
            )
        meaning = "first audio of a page of a minute / of its first sentence alone"
        return Figure("ttfa_page_vs_sentence", comparison.ratio, 1.1, meaning, comparison.summary())

    def chunk_max_abs_diff(self) -> Figure:
        """Compare streamed with one-shot audio, over many pull sizes."""
        by_pull: dict[str, float] = {}
        with self._host() as host:
            voice = self._voice(host)
            for text in SENTENCES[: 2 if self.quick else None]:
                whole = _audio(voice, text, (ONE_PIECE,))
                for pull in PULLS:
                    streamed = _audio(voice, text, pull)
                    if streamed.shape != whole.shape:
                        raise VoxstackError(f"pulls of {pull}: {streamed.shape} != {whole.shape}")
                    difference = float(np.abs(streamed - whole).max())
                    by_pull[str(list(pull))] = max(by_pull.get(str(list(pull)), 0.0), difference)
        meaning = "streamed against one-shot audio, the greatest difference over all pull sizes"
        return Figure("chunk_max_abs_diff", max(by_pull.values()), 1e-5, meaning, by_pull)

    def stream_rtf_vs_whole(self) -> Figure:
        """Measure the time of streaming against synthesis in one piece."""
        with self._host() as host:
            voice = self._voice(host)
            ratios, details = [], []
            for text in SENTENCES:
                comparison = interleaved(
                    lambda text=text: timed(lambda: _audio(voice, text, DOUBLING)),  # type: ignore[misc]
                    lambda text=text: timed(lambda: voice.synthesize(text)),  # type: ignore[misc]
                    self.turns,
                )
                ratios.append(comparison.ratio)
                seconds = voice.synthesize(text).seconds
                rtf = statistics.median(comparison.ours) / seconds
                details.append({**comparison.summary(), "streamed_rtf": round(rtf, 5)})
        meaning = "streamed / synthesize() in one piece"
        return Figure(
            "stream_rtf_vs_whole", statistics.median(ratios), 1.25, meaning, {"runs": details}
        )

    def discovery_ratio(self) -> Figure:
        """Measure the discovery of 100 plugins among 200 distributions against one scan."""
        import importlib_metadata
        from voxstack.inspection import Registry

        def discover() -> None:
            found = sum(r.distribution.startswith("dist-") for r in Registry().registrations)
            assert found == 100, found

        def scan() -> None:
            found = sum(e.value.startswith("dist_") for e in importlib_metadata.entry_points())
            assert found == 200, found

        with tempfile.TemporaryDirectory() as folder:
            _fake_distributions(Path(folder))
            sys.path.insert(0, folder)
            try:
                comparison = interleaved(lambda: timed(discover), lambda: timed(scan), self.turns)
            finally:
                sys.path.remove(folder)
        meaning = "discovery of 100 plugins among 200 distributions / one entry_points() scan"
        return Figure(
            "discovery_ratio_100_plugins", comparison.ratio, 1.5, meaning, comparison.summary()
        )

    # From cold ------------------------------------------------------------------------------

    def cold_start_ratio(self) -> Figure:
        """Measure ``voxstack say`` from cold to first audio against importing the runtime."""
        runtime = self._runtime()
        comparison = interleaved(
            self._cold_say, lambda: _cold_import(runtime), max(5, self.turns // 2), warm=1
        )
        meaning = f"voxstack say from cold to first audio / python -c 'import {runtime}'"
        return Figure("cold_start_ratio", comparison.ratio, 2.5, meaning, comparison.summary())

    def peak_rss(self) -> Figure:
        """Measure the peak memory of ``say`` above an interpreter that imported the runtime."""
        meaning = "peak memory of say above an interpreter with the runtime imported, MB"
        if not hasattr(os, "posix_spawn"):
            return Figure(
                "peak_rss_over_runtime_mb", None, 150, meaning, {"why": "needs posix_spawn"}
            )
        runtime = self._runtime()
        say = [*self._say_command(), "-o", os.devnull, SENTENCES[1]]
        pairs = [
            (peak_mb(say), peak_mb([sys.executable, "-c", f"import {runtime}"])) for _ in range(3)
        ]
        ours, theirs = (statistics.median(column) for column in zip(*pairs, strict=True))
        details = {"ours_mb": round(ours, 1), "theirs_mb": round(theirs, 1), "turns": len(pairs)}
        return Figure("peak_rss_over_runtime_mb", ours - theirs, 150, meaning, details)

    # Helpers --------------------------------------------------------------------------------

    def _host(self) -> Host:
        return Host(executor=self.executor)

    def _voice(self, host: Host) -> Voice:
        voice = host.voice(self.name)
        voice.warm_up()
        return voice

    def _recorded(self, host: Host) -> tuple[Voice, Recording]:
        """Return the voice on an executor that records, and that executor."""
        plain = host.voice(self.name, load=False)
        recording = Recording(plain.programs[0].executor)
        voice = host.voice(self.name, executor=recording)
        voice.warm_up()
        return voice, recording

    def _against_replay(
        self, voice: Voice, text: str, recording: Recording, whole: bool
    ) -> tuple[Callable[[], float], Callable[[], float]]:
        """Return the stack's work (all, or up to the first audio) and the same calls directly."""

        def ours() -> float:
            with voice.stream(text) as stream:
                started = time.perf_counter()
                _first(stream)
                if whole:
                    for _ in stream:
                        pass
                return time.perf_counter() - started

        recorded = recording.record(ours)

        def bare() -> float:
            started = time.perf_counter()
            if not whole:
                next(voice.built.frontend.sentences([text]))
            replay(recorded)
            return time.perf_counter() - started

        return ours, bare

    def _runtime(self) -> str:
        with self._host() as host:
            executor = host.voice(self.name, load=False).programs[0].executor
        if executor.runtime is None:
            raise VoxstackError(f"{type(executor).__name__} does not declare its runtime")
        return executor.runtime

    def _say_command(self) -> list[str]:
        command = [sys.executable, "-m", "voxstack", "say"]
        command += ["--voice", self.name] if self.name else []
        return command + (["--executor", str(self.executor)] if self.executor else [])

    def _cold_say(self) -> float:
        """Return the seconds from the start of the process to its first byte of audio."""
        started = time.perf_counter()
        with subprocess.Popen(
            [*self._say_command(), "-o", "-", SENTENCES[0]], stdout=subprocess.PIPE
        ) as process:
            assert process.stdout is not None
            first = process.stdout.read(1)
            seconds = time.perf_counter() - started
            process.stdout.read()
        if not first or process.returncode:
            raise VoxstackError(f"say failed with exit code {process.returncode}")
        return seconds


def _first(stream: Iterator[Any]) -> None:
    for chunk in stream:
        if len(chunk):
            return


def _first_audio(voice: Voice, text: str) -> float:
    started = time.perf_counter()
    with voice.stream(text) as stream:
        _first(stream)
        return time.perf_counter() - started


def _audio(voice: Voice, text: str, frames: tuple[int, ...]) -> np.ndarray[Any, Any]:
    with voice.stream(text, frames=frames) as stream:
        return np.concatenate([np.asarray(chunk["audio"])[0] for chunk in stream])


def _cold_import(runtime: str) -> float:
    return timed(lambda: subprocess.run([sys.executable, "-c", f"import {runtime}"], check=True))


def _fake_distributions(folder: Path) -> None:
    """Write 200 distributions, 100 of which provide one voxstack plugin each."""
    kinds = itertools.cycle(("encoders", "decoders", "vocoders", "effects", "executors"))
    for number in range(200):
        info = folder / f"dist_{number:03}-1.{number}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: dist-{number:03}\n")
        group = f"voxstack.{next(kinds)}" if number < 100 else "console_scripts"
        (info / "entry_points.txt").write_text(
            f"[{group}]\nThing{number} = dist_{number:03}.things:Thing\n"
        )
