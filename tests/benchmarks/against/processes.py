"""Control the processes of the systems."""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path
from typing import Any, Self

from attrs import field, frozen

HERE = Path(__file__).parent


class SystemGone(Exception):
    """A system's process ended, or did not start."""


@frozen
class System:
    """A system: its module, its interpreter and its settings."""

    name: str
    module: str
    python: str
    settings: dict[str, Any] = field(factory=dict)

    def command(self, folder: Path, *job: str, **more: Any) -> list[str]:
        """Return the command line of its process."""
        settings = {"threads": 1, "noise_scale": 1.0, **self.settings, **more}
        return [
            self.python, "-m", "against.child", self.module, str(folder), json.dumps(settings), *job
        ]  # fmt: skip


def environment() -> dict[str, str]:
    """Return the environment of all systems."""
    threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    path = {"PYTHONPATH": str(HERE.parent), "PYTHONUTF8": "1"}
    return {**os.environ, **threads, **path, "ORT_DISABLE_TELEMETRY": "1"}


class Running:
    """A system's running process, which executes commands."""

    def __init__(self, system: System, folder: Path, **settings: Any) -> None:
        self.system = system
        self._log = (folder / f"{system.name}.log").open("w+", encoding="utf-8", errors="replace")
        try:
            self._process = subprocess.Popen(
                system.command(folder, **settings),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._log,
                env=environment(),
                text=True,
            )
        except OSError as error:
            raise SystemGone(f"{system.name}: {system.python}: {error.strerror}") from None
        self.version = self._answer()["version"]

    def ask(self, **command: Any) -> dict[str, Any]:
        """Return the answer to a command."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(command) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # the missing answer is reported below
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            code = self._process.wait()
            self._log.seek(0)
            said = self._log.read().strip().splitlines()[-1:] or ["no message"]
            raise SystemGone(f"{self.system.name} ended with {code}: {said[0]}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.stdin.close()  # type: ignore[union-attr]
        try:
            self._process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._process.stdout.close()  # type: ignore[union-attr]
        self._log.close()


def cold(system: System, folder: Path, job: dict[str, Any]) -> tuple[float, float]:
    """Return seconds from the start of a new process to its first audio, and its peak in MB."""
    began = time.perf_counter()
    with subprocess.Popen(
        system.command(folder, json.dumps(job)),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment(),
        text=True,
    ) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        seconds = time.perf_counter() - began
        last = process.stdout.readline()
    if not first or not last:
        raise SystemGone(f"{system.name} ended with {process.returncode} in a cold start")
    return seconds, json.loads(last)["peak_mb"]
