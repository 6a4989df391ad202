"""Importing plugins in child processes, before this process imports any of them.

A plugin that hangs, ends its process or breaks when it is imported is left out with the reason.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Collection, Sequence

from voxstack import PluginError
from voxstack.inspection import KINDS, Registration, Registry

from voxstack_kit.trying.children import TIMEOUT, Job, Outcome, run_apart

USABLE = ("ok", "dynamic", "ambiguous")  # the status of registrations that can be tried out
SKIPPED = "not tried out: the time limit for all plugins was reached"
NAMED = ("block", "frontend", "executor")  # namespaces that a configuration names


def try_out(registrations: Sequence[Registration], timeout: float = TIMEOUT) -> list[Outcome]:
    """Import each registration in a child process, many per child.

    The value has the names that a module with hooks announces, each with why it cannot be used.
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
    """Return why a registration that was tried out cannot be used, with its target."""
    failure = outcome.failure
    if failure is None:
        return SKIPPED
    named = "importing" in failure or registration.target in failure
    return failure if named else f"importing {registration.target!r}: {failure}"


def refused(registration: Registration) -> bool:
    """Return whether metadata alone shows that it cannot be used; it is marked then."""
    if registration.status in USABLE:
        with contextlib.suppress(PluginError):
            registration.require()
    return registration.status not in USABLE


def leave_out_broken(
    registry: Registry, timeout: float = TIMEOUT, namespaces: Collection[str] = NAMED
) -> None:
    """Mark as broken what a configuration could name and what cannot be imported.

    Modules that this process has imported are skipped; the others share a child.
    """
    untried = [
        r
        for r in registry.registrations
        if (r.kind == "module" or (r.kind in KINDS and r.namespace in namespaces))
        and r.package is not None  # else it was registered in this process
        and r.target.partition(":")[0] not in sys.modules
        and not refused(r)
    ]
    for registration, outcome in zip(untried, try_out(untried, timeout), strict=True):
        if outcome.failure or outcome.skipped:
            registration.mark_broken(reason_of(registration, outcome))
