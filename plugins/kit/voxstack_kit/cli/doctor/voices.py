"""Addons, each read with the hashes of its files; those that are voices are built."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, final

import attrs
from attrs import frozen
from voxstack import AddonError, ConfigError, VoxstackError
from voxstack.inspection import install_one

from voxstack_kit.checking.provenance import origin_of
from voxstack_kit.checking.reinstall import install_again
from voxstack_kit.cli.doctor.findings import (
    ERROR,
    OK,
    WARNING,
    Finding,
    subject_of,
)
from voxstack_kit.cli.doctor.packages import unblocking
from voxstack_kit.trying.children import Job, run_apart, shared_host
from voxstack_kit.trying.imports import USABLE

UPGRADE = "install what it names, or get a newer version of the voice"
ENVIRONMENT = "fix the environment first, as reported above"

Advised = tuple[str, str | None]  # what is wrong, and the next step


@final
@frozen
class Circumstances:
    """The findings before the voices are examined."""

    rows: Sequence[dict[str, Any]]  # of the executors
    sound: bool  # the environment: Python, and what voxstack needs
    elsewhere: bool  # the default voice is a path, so that none must be installed
    findings: Sequence[Finding]  # of the deployment file


def voices(
    registry: Any, deploy: str | None, timeout: float, given: Circumstances
) -> Iterator[Finding]:
    """Read the addons and let each voice speak; yield findings."""
    formats = sorted({f for row in given.rows if row["available"] for f in row["formats"]})
    addons = [r for r in registry.registrations if r.kind == "addons" and r.status in USABLE]
    jobs = [
        Job(
            "voxstack_kit.cli.doctor.voices:read_voice",
            {"deploy": deploy, "name": f"{r.name}@{r.distribution}", "formats": formats},
        )
        for r in addons
    ]
    outcomes = run_apart(jobs, timeout)
    blamed: dict[tuple[str, str], list[str]] = {}  # on the deployment file -> by these voices
    for registration, outcome in zip(addons, outcomes, strict=True):
        subject = subject_of(registration)
        if outcome.skipped:
            message = "not read: the time limit was reached"
            yield Finding("addon", WARNING, subject, message, "use a shorter --timeout")
        elif outcome.failure:
            step = f"voxstack --debug addon check {registration.name} reports more"
            yield Finding("addon", ERROR, subject, outcome.failure, step)
        else:
            found = outcome.value
            check = "voice" if found["speaks"] else "addon"
            default = UPGRADE if given.sound else ENVIRONMENT
            for message, step in found["problems"]:
                yield Finding(check, ERROR, subject, message, step or default)
            for message, step in found["deployment"]:
                key = (message.removeprefix(f"{deploy}: "), step)
                blamed.setdefault(key, []).append(registration.name)
            if not found["problems"] and not found["deployment"]:
                yield Finding(check, OK, subject, found["summary"])
    for (message, step), names in blamed.items():
        if not any(finding.message in message for finding in given.findings):
            what = f"it does not fit {', '.join(names)}: {message}"
            yield Finding("deployment", ERROR, f"{deploy}", what, step)
    # One that could not be read may be a voice, and is reported.
    silent = all(outcome.value and outcome.value["speaks"] is False for outcome in outcomes)
    if silent and not given.elsewhere:
        yield _none(registry, [r.name for r in addons])


def _none(registry: Any, others: list[str]) -> Finding:
    """Return that no voice can speak: none is installed, or all are blocked."""
    why = f"; networks for other addons only: {', '.join(others)}" if others else ""
    kept, unblock = unblocking(registry, "addons")
    step = unblock or f"{install_one('addon')}, or use a voice's folder or zip: say --voice PATH"
    return Finding("voice", ERROR, "voices", f"no installed voice can speak{why}{kept}", step)


# In the child ---------------------------------------------------------------------------------


def read_voice(deploy: str | None, name: str, formats: list[str]) -> dict[str, Any]:
    """Read an addon and its files with their hashes; build its stack and let it speak.

    The caller advises on problems without a next step; ``deployment`` has those that the
    deployment file causes. ``speaks`` is None if that is unknown.
    """
    host = shared_host(deploy)
    found: dict[str, Any] = {"problems": [], "deployment": [], "speaks": None, "summary": ""}
    again = install_again(name.partition("@")[2])
    try:
        addon = host.addon(name)
    except VoxstackError as error:
        found["problems"] = [(message, step or again) for message, step in _advised(error, host)]
        return found
    found["speaks"] = addon.manifest.speaks
    problems: list[Advised] = []
    for path in addon.manifest.files:
        try:
            for _ in addon.pieces(path):
                pass
        except AddonError as error:
            problems.append((str(error), again))
    problems = problems or _changed(host, name, again)
    for network in addon.networks.values():
        if not set(network.files) & set(formats):
            offered, taken = ", ".join(network.files), ", ".join(formats) or "nothing"
            message = f"network {network.name!r} is {offered}; executors that can run take {taken}"
            problems.append((message, "install an executor that takes it; voxstack executors"))
    if not problems and addon.manifest.speaks:
        problems, found["deployment"] = _built(host, deploy, name)
    found["problems"] = problems
    count = len(addon.networks)
    total = sum(entry.bytes for entry in addon.manifest.files.values()) / 1e6
    found["summary"] = f"{count} network{'s' if count != 1 else ''}, {total:.1f} MB"
    found["summary"] += "; it speaks" if addon.manifest.speaks else ""
    return found


def _changed(host: Any, name: str, again: str) -> list[Advised]:
    """Compare the installed files with pip's hashes, the only ones that addon.json has."""
    package = host.registry.find(name, "addon").package
    if package is None:
        return []
    origin = origin_of(package.name, package.version, package.distribution)
    return [(f"it has changed since it was installed: {origin}", again)] if origin.changed else []


def _built(host: Any, deploy: str | None, name: str) -> tuple[list[Advised], list[Advised]]:
    """Return the problems of building a voice: its own, and the deployment file's."""
    problems = _problems(host, name)
    if not problems or deploy is None:
        return problems, []
    own = _problems(_bare_host(deploy), name)
    rest = [problem for problem in problems if problem not in own]
    return own, [(message, _fix_the_file(message, step)) for message, step in rest]


def _problems(host: Any, name: str) -> list[Advised]:
    try:
        host.voice(name, load=False)  # what is wrong with the configuration, all of it
        host.voice(name).warm_up()
    except VoxstackError as error:
        return _advised(error, host)
    return []


def _advised(error: VoxstackError, host: Any) -> list[Advised]:
    """Return each problem and the step that it suggests, or None."""
    if isinstance(error, ConfigError):
        found = [(str(attrs.evolve(p, suggestion=None)), p.suggestion) for p in error.problems]
    else:
        found = [(str(error), None)]
    return [(message, step or _unblocked(message, host)) for message, step in found]


def _unblocked(message: str, host: Any) -> str | None:
    """Return the step for a problem with a registration that cannot be used."""
    for r in host.registry.registrations:
        if not r.usable and r.refusal() in message:
            return r.next_step or f"fix {r.name} of {r.distribution} first, as reported"
    return None


def _fix_the_file(message: str, step: str | None) -> str:
    if wanting := re.search(r"pip install \w[\w.-]*", message):  # an executor's own advice
        return f"{wanting[0]}, or fix the file"
    if step is None or step in message:
        return "fix the file"
    return f"fix the file ({step})"


@lru_cache(maxsize=1)
def _bare_host(deploy: str) -> Any:
    """Return a host with the plugin lists of a deployment file, and nothing else of it."""
    from voxstack import Host
    from voxstack.inspection import Deployment

    host = Host(deploy=deploy)
    host.deployment = Deployment(plugins=host.deployment.plugins)
    return host
