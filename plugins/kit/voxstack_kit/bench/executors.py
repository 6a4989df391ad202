"""Comparing the installed executors on one voice."""

from __future__ import annotations

import json
import math
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, final

import numpy as np
from attrs import field, frozen
from voxstack import Host, Voice, VoxstackError
from voxstack.inspection import unavailable

from voxstack_kit.bench.figures import ONE_PIECE, SENTENCES
from voxstack_kit.bench.forcing import Forcing, Tape
from voxstack_kit.bench.processes import peak_mb
from voxstack_kit.describing.wrapping import wraps

Report = Callable[[str], None]  # is called with what is being measured


@final
@frozen
class Measured:
    """The measurements of one executor on a voice."""

    executor: str
    reason: str | None = None  # why it was not measured; then nothing else is known
    ttfa_ms: float | None = None  # text in hand to first samples, warm
    rtf: float | None = None  # streamed: seconds of work for a second of audio
    rtf_whole: float | None = None  # in one piece
    load_s: float | None = None  # of all networks, in a fresh process, its imports included
    peak_rss_mb: float | None = None  # of a fresh process that speaks a sentence
    max_abs_diff: float | None = None  # of the audio to the reference's, prosody forced
    prosody_diff: dict[str, float] = field(factory=dict)  # largest of each tensor
    padding_waste: float | None = None  # share of what was computed for fixed shapes only


@final
class ExecutorBench:
    """Measures a voice on several executors: in turns in one process, and from cold alone."""

    def __init__(
        self,
        voice: str | None,
        executors: Sequence[Any] = (),
        turns: int = 15,
        report: Report = print,
    ) -> None:
        self.turns, self.report = turns, report
        self._host = Host()
        self.voice = self._host.choose_voice(voice)
        self.configs: dict[str, Any] = {name_of(config): config for config in executors}
        if not executors:
            self.configs = {name: name for name in self._installed()}
        self._reasons: dict[str, str] = {}
        self._voices: dict[str, Voice] = {}

    def _installed(self) -> list[str]:
        """Return the names of the executors that do not wrap another."""
        registry, names = self._host.registry, []
        for name in registry.names("executor"):
            try:
                alone = not wraps(registry.load(registry.find(name, "executor")))
            except VoxstackError:
                alone = True  # the reason is reported in its turn
            names += [name] if alone else []
        return names

    def run(self) -> list[Measured]:
        """Measure all executors; one that cannot be measured has the reason."""
        with self._host:
            for name, config in self.configs.items():
                self.report(f"loading {name}")
                self._guarded(name, partial(self._load, config))
            cold = {name: self._guarded(name, self._cold_run(name)) for name in self._voices}
            warm = self._in_turns()
            exact = self._exactness()
        return [self._measured(name, cold, warm, exact) for name in self.configs]

    def _measured(self, name: str, cold: Any, warm: Any, exact: Any) -> Measured:
        if name in self._reasons:
            return Measured(name, self._reasons[name])
        return Measured(name, None, **warm[name], **cold[name], **exact[name])

    def _guarded(self, name: str, work: Callable[[], Any]) -> Any:
        if name in self._reasons:
            return None
        try:
            return work()
        except VoxstackError as error:
            self._reasons[name] = str(error)
            self._voices.pop(name, None)
            return None

    def _load(self, config: Any) -> None:
        executor = self._host.executor(config)
        if reason := unavailable(executor):
            raise VoxstackError(reason)
        self._voices[name_of(config)] = self._host.voice(self.voice, executor=config)

    def _cold_run(self, name: str) -> Callable[[], dict[str, float]]:
        def run() -> dict[str, float]:
            self.report(f"{name} from cold")
            config = self.configs[name]
            with tempfile.TemporaryDirectory() as folder:
                stats = Path(folder) / "stats.json"
                command = [sys.executable, "-m", "voxstack", "say", "--voice", self.voice]
                command += ["--executor", config if type(config) is str else json.dumps(config)]
                command += ["-o", os.devnull, "--stats", str(stats), SENTENCES[1]]
                peak = round(peak_mb(command), 1)
                found = json.loads(stats.read_text())
            load_s = round(found["load_ms"] / 1e3, 3)
            return {"load_s": load_s, "peak_rss_mb": peak}

        return run

    def _in_turns(self) -> dict[str, dict[str, Any]]:
        """Measure each executor in turns: first audio, streamed, and in one piece."""
        times: dict[str, dict[str, list[float]]] = {
            name: {"ttfa_ms": [], "rtf": [], "rtf_whole": []} for name in self._voices
        }
        waste: dict[str, tuple[int, int]] = dict.fromkeys(self._voices, (0, 0))
        for turn in range(-1, self.turns):  # the first one warms up
            self.report(f"turn {turn + 1} of {self.turns}")
            text = SENTENCES[turn % len(SENTENCES)]
            for name, voice in list(self._voices.items()):
                timed = self._guarded(name, partial(_timed, voice, text))
                if timed is None or turn < 0:
                    continue
                for key, value in timed[0].items():
                    times[name][key].append(value)
                waste[name] = (waste[name][0] + timed[1][0], waste[name][1] + timed[1][1])
        figures: dict[str, dict[str, Any]] = {}
        for name in self._voices:
            figures[name] = {k: _rounded(statistics.median(v)) for k, v in times[name].items()}
            used, computed = waste[name]
            figures[name]["padding_waste"] = round(1 - used / computed, 3) if computed else None
        return figures

    def _exactness(self) -> dict[str, dict[str, Any]]:
        """Compare the audio with the first executor's, with its prosody, on each sentence."""
        found: dict[str, dict[str, Any]] = {
            name: {"max_abs_diff": 0.0, "prosody_diff": {}} for name in self._voices
        }
        tape = Tape()
        forced: dict[str, Voice] = {}
        for text in SENTENCES:
            reference: Any = None
            for name in list(self._voices):
                self.report(f"exactness of {name}")
                speak = partial(self._forced, name, forced, tape, text, reference is None)
                samples = self._guarded(name, speak)
                if samples is None:
                    continue
                if reference is None:
                    reference = samples
                elif samples.shape != reference.shape:
                    found[name]["max_abs_diff"] = math.inf
                else:
                    away = float(np.abs(samples - reference).max(initial=0.0))
                    found[name]["max_abs_diff"] = max(found[name]["max_abs_diff"], away)
                largest = found[name]["prosody_diff"]
                for tensor, away in tape.differences.items():
                    largest[tensor] = max(away, largest.get(tensor, 0.0))
        for figures in found.values():
            figures["max_abs_diff"] = _rounded(figures["max_abs_diff"])
            figures["prosody_diff"] = {k: _rounded(v) for k, v in figures["prosody_diff"].items()}
        return found

    def _forced(
        self, name: str, voices: dict[str, Voice], tape: Tape, text: str, first: bool
    ) -> Any:
        """Return the audio with the prosody of the tape, which the first executor records."""
        if name not in voices:
            forcing = Forcing(self._host.executor(self.configs[name]), tape)
            voices[name] = self._host.voice(self.voice, executor=forcing)
        tape.record() if first else tape.replay()
        return voices[name].synthesize(text).samples


def name_of(config: Any) -> str:
    """Return an executor's configuration as it is shown."""
    return config if type(config) is str else json.dumps(config)


def _timed(voice: Voice, text: str) -> tuple[dict[str, float], tuple[int, int]]:
    """Return the times of one sentence, and the positions that were wanted and computed."""
    with voice.stream(text) as stream:
        for _ in stream:
            pass
    report = stream.report
    assert report is not None and report.first_audio_s is not None
    started = time.perf_counter()
    with voice.stream(text, frames=(ONE_PIECE,)) as whole:
        for _ in whole:
            pass
    seconds = time.perf_counter() - started
    networks = report.networks.values()
    padding = sum(t["used"] for t in networks), sum(t["computed"] for t in networks)
    times = {
        "ttfa_ms": report.first_audio_s * 1e3,
        "rtf": report.total_s / report.audio_s,
        "rtf_whole": seconds / report.audio_s,
    }
    return times, padding


def _rounded(value: float) -> float:
    return float(f"{value:.4g}")
