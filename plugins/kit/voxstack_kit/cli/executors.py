"""``voxstack executors``: what can run networks here."""

from __future__ import annotations

from typing import Any

import click
from voxstack import VoxstackError
from voxstack.cli import json_option, print_json, print_table
from voxstack.inspection import install_one


@click.command(short_help="List what can run networks here.")
@click.option("--deploy", metavar="FILE.toml", help="Deployment file with allow and block lists.")
@json_option
def executors(deploy: str | None, as_json: bool) -> None:
    """List the installed executors: formats, devices found here, and why one cannot be used.

    Each executor is probed, which imports its runtime.
    """
    from voxstack import Host

    from voxstack_kit.trying.imports import leave_out_broken

    with Host(deploy=deploy) as host:
        leave_out_broken(host.registry, namespaces=("executor",))
        rows = [
            row_of(host, registration)
            for registration in host.registry.registrations
            if registration.kind == "executors"
        ]
        # One that wraps another is shown around one that can run.
        able = sorted((row["static"], row["name"]) for row in rows if row["available"])
        within = able[0][1] if able else None
        wrapping = [row for row in rows if row.pop("wraps", None)]
        for row in wrapping if within else ():
            found = host.registry.find(row["name"], "executor")
            row.update(row_of(host, found, within))
            row.pop("wraps")
    rows.sort(key=lambda row: (not row["available"], row["name"], row["distribution"]))
    if as_json:
        print_json(rows)
        return
    shown = [
        (
            r["name"],
            r["distribution"],
            ", ".join(r["formats"]),
            {True: "fixed", False: "any", None: ""}[r["static"]],
            ", ".join(r["devices"]),
            "yes" if r["available"] else "no",
            r["reason"],
        )
        for r in rows
    ]
    columns = ("name", "distribution", "formats", "shapes", "devices", "available", "reason")
    print_table(columns, shown, f"no executor is installed; {install_one('executor')}")


def row_of(host: Any, registration: Any, within: str | None = None) -> dict[str, Any]:
    """Return what one executor is, with its default options.

    ``wraps`` marks one that needs another executor: it is shown around ``within``.
    """
    from voxstack import Executor
    from voxstack.inspection import unavailable

    from voxstack_kit.describing.wrapping import wraps

    row: dict[str, Any] = {
        "name": registration.name,
        "distribution": registration.distribution,
        "version": registration.version,
        "formats": [],
        "static": None,
        "devices": [],
        "available": False,
        "reason": registration.reason,
    }
    if not registration.usable:
        return row
    try:
        cls = host.registry.load(registration)
        if not issubclass(cls, Executor):
            raise VoxstackError(f"{cls.__name__} is not a voxstack.Executor")
    except VoxstackError as error:
        row["reason"] = str(error)
        return row
    options = {"type": registration.name, **registration.options}
    if wraps(cls):
        row["wraps"] = True
        options |= {"executor": within} if within else {}
    try:
        executor = host.executor(options)
    except VoxstackError as error:
        row["reason"] = f"it needs options: {error}"
        return row
    row["formats"], row["static"] = list(executor.formats), bool(executor.static)
    row["reason"] = unavailable(executor)
    row["available"] = row["reason"] is None
    if row["available"]:
        try:
            row["devices"] = list(executor.devices())
        except Exception as error:
            row["available"] = False
            row["reason"] = f"its devices cannot be listed: {type(error).__name__}: {error}"
    return row
