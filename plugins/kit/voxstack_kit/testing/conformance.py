"""Conformance of an installed distribution: the suite of its kind for each component.

Every component is examined in a process of its own, so that one that hangs or ends its process
does not affect the others.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, final

from attrs import asdict, frozen
from packaging.utils import canonicalize_name
from voxstack import PluginError
from voxstack.inspection import (
    KINDS,
    Filter,
    Package,
    Registration,
    Registry,
    did_you_mean,
    known_groups,
)

from voxstack_kit.trying.children import Job, Outcome, run_apart

GROUP = "voxstack.conformance"  # of entry points that name modules with suites
TIMEOUT = 300.0  # seconds for one component
NEEDED = ("pytest", "hypothesis")
PASSED, FAILED, SKIPPED = "passed", "failed", "skipped"
COVERED = "covered"  # of a component that a suite of the package's own has examined
INCOMPLETE = "incomplete"  # of a report: nothing failed, and of something nothing was examined
NO_SUITE = "it is covered"  # the check that is skipped where no suite could be made


@final
@frozen
class Check:
    """The outcome of one check of one component."""

    component: str
    kind: str  # effects, executors, ...
    check: str
    outcome: str  # passed, failed or skipped
    message: str = ""
    next_step: str = ""


@final
@frozen
class Report:
    """The outcomes of all checks of a distribution."""

    distribution: str
    version: str
    checks: tuple[Check, ...]

    @property
    def totals(self) -> dict[str, int]:
        """The numbers of checks that passed, failed and were skipped."""
        outcomes = [check.outcome for check in self.checks]
        return {outcome: outcomes.count(outcome) for outcome in (PASSED, FAILED, SKIPPED)}

    @property
    def unexamined(self) -> tuple[tuple[str, str], ...]:
        """The components, with their kinds, whose checks were all skipped."""
        names = dict.fromkeys((check.component, check.kind) for check in self.checks)
        looked = {(c.component, c.kind) for c in self.checks if c.outcome != SKIPPED}
        return tuple(name for name in names if name not in looked)

    @property
    def outcome(self) -> str:
        """Failed if a check failed, else incomplete if a component was not examined at all."""
        if self.totals[FAILED]:
            return FAILED
        return INCOMPLETE if self.unexamined or not self.checks else PASSED

    @property
    def good(self) -> bool:
        """Return whether everything was examined and nothing failed."""
        return self.outcome == PASSED

    def as_dict(self) -> dict[str, Any]:
        """Return the plain form that ``--json`` prints; every report has all keys.

        ``outcome`` is passed, failed or incomplete: no check failed, and all those of a component
        were skipped. ``totals`` count checks that passed, failed and were skipped; ``checks`` have
        the fields of Check, each a string, empty where there is none.
        """
        return {
            "distribution": self.distribution,
            "version": self.version,
            "outcome": self.outcome,
            "totals": self.totals,
            "checks": [asdict(check) for check in self.checks],
        }


@final
@frozen
class Part:
    """One component of a distribution."""

    kind: str
    name: str
    reason: str = ""  # why it cannot be used
    next_step: str = ""  # what to do about that


def conformance(
    distribution: str,
    timeout: float = TIMEOUT,
    begun: Callable[[int], None] = lambda count: None,
    done: Callable[[str], None] = lambda name: None,
) -> Report:
    """Examine all components of an installed distribution, each within ``timeout`` seconds.

    ``begun`` is called with their number, ``done`` with the name of each, from any thread.
    PluginError if the distribution is not installed or provides nothing, or without pytest.
    """
    registry = Registry()
    package = registry.packages.get(canonicalize_name(distribution))
    if package is None:
        raise _unknown(registry, distribution)
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise PluginError(
            f"the suites need {' and '.join(missing)}",
            suggestion=f"pip install {' '.join(missing)}",
        )
    parts = list(_parts(registry, package.name, timeout))
    modules = [target for group, _, target in package.entries if group == GROUP]
    begun(len(parts) + len(modules))
    checks: list[Check] = []
    covered: dict[str, str] = {}  # what the package's own suites examined -> its kind
    for module in modules:
        for result in _run("examine_module", {"module": module}, module, timeout):
            covered |= {result["covers"]: result["kind"]} if result["covers"] else {}
            name = result["covers"].rpartition(":")[2] or module
            checks.append(_check(result, Part(result["kind"] or "conformance", name)))
        done(module)

    def examined(part: Part) -> list[Check]:
        if part.reason:
            found = [_unusable(part)]
        elif f"addon:{part.name}" in covered and part.kind == "addons":
            found = []
        else:
            given = {"distribution": package.name, "kind": part.kind, "name": part.name}
            results = _run("examine", {**given, "covered": [*covered]}, part.name, timeout)
            found = [_check(result, part) for result in results]
        done(part.name)
        return found

    with ThreadPoolExecutor(min(2, os.cpu_count() or 1)) as pool:
        for found in pool.map(examined, parts):
            checks += found
    checks += _strange_groups(package, known_groups(registry.packages.values()))
    return Report(package.name, package.version, tuple(checks))


def _parts(registry: Registry, distribution: str, timeout: float) -> Iterator[Part]:
    """Yield the components of a distribution; its modules with hooks are asked in a child."""
    mine = [r for r in registry.registrations if r.distribution == distribution]
    for registration in mine:
        able = registration.status in ("ok", "dynamic", "ambiguous")
        if able:
            yield Part(registration.kind, registration.name)
        else:
            step = registration.next_step or _announced_rightly(registration)
            yield Part(registration.kind, registration.name, registration.refusal(), step)
    if any(r.kind == "module" and r.status == "dynamic" for r in mine):
        job = Job(f"{__name__}:announced", {"distribution": distribution})
        (outcome,) = run_apart([job], timeout)
        known = {(r.kind, r.name) for r in mine}
        # If that fails, the suite of the module itself reports why.
        for kind, name in outcome.value or ():
            if (kind, name) not in known:
                yield Part(kind, name)


def _unknown(registry: Registry, distribution: str) -> PluginError:
    known = sorted(registry.packages)
    hint = did_you_mean(canonicalize_name(distribution), known) or f"there: {', '.join(known)}"
    with contextlib.suppress(PackageNotFoundError, ValueError):
        version(distribution)
        return PluginError(
            f"{distribution!r} is installed, but provides nothing for voxstack",
            suggestion='announce it by an entry point: [project.entry-points."voxstack.effects"]',
        )
    return PluginError(
        f"no distribution {distribution!r} that provides anything for voxstack is installed",
        suggestion=hint,
    )


def _strange_groups(package: Package, known: Sequence[str]) -> Iterator[Check]:
    """Yield entry points in unknown groups, which are often misspelt."""
    for group, name, hint in package.unread(known):
        message = f"unknown entry-point group {group!r}"
        yield Check(name, group.removeprefix("voxstack."), "it can be used", FAILED, message, hint)


def _announced_rightly(registration: Registration) -> str:
    """Return what an unusable entry point should be."""
    if registration.kind not in KINDS:
        return "fix the entry points in pyproject.toml and install the package again"
    target = "package" if registration.kind == "addons" else "package.module:Name"
    return (
        f'fix it in pyproject.toml, [project.entry-points."voxstack.{registration.kind}"]: '
        f'{registration.name} = "{target}", and install the package again'
    )


def _unusable(part: Part) -> Check:
    return Check(part.name, part.kind, "it can be used", FAILED, part.reason, part.next_step)


def _check(result: dict[str, Any], part: Part) -> Check:
    names = ("check", "outcome", "message", "next_step")
    return Check(part.name, part.kind, **{name: result[name] for name in names})


def _run(call: str, arguments: dict[str, Any], name: str, timeout: float) -> list[dict[str, Any]]:
    """Examine in a child; the results until it hung or ended are kept."""
    with TemporaryDirectory(prefix="voxstack-", ignore_cleanup_errors=True) as folder:
        given = {**arguments, "folder": folder}
        (outcome,) = run_apart([Job(f"{__name__}:{call}", given)], timeout)
        return list(_results(Path(folder) / "results", outcome, name))


def _results(path: Path, outcome: Outcome, name: str) -> Iterator[dict[str, Any]]:
    results: list[dict[str, Any]] = []
    if path.is_file():
        results = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    at = None
    for result in results:
        if result["outcome"] == "begun":
            at = result
        else:
            at = None
            if result["outcome"] != COVERED:
                yield result
    if outcome.failure or at is not None or not results:
        failure = outcome.failure or "nothing was examined"
        printed = f"; it printed: {outcome.printed}" if outcome.printed and not results else ""
        yield {
            "check": at["check"] if at else "it can be examined",
            "covers": "",
            "kind": "",
            "outcome": FAILED,
            "message": f"{name}: {failure}{printed}",
            "next_step": "fix what hangs or ends the process, or allow more time with --timeout",
        }


# In the children ------------------------------------------------------------------------------


def announced(distribution: str) -> list[tuple[str, str]]:
    """Import the modules with hooks of a distribution; return what they announce."""
    registry = Registry([Filter(allow=(distribution,))])
    with contextlib.suppress(PluginError):
        registry.find("", "block")  # an unknown name: all modules are asked
    return [
        (r.kind, r.name)
        for r in registry.registrations
        if r.distribution == distribution and r.kind in KINDS
    ]


def examine(distribution: str, kind: str, name: str, covered: list[str], folder: str) -> None:
    """Run the suite of one registration; results are written one by one."""
    from voxstack_kit.testing import derived, surroundings  # noqa: F401 - before the component
    from voxstack_kit.testing.running import Results, run_suites
    from voxstack_kit.testing.voices import shared_host

    results = Results(Path(folder))
    host = shared_host()
    try:
        registration = _found(host.registry, distribution, kind, name)
        if derived.class_of(host, registration) in covered:
            return results.add(NO_SUITE, COVERED)  # by a suite of the package's own
        derived.current = derived.suite(host, registration)
    except derived.NotCoveredError as error:
        results.add(NO_SUITE, SKIPPED, str(error), error.next_step)
    except (derived.BadComponentError, PluginError) as error:
        results.add("it can be used", FAILED, str(error), "fix the cause that the error names")
    else:
        run_suites("from voxstack_kit.testing.derived import current as TestIt", results)
    return None


def _found(registry: Registry, distribution: str, kind: str, name: str) -> Registration:
    """Return a registration; modules with hooks are imported only if nothing else announces it."""
    wanted = (distribution, kind, name)
    for again in (True, False):
        for r in registry.registrations:
            if (r.distribution, r.kind, r.name) == wanted and (kind != "module" or not again):
                return r
        if again:
            with contextlib.suppress(PluginError):
                registry.find("", "block")
    raise PluginError(f"{name!r} of {distribution} is no longer announced")


def examine_module(module: str, folder: str) -> None:
    """Run the package's own suites."""
    from voxstack_kit.testing import surroundings  # noqa: F401 - before what it imports
    from voxstack_kit.testing.running import Results, run_suites

    sys.dont_write_bytecode = True
    run_suites(f"from {module} import *", Results(Path(folder)))
