"""Trying out plugins in child processes, before this process imports any of them.

What hangs, ends its process or breaks otherwise when it is imported is known by then, and is left
out with its reason.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Collection, Sequence

from voxstack import PluginError
from voxstack.inspection import KINDS, Registration, Registry

from voxstack_kit.trying.children import TIMEOUT, Job, Outcome, run_apart

USABLE = ("ok", "dynamic", "ambiguous")  # the status of registrations that can be tried out
SKIPPED = "not tried out: the time for all plugins is spent"
NAMED = ("block", "frontend", "executor")  # namespaces that a configuration names


def try_out(registrations: Sequence[Registration], timeout: float = TIMEOUT) -> list[Outcome]:
    """Import each registration in a child, many in one.

    The value tells what a module with hooks announces: the names, and why one cannot be used.
    """
    names = ("kind", "name", "distribution", "target")
    jobs = [
        Job(
            "voxstack_kit.trying.children:import_plugin", {name: getattr(r, name) for name in names}
        )
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


def mark_broken(registration: Registration, reason: str) -> None:
    """List a registration as broken, so that nobody imports it."""
    registration.status, registration.reason = "broken", reason


def leave_out_broken(
    registry: Registry, timeout: float = TIMEOUT, namespaces: Collection[str] = NAMED
) -> None:
    """Mark what a configuration could name and what cannot be imported, so that nobody imports it.

    A module that this process has imported needs no trial; the others share a child.
    """
    untried = [
        r
        for r in registry.registrations
        if (r.kind == "module" or (r.kind in KINDS and r.namespace in namespaces))
        and r.package is not None  # else it was registered in this process
        and r.target.partition(":")[0] not in sys.modules
        and not refused(registry, r)
    ]
    for registration, outcome in zip(untried, try_out(untried, timeout), strict=True):
        if outcome.failure or outcome.skipped:
            mark_broken(registration, reason_of(registration, outcome))
