"""Running suites by pytest in this process, without the user's settings."""

from __future__ import annotations

import gc
import json
import os
import re
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any, final

import pytest
from attrs.exceptions import FrozenError
from voxstack import SequenceBlock, StreamableBlock, VoxstackError
from voxstack.inspection import Block

from voxstack_kit.testing.failures import CheckFailed
from voxstack_kit.testing.places import raised_at

# Fixtures that return what is examined.
SUBJECTS = ("block", "executor", "frontend", "format", "command", "option")
SHOW_WHERE = "write a test of the package that subclasses the suite: pytest shows where"


@final
class Results:
    """The outcomes of checks, written at once, as the process may end at any check."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def add(
        self,
        check: str,
        outcome: str,
        message: str = "",
        next_step: str = "",
        covers: str = "",
        kind: str = "",
    ) -> None:
        """Write an outcome, or that a check has begun."""
        result = {
            "check": check,
            "outcome": outcome,
            "message": message,
            "next_step": next_step,
            "covers": covers,
            "kind": kind,
        }
        with (self.folder / "results").open("a", encoding="utf-8") as file:
            file.write(json.dumps(result) + "\n")

    # pytest's hooks -------------------------------------------------------------------------

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Write that a check begins."""
        self.add(title(nodeid), "begun")

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Write how a check ended, once."""
        report = yield
        if report.when == "call" or (report.when, report.outcome) in _EARLY:
            error = call.excinfo.value if call.excinfo else None
            message, step = _message(error, report, getattr(item, "funcargs", {}))
            self.add(title(item.nodeid), report.outcome, message, step, *_covers(item))
        return report

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Write that a module of suites cannot be imported."""
        if report.failed:
            lines = str(report.longrepr).strip().splitlines() or ["it cannot be imported"]
            step = "fix the module that the group voxstack.conformance names"
            reason = lines[-1].removeprefix("E ").strip()
            self.add("its suites can be imported", "failed", reason, step)


_EARLY = {("setup", "failed"), ("setup", "skipped"), ("teardown", "failed")}


def run_suites(source: str, results: Results, only: str = "") -> None:
    """Run the suites that a line of Python imports into a test module; ``only`` as pytest -k."""
    # Pytest plugins and settings of the caller must not affect a component's checks.
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    for name in ("PYTEST_ADDOPTS", "PYTEST_PLUGINS"):
        os.environ.pop(name, None)
    folder = results.folder
    (folder / "pytest.ini").write_text("[pytest]\n", "utf-8")
    module = folder / f"test_{re.sub('[^a-z0-9]', '_', folder.name.lower())}.py"
    module.write_text(f"{source}\n", "utf-8")
    options = [
        "-q",
        "-p",
        "no:cacheprovider",
        "-p",
        "voxstack_kit.testing.plugin",
        "--import-mode=importlib",
    ]
    where = ["-c", str(folder / "pytest.ini"), "--rootdir", str(folder)]
    chosen = ["-k", only] if only else []
    # The checks look again and again for what is still held: what was there before is not asked.
    gc.freeze()
    try:
        pytest.main([*options, *where, *chosen, str(module)], plugins=[results])
    finally:
        gc.unfreeze()


def title(nodeid: str) -> str:
    """Return a check in words: "a b (c)" for test_a_b[c]."""
    name = nodeid.rpartition("::")[2].removeprefix("test_")
    name, _, parameter = name.partition("[")
    words = name.replace("_", " ")
    return f"{words} ({parameter.removesuffix(']')})" if parameter else words


def _covers(item: pytest.Item) -> tuple[str, str]:
    """Return what a check examined, and the fixture that returned it."""
    given: dict[str, Any] = getattr(item, "funcargs", {})
    if "addon" in given:
        return f"addon:{given['addon']}", "addon"
    name, cls = _subject(given)
    return (f"{cls.__module__}:{cls.__qualname__}", name) if name else ("", "")


def _subject(given: Mapping[str, Any]) -> tuple[str, type]:
    """Return the fixture of what is examined, and its class."""
    return next(((name, type(given[name])) for name in SUBJECTS if name in given), ("", type(None)))


def _message(
    error: BaseException | None, report: pytest.TestReport, given: Mapping[str, Any]
) -> tuple[str, str]:
    """Return the message of a check that did not pass, and the next step."""
    if error is None:
        return "", ""
    if report.skipped:
        return str(getattr(error, "msg", error)), ""
    _, cls = _subject(given)
    package = cls.__module__.partition(".")[0]
    if isinstance(error, CheckFailed):
        cause = error.__cause__ or error.__context__
        where = raised_at(cause, package) if cause and not isinstance(cause, VoxstackError) else ""
        return f"{error.message} ({where})" if where else error.message, error.next_step
    where = raised_at(error, package)
    text = re.sub(r"\s+", " ", f"{type(error).__name__}: {error}").strip()
    return f"{text} ({where})" if where else text, _step(error, cls, bool(where))


def _step(error: BaseException, cls: type, placed: bool) -> str:
    """Return what to do about an error that a component raises."""
    if isinstance(error, FrozenError):
        kind = "a block" if issubclass(cls, Block) else "a component"
        method = (
            " of stream()"
            if issubclass(cls, StreamableBlock)
            else " of __call__()"
            if issubclass(cls, SequenceBlock)
            else ""
        )
        return f"{kind} is frozen: keep what changes in local variables{method}"
    return f"fix that line; to see more, {SHOW_WHERE}" if placed else SHOW_WHERE
