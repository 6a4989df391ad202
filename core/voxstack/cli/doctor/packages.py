"""The packages that announce something, and what they bring: each is tried out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

from voxstack.apart import Job, run_apart
from voxstack.cli.doctor.environment import dependency
from voxstack.cli.doctor.findings import (
    ERROR,
    OK,
    USABLE,
    WARNING,
    Finding,
    deprecations,
    subject_of,
)
from voxstack.errors import VoxstackError
from voxstack.reinstall import install_again, install_newer


def packages(registry: Any) -> Iterator[Finding]:
    """Look at the metadata of the packages that announce something."""
    for package in registry.packages.values():
        if package.name == "voxstack":
            continue
        subject = f"{package.name} {package.version}"
        again = install_again(package.name)
        try:
            text = package.distribution.read_text("METADATA")
        except (OSError, UnicodeDecodeError) as error:
            text, why = None, str(error)
        else:
            why = "there is none"
        if not text:
            message = f"its METADATA cannot be read: {why}"
            yield Finding("plugin", WARNING, subject, message, again)
            continue
        for requirement in re.findall(r"(?im)^Requires-Dist:\s*(.+)$", text):
            if not re.match(r"voxstack(?![\w.-])", requirement):
                yield from dependency("plugin", WARNING, requirement, subject)
        yield from _twice(package.name, subject)
    yield from _unreadable()


def _twice(name: str, subject: str) -> Iterator[Finding]:
    """Tell of a distribution that lies on sys.path more than once, editable and normal say."""
    places: dict[Path, str] = {}
    for one in metadata.distributions(name=name):
        places.setdefault(Path(str(one.locate_file(""))).resolve(), _folder(one))
    if len(places) > 1:
        first, *others = (f"{folder} in {place}" for place, folder in places.items())
        message = f"it is installed more than once: {first} is used, not {', '.join(others)}"
        step = f"pip uninstall {name} until none is left, and install it once"
        yield Finding("plugin", WARNING, subject, message, step)


def _unreadable() -> Iterator[Finding]:
    """Tell of entry points that are no text: such a package announces nothing to anybody."""
    seen: set[Path] = set()  # a folder may be on sys.path twice
    for one in metadata.distributions():
        place = Path(str(one.locate_file(_folder(one)))).resolve()
        if place in seen:
            continue
        seen.add(place)
        try:
            one.read_text("entry_points.txt")
        except UnicodeDecodeError as error:
            name = _folder(one)
            message = f"its entry_points.txt is not UTF-8 text (byte {error.start})"
            step = "install the package again, or pip uninstall it"
            yield Finding("plugin", ERROR, name, message, step)
        except OSError:
            continue


def _folder(distribution: metadata.Distribution) -> str:
    return Path(str(getattr(distribution, "_path", "?"))).name


def plugins(registry: Any, deploy: str | None, timeout: float) -> list[tuple[Any, Finding]]:
    """Try out every plugin that may be used; voices are looked at elsewhere."""
    found: list[tuple[Any, Finding]] = []
    jobs, tried = [], []
    for registration in registry.registrations:
        if registration.status == "blocked":
            continue
        refused = _refused(registry, registration)
        if refused is not None:
            found.append((registration, refused))
            continue
        if registration.status == "ambiguous":
            found.append((registration, _ambiguous(registration)))
        if registration.kind == "addons":
            continue
        names = ("kind", "name", "distribution", "target")
        arguments = {name: getattr(registration, name) for name in names}
        jobs.append(Job("voxstack.apart:import_plugin", {"deploy": deploy, **arguments}))
        tried.append(registration)
    outcomes = run_apart(jobs, timeout)
    for registration, outcome in zip(tried, outcomes, strict=True):
        found += [(registration, finding) for finding in _tried(registration, outcome)]
    return found


def _refused(registry: Any, registration: Any) -> Finding | None:
    """Judge what can be judged without running anything."""
    if registration.status in USABLE:
        try:
            registry.require(registration)
        except VoxstackError:
            pass
        except UnicodeDecodeError as error:  # METADATA: told of with its package
            registration.status, registration.reason = "broken", f"METADATA: {error}"
    of = registration.distribution
    step = {
        "incompatible": f"{install_newer('voxstack')}; or {install_newer(of)}",
        "broken": f"{install_again(of)}, or pip uninstall {of}",
    }.get(registration.status)
    if step is None:
        return None
    message = registration.reason or registration.status
    if not message.startswith(registration.status):
        message = f"{registration.status}: {message}"
    return Finding("plugin", ERROR, subject_of(registration), message, step)


def blocked(registry: Any) -> Iterator[Finding]:
    """Tell of the packages that the lists keep out, each once."""
    kept_out: dict[tuple[str, str, str, str], list[str]] = {}
    for r in registry.registrations:
        if r.status == "blocked":
            key = (r.distribution, r.version, r.reason, r.next_step)
            kept_out.setdefault(key, []).append(r.name)
    for (of, version, reason, step), names in kept_out.items():
        message = f"{reason}; it brings {', '.join(names)}"
        yield Finding("plugin", WARNING, f"{of} {version}", message, step)


def unblocking(registry: Any, kind: str) -> tuple[str, str]:
    """Tell what the lists keep out of one kind, for the end of a message, and how it gets in."""
    names: dict[str, list[str]] = {}  # by the reason
    steps: dict[str, None] = {}
    for r in registry.registrations:
        if r.kind == kind and r.status == "blocked":
            names.setdefault(r.reason, []).append(r.name)
            steps[r.next_step] = None
    message = "".join(f"; {', '.join(those)}: {reason}" for reason, those in names.items())
    return message, "; ".join(steps)


def _ambiguous(registration: Any) -> Finding:
    message, _, choice = (registration.reason or "").rpartition(": ")
    step = f"{choice} in the configuration, or uninstall one of them"
    return Finding("plugin", WARNING, subject_of(registration), f"ambiguous: {message}", step)


def _tried(registration: Any, outcome: Any) -> Iterator[Finding]:
    subject, of = subject_of(registration), registration.distribution
    block = f"or keep it out: block = [{of!r}] in [plugins] of the deployment file"
    if outcome.skipped:
        yield Finding(
            "plugin", WARNING, subject, "not tried out: the time for all plugins is spent",
            "mend those that hang, or give a shorter --timeout",
        )  # fmt: skip
    elif outcome.failure:
        what = f"broken: importing {registration.target!r}: "
        told = "importing" in outcome.failure or registration.target in outcome.failure
        message = f"broken: {outcome.failure}" if told else what + outcome.failure
        yield Finding("plugin", ERROR, subject, message, f"{install_newer(of)}, {block}")
    else:
        announced = f"; it brings {', '.join(outcome.value)}" if outcome.value else ""
        yield Finding("plugin", OK, subject, f"it can be imported{announced}")
    report = f"tell its authors, {block}"
    if outcome.printed:
        message = f"it prints to stdout when it is imported: {outcome.printed!r}"
        yield Finding("plugin", WARNING, subject, message, report)
    if outcome.forked:
        message = "it forks the process when it is imported"
        yield Finding("plugin", WARNING, subject, message, report)
    yield from deprecations(outcome.deprecated)
