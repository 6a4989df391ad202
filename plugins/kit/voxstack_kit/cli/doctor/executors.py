"""Executors: which of them can run networks here."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from voxstack import VoxstackError
from voxstack.inspection import install_one

from voxstack_kit.checking.reinstall import install_newer
from voxstack_kit.cli.doctor.findings import ERROR, OK, WARNING, Finding
from voxstack_kit.cli.doctor.packages import unblocking
from voxstack_kit.cli.executors import row_of
from voxstack_kit.trying.children import Job, run_apart, shared_host

FRAMES = 5  # of what small networks are run over
TOLERANCE = 0.1  # low precision is in order: voxstack conformance measures it


def executor_rows(
    registrations: list[Any], deploy: str | None, timeout: float
) -> list[dict[str, Any]]:
    """Return what each executor is and finds here, asked in a process of its own."""
    rows = _ask(registrations, None, deploy, timeout)
    able = sorted((r["static"], r["name"]) for r in rows if r["available"] and not r.get("wraps"))
    within = able[0][1] if able else None
    wrapping = [i for i, row in enumerate(rows) if row.get("wraps")] if within else []
    again = _ask([registrations[i] for i in wrapping], within, deploy, timeout)
    for i, row in zip(wrapping, again, strict=True):
        rows[i] = row
    return rows


def _ask(
    registrations: list[Any], within: str | None, deploy: str | None, timeout: float
) -> list[dict[str, Any]]:
    asked: list[dict[str, Any]] = [
        {"deploy": deploy, "name": r.name, "distribution": r.distribution, "within": within}
        for r in registrations
    ]
    jobs = [Job("voxstack_kit.cli.doctor.executors:ask_executor", arguments) for arguments in asked]
    rows = []
    for arguments, outcome in zip(asked, run_apart(jobs, timeout, share=False), strict=True):
        why = "not asked: the time limit was reached" if outcome.skipped else outcome.failure
        unknown = {"formats": [], "devices": [], "available": False, "reason": why}
        row = outcome.value or {**arguments, **unknown, "failed": True}
        rows.append(row)
    return rows


def ask_executor(
    deploy: str | None, name: str, distribution: str, within: str | None
) -> dict[str, Any]:
    """Describe an executor as ``voxstack executors`` does, in the child."""
    host = shared_host(deploy)
    for r in host.registry.registrations:
        if (r.kind, r.name, r.distribution) == ("executors", name, distribution):
            if r.status == "ambiguous":
                r.status = "ok"  # it is reported already
            row = row_of(host, r, within)
            if row["available"] and (wrong := _tried(host, row, r.options, within)):
                row |= {"available": False, "failed": True, "reason": wrong}
            return row
    raise VoxstackError(f"{name!r} of {distribution} is no longer installed")


def _tried(host: Any, row: dict[str, Any], options: Any, within: str | None) -> str | None:
    """Run small networks on it; return what is wrong, or None. Conformance checks more."""
    import numpy as np
    from voxstack.inspection import HostedProgram, Placed, ProgramCache

    from voxstack_kit.testing.toys import shipped

    config = {"type": row["name"], **options} | ({"executor": within} if within else {})
    executor, cache = host.executor(config), ProgramCache()
    try:
        for name, toy in shipped(executor).items():
            if toy.network.state or toy.reference is None:
                continue
            inputs = toy.inputs(FRAMES)
            made = HostedProgram(toy.network, Placed((executor,)), cache)(inputs)
            for output, right in toy.reference(inputs).items():
                if not np.allclose(np.asarray(made[output]), right, atol=TOLERANCE):
                    return f"it returns wrong numbers: {output!r} of the small network {name!r}"
    except VoxstackError as error:
        return str(error)
    finally:
        cache.close()
    return None


def executors(registry: Any, rows: list[dict[str, Any]]) -> Iterator[Finding]:
    """Yield which executors can run networks here."""
    for row in rows:
        subject = f"{row['name']} of {row['distribution']}"
        if row["available"]:
            devices = f"; devices: {', '.join(row['devices'])}" if row["devices"] else ""
            yield Finding("executor", OK, subject, f"takes {', '.join(row['formats'])}{devices}")
            continue
        # One whose device is not in this machine is in order; one that fails is not.
        failed = row.get("failed") or str(row["reason"]).startswith(("its probe", "its devices"))
        of = row["distribution"]
        own = re.search(r"pip install .+", str(row["reason"]))
        step = install_newer(of) if failed else own[0] if own else "provide what it requires"
        step += f", or pip uninstall {of} if this machine needs none"
        yield Finding(
            "executor", ERROR if failed else WARNING, subject,
            f"cannot run networks here: {row['reason']}", step,
        )  # fmt: skip
    if not any(row["available"] for row in rows):
        kept, unblock = unblocking(registry, "executors")
        message = f"no installed executor can run networks here{kept}"
        fix = f"fix one of those listed, or {install_one('executor')}" if rows else None
        step = unblock or fix or install_one("executor")
        yield Finding("executor", ERROR, "executors", message, step)
