"""Calls of plugin code in child processes: nothing of a plugin runs in this process.

A child works through a list of calls and records each call before it begins. The parent reads the
record: it knows which call hangs or ends its child, and a new child continues with the rest. A
call that failed after others is repeated in a child of its own.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, final

from attrs import field, frozen
from voxstack import PluginError, VoxstackError

TIMEOUT = 30.0  # seconds that one call may take
STARTING = 60.0  # seconds that a child may take until it begins, on a busy machine
SHARED = 50  # calls that one child does at most, where they may share one
_PAUSE = 0.01  # seconds between two looks at the children
_LONGEST = 300  # characters of what a plugin printed

_START = (
    "import sys, json; folder = sys.argv[1]\n"
    "with open(folder + '/jobs.json', encoding='utf-8') as file: given = json.load(file)\n"
    "sys.path[:] = given['path']\n"
    "from voxstack_kit.trying.children import serve\n"
    "serve(folder, given['jobs'])\n"
)


@final
@frozen
class Job:
    """A call for a child: ``"module:function"`` and its arguments as plain values."""

    call: str
    arguments: Mapping[str, Any] = field(factory=dict)


@final
@frozen
class Outcome:
    """The result of a call: its value, or why there is none."""

    value: Any = None
    failure: str | None = None
    milliseconds: float | None = None
    printed: str = ""  # what it wrote to stdout
    forked: bool = False
    skipped: bool = False  # the time for all calls was spent before


def run_apart(
    jobs: Sequence[Job],
    timeout: float = TIMEOUT,
    *,
    share: bool = True,
    budget: float | None = None,
) -> list[Outcome]:
    """Run calls in children, several at a time, each within ``timeout`` seconds.

    With ``share`` a child does many calls, else each has its own. Those that have not begun
    after ``budget`` seconds (default: 10 timeouts, 300 at least) are skipped.
    """
    end = time.monotonic() + (max(300.0, 10 * timeout) if budget is None else budget)
    workers = min(4, os.cpu_count() or 1)
    size = max(1, min(SHARED, -(-len(jobs) // workers))) if share else 1
    numbers = list(range(len(jobs)))
    waiting = [numbers[i : i + size] for i in range(0, len(numbers), size)]
    outcomes: dict[int, Outcome] = {}
    running: list[_Child] = []
    try:
        while waiting or running:
            if time.monotonic() > end:
                waiting.clear()
            while waiting and len(running) < workers:
                running.append(_Child(jobs, waiting.pop(0), timeout))
            time.sleep(_PAUSE)
            for child in [*running]:
                again = child.look(outcomes)
                if again is not None:
                    child.close()
                    running.remove(child)
                    waiting += again
    finally:
        for child in running:
            child.close()
    return [outcomes.get(number, Outcome(skipped=True)) for number in numbers]


@final
class _Child:
    """A process that runs some of the calls."""

    def __init__(self, jobs: Sequence[Job], numbers: list[int], timeout: float) -> None:
        self.left, self.timeout = list(numbers), timeout
        self.current: int | None = None
        self.shared: list[int] = []  # failed after other calls: to be tried alone
        self._first = numbers[0]
        self._read = 0
        self._folder = TemporaryDirectory(prefix="voxstack-", ignore_cleanup_errors=True)
        self.folder = Path(self._folder.name)
        given = {
            "path": sys.path,
            "jobs": [
                [number, jobs[number].call, dict(jobs[number].arguments)] for number in numbers
            ],
        }
        (self.folder / "jobs.json").write_text(json.dumps(given), "utf-8")
        (self.folder / "report").touch()
        # Files, not pipes: a process that a plugin forks off would keep a pipe open.
        with (self.folder / "out").open("wb") as out, (self.folder / "err").open("wb") as err:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-c", _START, str(self.folder)],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,  # so that what it starts can be ended with it
            )
        self._deadline = time.monotonic() + max(STARTING, timeout)

    def look(self, outcomes: dict[int, Outcome]) -> list[list[int]] | None:
        """Read what it reported; once it has ended, return the remaining calls in batches."""
        over = self.process.poll() is not None  # before reading: nothing is written after
        ended = self._take(outcomes)
        late = time.monotonic() > self._deadline
        if not (over or ended or late):
            return None
        if not ended and self.left:
            failure = (
                f"it did not end within {self.timeout:g} s and was stopped" if late else self._end()
            )
            number = self.left[0] if self.current is None else self.current
            outcomes[number] = Outcome(failure=failure)
            self.left.remove(number)
        rest = [[number] for number in self.shared]
        return [*([self.left] if self.left else []), *rest]

    def _take(self, outcomes: dict[int, Outcome]) -> bool:
        with (self.folder / "report").open("rb") as file:
            file.seek(self._read)
            text = file.read()
        text = text[: text.rfind(b"\n") + 1]  # whole lines
        self._read += len(text)
        for line in text.splitlines():
            event = json.loads(line)
            if "end" in event:
                return True
            if "begin" in event:
                self.current = event["begin"]
                self._deadline = time.monotonic() + self.timeout
                continue
            number = event.pop("done")
            self.left.remove(number)
            self.current = None
            self._deadline = time.monotonic() + STARTING
            if event["failure"] and number != self._first:
                self.shared.append(number)
            else:
                outcomes[number] = Outcome(**event)
        return False

    def _end(self) -> str:
        code = self.process.returncode
        if code < 0:
            try:
                how = f"was killed by {signal.Signals(-code).name}"
            except ValueError:
                how = f"was killed by signal {-code}"
        else:
            how = f"ended with exit code {code}"
        lines = (self.folder / "err").read_text("utf-8", "replace").strip().splitlines()
        return f"the Python that ran it {how}" + (f": {lines[-1][:_LONGEST]}" if lines else "")

    def close(self) -> None:
        """End the child and the processes that it started."""
        if hasattr(os, "killpg"):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)
        self.process.kill()
        self.process.wait()
        self._folder.cleanup()


# In the child ---------------------------------------------------------------------------------


def serve(folder: str, jobs: list[tuple[int, str, dict[str, Any]]]) -> None:
    """Run the calls in order and report each; end the process."""
    _preload()
    report = (Path(folder) / "report").open("a", encoding="utf-8")

    def report_event(**event: Any) -> None:
        report.write(json.dumps(event) + "\n")
        report.flush()

    me, forks = os.getpid(), [0]
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_parent=lambda: forks.append(1))
    for number, call, arguments in jobs:
        function = _function(call)
        report_event(begin=number)
        forks.clear()
        printed = _printed()
        value, failure = None, None
        started = time.perf_counter()
        try:
            value = function(**arguments)
        except BaseException as error:  # SystemExit too: it is raised by the plugin
            kind = [] if isinstance(error, VoxstackError) else [type(error).__name__]
            failure = ": ".join(filter(None, [*kind, str(error)]))
        spent = (time.perf_counter() - started) * 1000
        if os.getpid() != me:
            os._exit(0)  # forked by the plugin
        report_event(
            done=number,
            value=value,
            failure=failure,
            milliseconds=round(spent, 1),
            forked=bool(forks),
            printed=_since(Path(folder) / "out", printed),
        )
    report_event(end=True)
    os._exit(0)  # without waiting for threads that a plugin left behind


def _preload() -> None:
    """Import all of voxstack and its dependencies, so that no plugin is charged for them."""
    import voxstack
    import voxstack.cli

    for package in (voxstack, voxstack.cli):
        for name in dir(package):
            getattr(package, name)


def _function(call: str) -> Callable[..., Any]:
    module, _, name = call.partition(":")
    function: Callable[..., Any] = getattr(importlib.import_module(module), name)
    return function


def _printed() -> int:
    """Return how many bytes went to stdout so far."""
    try:
        sys.stdout.flush()
        return os.fstat(1).st_size
    except (OSError, ValueError, AttributeError):  # the plugin closed or replaced it
        return 0


def _since(path: Path, start: int) -> str:
    end = _printed()
    with path.open("rb") as file:
        file.seek(start)
        return file.read(max(0, end - start))[:_LONGEST].decode("utf-8", "replace").strip()


# Calls ----------------------------------------------------------------------------------------


def import_module(module: str) -> None:
    """Import a module."""
    importlib.import_module(module)


def import_plugin(kind: str, name: str, distribution: str, target: str) -> dict[str, str | None]:
    """Import what a registration names, and check that it is what its kind requires.

    Returns the names that a module with hooks announces, each with why it cannot be used.
    """
    if kind == "module":
        return _announced(distribution, name)
    registry = _shared_registry()
    asked = (kind, name, distribution, target)
    for of in registry.registrations:
        if (of.kind, of.name, of.distribution, of.target) == asked:
            if failure := _failure(registry, of):
                raise VoxstackError(failure)
            if kind == "commands":
                _check_command(of.loaded, target)
            return {}
    raise VoxstackError(f"{name!r} of {distribution} is no longer installed")


def _announced(distribution: str, module: str) -> dict[str, str | None]:
    """Import the modules with hooks of one distribution by a registry, as the host does."""
    from voxstack.inspection import Filter, Registry

    registry = Registry([Filter(allow=(distribution,))])
    with contextlib.suppress(PluginError):
        registry.find("", "block")  # an unknown name: all modules are asked
    mine = [r for r in registry.registrations if r.distribution == distribution]
    for r in mine:
        if (r.kind, r.name, r.status) == ("module", module, "broken"):
            raise VoxstackError(r.reason)
    announced = [r for r in mine if r.kind not in ("module", "observer", "package", "addons")]
    return {r.name: _failure(registry, r) for r in announced}


def _failure(registry: Any, registration: Any) -> str | None:
    """Load a registration; return the reason if that fails."""
    try:
        registry.load(registration)
    except PluginError as error:
        return registration.reason or str(error)
    return None


@lru_cache(maxsize=1)
def _shared_registry() -> Any:
    from voxstack.inspection import Registry

    return Registry()


def _check_command(loaded: Any, target: str) -> None:
    import click

    if not isinstance(loaded, click.Command):
        kind = type(loaded).__name__
        raise VoxstackError(f"{target!r} is of type {kind}, expected a click command")


@lru_cache(maxsize=1)
def shared_host(deploy: str | None) -> Any:
    """Return the host that all calls in a child share."""
    from voxstack import Host

    return Host(deploy=deploy)
