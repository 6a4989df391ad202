"""Voices: read, and built without being loaded."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs

from voxstack.advice import INSTALL_A_VOICE
from voxstack.apart import Job, run_apart, shared_host
from voxstack.cli.doctor.findings import (
    ERROR,
    OK,
    USABLE,
    WARNING,
    Finding,
    deprecations,
    subject_of,
)
from voxstack.errors import ConfigError, VoxstackError

UPGRADE = "install what it names, or upgrade the voice"


def voices(
    registry: Any, rows: list[dict[str, Any]], deploy: str | None, timeout: float, elsewhere: bool
) -> Iterator[Finding]:
    """Read the addons, and build each voice without loading it.

    ``elsewhere``: the voice in use lies in no package, so that none must be installed.
    """
    formats = sorted({f for row in rows if row["available"] for f in row["formats"]})
    addons = [r for r in registry.registrations if r.kind == "addons" and r.status in USABLE]
    jobs = [
        Job(
            "voxstack.cli.doctor.voices:read_voice",
            {"deploy": deploy, "name": f"{r.name}@{r.distribution}", "formats": formats},
        )
        for r in addons
    ]
    outcomes = run_apart(jobs, timeout)
    for registration, outcome in zip(addons, outcomes, strict=True):
        yield from deprecations(outcome.deprecated)
        subject = subject_of(registration)
        again = f"pip install --force-reinstall {registration.distribution}"
        if outcome.skipped:
            message = "not read: the time is spent"
            yield Finding("voice", WARNING, subject, message, "give a shorter --timeout")
        elif outcome.failure:
            yield Finding("voice", ERROR, subject, outcome.failure, again)
        else:
            problems = outcome.value["problems"]
            yield from (Finding("voice", ERROR, subject, m, s or again) for m, s in problems)
            if not problems:
                yield Finding("voice", OK, subject, outcome.value["summary"])
    # One that could not be read may be a voice, and is told of.
    if not elsewhere and all(outcome.value and not outcome.value["speaks"] for outcome in outcomes):
        others = ", ".join(r.name for r in addons)
        why = f"; networks for the stacks of others: {others}" if others else ""
        yield Finding(
            "voice", ERROR, "voices", f"there is none that can speak{why}",
            f"{INSTALL_A_VOICE}, or give a voice's folder or zip: say --voice PATH",
        )  # fmt: skip


def read_voice(deploy: str | None, name: str, formats: list[str]) -> dict[str, Any]:
    """In the child: read an addon, look at its files, build its stack and load nothing."""
    host = shared_host(deploy)
    addon = host.addon(name)
    problems: list[tuple[str, str | None]] = []
    for path, entry in addon.manifest.files.items():
        there = _size(addon.files, path)
        if there is not None and there != entry.bytes:
            says = f"{path} has {there} bytes, addon.json says {entry.bytes}"
            problems.append((says if there >= 0 else f"{path} is missing", None))
    for network in addon.networks.values():
        if not set(network.files) & set(formats):
            offered, taken = ", ".join(network.files), ", ".join(formats) or "nothing"
            message = f"network {network.name!r} is {offered}; executors that can run take {taken}"
            problems.append((message, "install an executor that takes it; voxstack executors"))
    if not problems and addon.manifest.speaks:
        try:
            host.voice(name, load=False)
        except ConfigError as error:
            problems += [
                (str(attrs.evolve(p, suggestion=None)), p.suggestion or UPGRADE)
                for p in error.problems
            ]
        except VoxstackError as error:
            problems.append((str(error), UPGRADE))
    count = len(addon.networks)
    total = sum(entry.bytes for entry in addon.manifest.files.values()) / 1e6
    summary = f"{count} networks, {total:.1f} MB"
    return {"problems": problems, "speaks": addon.manifest.speaks, "summary": summary}


def _size(files: Any, path: str) -> int | None:
    """Give the size of an addon's file; -1 if it is missing, None for what lies in no folder."""
    folder = getattr(files, "folder", None)
    if folder is None:
        return None
    try:
        return int((folder / path).stat().st_size)
    except OSError:
        return -1
