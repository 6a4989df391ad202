"""The packages that announce something, and their plugins, each tried out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from voxstack.inspection import known_groups

from voxstack_kit.checking.reinstall import install_again, install_newer
from voxstack_kit.cli.doctor.environment import dependency
from voxstack_kit.cli.doctor.findings import (
    ERROR,
    OK,
    WARNING,
    Finding,
    subject_of,
)
from voxstack_kit.trying.imports import SKIPPED, reason_of, refused, try_out


def packages(registry: Any) -> Iterator[Finding]:
    """Yield findings on the metadata of the packages that announce something."""
    known = known_groups(registry.packages.values())
    for package in registry.packages.values():
        subject = f"{package.name} {package.version}"
        yield from _twice(package.name, subject)
        yield from _unread(package, subject, known)
        if package.name == "voxstack":  # the environment's
            continue
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
    yield from _unreadable()


def _unread(package: Any, subject: str, known: Sequence[str]) -> Iterator[Finding]:
    """Yield unknown groups of entry points, which are often misspelt."""
    groups: dict[tuple[str, str], list[str]] = {}
    for group, name, hint in package.unread(known):
        groups.setdefault((f"unknown entry-point group {group!r}", hint), []).append(name)
    for (message, hint), names in groups.items():
        text = f"{message}: {', '.join(names)} cannot be named"
        yield Finding("plugin", WARNING, subject, text, f"report it to its authors ({hint})")


def _twice(name: str, subject: str) -> Iterator[Finding]:
    """Yield a finding for a distribution that is on sys.path more than once."""
    places: dict[tuple[Path, str], None] = {}
    for one in metadata.distributions(name=name):
        places[Path(str(one.locate_file(""))).resolve(), _folder(one)] = None
    if len(places) > 1:
        first, *others = (f"{folder} in {place}" for place, folder in places)
        message = f"it is installed more than once: {first} is used, not {', '.join(others)}"
        step = f"pip uninstall {name} until none is left, delete the rest, and install it once"
        yield Finding("plugin", WARNING, subject, message, step)


def _unreadable() -> Iterator[Finding]:
    """Yield what announces nothing: leftovers of pip, and entry points that are not text."""
    seen: set[Path] = set()  # a folder may be on sys.path twice
    for one in metadata.distributions():
        place = Path(str(one.locate_file(_folder(one)))).resolve()
        if place in seen:
            continue
        seen.add(place)
        if place.name.startswith("~"):
            message = f"left over from an install that pip did not finish, in {place.parent}"
            step = "it is ignored; delete this folder"
            yield Finding("plugin", WARNING, place.name, message, step)
            continue
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


def plugins(registry: Any, timeout: float) -> list[tuple[Any, Finding]]:
    """Return findings for every plugin that may be used, tried out; voices are separate."""
    found: list[tuple[Any, Finding]] = []
    tried = []
    for registration in registry.registrations:
        if registration.status == "blocked":
            continue
        finding = _refused(registration)
        if finding is not None:
            found.append((registration, finding))
            continue
        if registration.status == "ambiguous":
            found.append((registration, _ambiguous(registration)))
        if registration.kind == "addons":
            continue
        tried.append(registration)
    for registration, outcome in zip(tried, try_out(tried, timeout), strict=True):
        found += [(registration, finding) for finding in _tried(registration, outcome)]
    return found


def _refused(registration: Any) -> Finding | None:
    """Return the finding that metadata alone allows, or None."""
    if not refused(registration):
        return None
    of = registration.distribution
    step = {
        "incompatible": f"{install_newer('voxstack')}; or {install_newer(of)}",
        "broken": f"{install_again(of)}, or pip uninstall {of}",
    }[registration.status]
    message = registration.reason or registration.status
    if not message.startswith(registration.status):
        message = f"{registration.status}: {message}"
    return Finding("plugin", ERROR, subject_of(registration), message, step)


def blocked(registry: Any) -> Iterator[Finding]:
    """Yield the packages that the lists block, each once."""
    kept_out: dict[tuple[str, str, str, str], list[str]] = {}
    for r in registry.registrations:
        if r.status == "blocked":
            key = (r.distribution, r.version, r.reason, r.next_step)
            kept_out.setdefault(key, []).append(r.name)
    for (of, version, reason, step), names in kept_out.items():
        message = f"{reason}; it provides {', '.join(names)}"
        yield Finding("plugin", WARNING, f"{of} {version}", message, step)


def unblocking(registry: Any, kind: str) -> tuple[str, str]:
    """Return which components of a kind are blocked, for a message, and how to unblock them."""
    names: dict[str, list[str]] = {}  # by the reason
    steps: dict[str, None] = {}
    for r in registry.registrations:
        if r.kind == kind and r.status == "blocked":
            names.setdefault(r.reason, []).append(r.name)
            steps[r.next_step] = None
    message = "".join(f"; {', '.join(those)}: {reason}" for reason, those in names.items())
    return message, "; ".join(steps)


def _ambiguous(registration: Any) -> Finding:
    message, _, choice = (registration.reason or "").partition("; ")
    step = f"{choice}, or uninstall one of them"
    return Finding("plugin", WARNING, subject_of(registration), f"ambiguous: {message}", step)


def _tried(registration: Any, outcome: Any) -> Iterator[Finding]:
    subject, of = subject_of(registration), registration.distribution
    block = f"or block it: block = [{of!r}] in [plugins] of the deployment file"
    if outcome.skipped:
        yield Finding(
            "plugin", WARNING, subject, SKIPPED,
            "fix those that hang, or use a shorter --timeout",
        )  # fmt: skip
    elif outcome.failure:
        message = f"broken: {reason_of(registration, outcome)}"
        yield Finding("plugin", ERROR, subject, message, f"{install_newer(of)}, {block}")
    else:
        announced = f"; it provides {', '.join(outcome.value)}" if outcome.value else ""
        yield Finding("plugin", OK, subject, f"it can be imported{announced}")
        for name, why in outcome.value.items():
            if why is not None:
                what, step = f"{name} of {registration.owner}", f"{install_newer(of)}, {block}"
                yield Finding("plugin", ERROR, what, f"broken: {why}", step)
    report = f"report it to its authors, {block}"
    if outcome.printed:
        message = f"it prints to stdout when it is imported: {outcome.printed!r}"
        yield Finding("plugin", WARNING, subject, message, report)
    if outcome.forked:
        message = "it forks the process when it is imported"
        yield Finding("plugin", WARNING, subject, message, report)
