"""Run one system in its process: ``python -m against.child MODULE FOLDER SETTINGS [JOB]``.

It reads one command per line and answers with a line of JSON. Times are measured here, so that the
pipe costs nothing. With a JOB it speaks at once, answers when the first audio is available, and
ends with its peak memory. It imports only what its system needs.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


def main() -> None:
    module, folder, settings, *job = sys.argv[1:]
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what libraries print is not an answer

    def answer(**values: Any) -> None:
        answers.write(json.dumps(values) + "\n")

    system_module = importlib.import_module(f"against.systems.{module}")
    system = system_module.System(Path(folder), json.loads(settings))
    if job:
        times = spoken(system, json.loads(job[0]), lambda: answer(first=True))
        answer(peak_mb=peak_mb(), chunks=times)
        return
    answer(version=system.version)
    for line in sys.stdin:
        answer(**obeyed(system, json.loads(line)))


def obeyed(system: Any, command: dict[str, Any]) -> dict[str, Any]:
    if command["do"] == "speak":
        return {"chunks": spoken(system, command["job"])}
    if command["do"] == "together":
        return together(system, command["job"], command["streams"], command.get("player"))
    if command["do"] == "audio":
        return {"samples": saved(system, command["job"], Path(command["file"]))}
    raise ValueError(f"unknown command: {command}")


def spoken(
    system: Any,
    job: dict[str, Any],
    first: Callable[[], None] | None = None,
    player: dict[str, float] | None = None,
) -> list[tuple[float, int]]:
    """Return (seconds since the beginning, samples) of each piece of audio.

    A ``player`` stops reading while it buffers ``ahead`` seconds of audio at its ``rate``.
    """
    speak = system.prepared(job)
    times: list[tuple[float, int]] = []

    def heard(samples: Any) -> None:
        times.append((time.perf_counter() - began, len(samples)))
        if first is not None and len(times) == 1:
            first()
        if player is not None:
            received = sum(samples for _, samples in times) / player["rate"]
            played = time.perf_counter() - began - times[0][0]
            time.sleep(max(0.0, received - played - player["ahead"]))

    began = time.perf_counter()
    speak(heard)
    return times


def together(
    system: Any, job: dict[str, Any], streams: int, player: dict[str, float] | None
) -> dict[str, Any]:
    """Start ``streams`` utterances at the same time, one thread each."""
    barrier = threading.Barrier(streams + 1)
    found: list[list[tuple[float, int]]] = []
    errors: list[str] = []

    def one() -> None:
        barrier.wait()
        try:
            found.append(spoken(system, job, player=player))
        except Exception as error:
            errors.append(repr(error))

    threads = [threading.Thread(target=one) for _ in range(streams)]
    for thread in threads:
        thread.start()
    barrier.wait()
    began = time.perf_counter()
    for thread in threads:
        thread.join()
    return {"seconds": time.perf_counter() - began, "streams": found, "errors": errors}


def saved(system: Any, job: dict[str, Any], file: Path) -> int:
    """Write the speech as float32 to ``file``."""
    import numpy as np

    pieces: list[Any] = []
    system.prepared(job)(lambda samples: pieces.append(np.array(samples, dtype=np.float32)))
    audio = np.concatenate(pieces)
    audio.tofile(file)
    return len(audio)


def peak_mb() -> float:
    """Return the peak memory of this process, not of the parent that it was forked from."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(x for x in status.read_text().splitlines() if x.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1 << 20 if sys.platform == "darwin" else 1 << 10)


if __name__ == "__main__":
    main()
