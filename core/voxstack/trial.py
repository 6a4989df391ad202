"""Trying out plugins in child processes, before this process imports any of them.

What hangs, ends its process or breaks otherwise when it is imported is known by then, and is left
out with its reason.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Sequence

from voxstack.apart import TIMEOUT, Job, Outcome, run_apart
from voxstack.components import KINDS
from voxstack.errors import PluginError
from voxstack.filters import OWN
from voxstack.importing import mark_broken
from voxstack.registry import Registration, Registry

USABLE = ("ok", "dynamic", "ambiguous")  # the status of registrations that can be tried out
SKIPPED = "not tried out: the time for all plugins is spent"
NAMED = ("block", "frontend", "executor")  # namespaces that a configuration names


def try_out(registrations: Sequence[Registration], timeout: float = TIMEOUT) -> list[Outcome]:
    """Import each registration in a child, many in one.

    The value tells what a module with hooks announces: the names, and why one cannot be used.
    """
    names = ("kind", "name", "distribution", "target")
    jobs = [
        Job("voxstack.apart:import_plugin", {name: getattr(r, name) for name in names})
        for r in registrations
    ]
    return run_apart(jobs, timeout)


def reason_of(registration: Registration, outcome: Outcome) -> str:
    """Say why a registration that was tried out cannot be used, with what was imported."""
    failure = outcome.failure
    if failure is None:
        return SKIPPED
    told = "importing" in failure or registration.target in failure
    return failure if told else f"importing {registration.target!r}: {failure}"


def refused(registry: Registry, registration: Registration) -> bool:
    """Judge what can be judged without running anything; what cannot be used is marked."""
    if registration.status in USABLE:
        with contextlib.suppress(PluginError):
            registry.require(registration)
    return registration.status not in USABLE


def leave_out_broken(
    registry: Registry, timeout: float = TIMEOUT, namespaces: Collection[str] = NAMED
) -> None:
    """Mark what a configuration could name and cannot be imported, so that nobody imports it.

    voxstack's own packages are trusted: where no others are installed, this starts no child.
    """
    strange = [
        r
        for r in registry.registrations
        if r.distribution.partition("-")[0] != OWN
        and (r.kind == "module" or (r.kind in KINDS and r.namespace in namespaces))
        and not refused(registry, r)
    ]
    for registration, outcome in zip(strange, try_out(strange, timeout), strict=True):
        if outcome.failure or outcome.skipped:
            mark_broken(registration, reason_of(registration, outcome))
