"""``voxstack voices`` and ``voxstack plugins``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click

from voxstack.advice import INSTALL_A_VOICE
from voxstack.cli.options import json_option
from voxstack.cli.output import print_json, print_table
from voxstack.errors import InputError, VoxstackError, did_you_mean

NO_VOICE = f"no voice is installed: {INSTALL_A_VOICE}"


@click.command()
@click.option("--deploy", metavar="FILE.toml", help="Deployment file with allow and block lists.")
@json_option
def voices(deploy: str | None, as_json: bool) -> None:
    """List the installed voices."""
    from voxstack.host import Host

    rows = []
    with Host(deploy=deploy) as host:
        for registration in host.registry.registrations:
            if registration.kind != "addons":
                continue
            row: dict[str, Any] = {
                "name": registration.name,
                "language": None,
                "speakers": [],
                "sample_rate": None,
                "license": None,
                "author": None,
                "homepage": None,
                "description": None,
                "distribution": registration.distribution,
                "version": registration.version,
                "status": registration.status,
                "reason": registration.reason,
            }
            if registration.usable:
                try:
                    manifest = host.addon(registration.name).manifest
                except VoxstackError as error:
                    row["status"], row["reason"] = "broken", str(error)
                else:
                    if not manifest.speaks:  # networks for others: `voxstack plugins` lists it
                        continue
                    speaker = manifest.controls.get("speaker")
                    row["language"] = manifest.language
                    row["speakers"] = list(speaker.values or ()) if speaker else []
                    row["sample_rate"] = manifest.audio.sample_rate
                    row["license"] = manifest.license
                    row["author"] = manifest.author or None
                    row["homepage"] = manifest.homepage or None
                    row["description"] = manifest.description
            rows.append(row)
    if as_json:
        print_json(rows)
        return
    columns = ("name", "language", "speakers", "sample_rate", "distribution", "version", "status")
    table = [
        [", ".join(r[c]) if c == "speakers" else r[c] for c in columns]
        + [r["reason"] or r["description"]]
        for r in rows
    ]
    print_table((*columns, "about"), table, NO_VOICE)


@click.command(short_help="List what the installed packages bring.")
@click.option("--kind", help="Only this kind: encoders, decoders, executors, addons, ...")
@click.option("--deploy", metavar="FILE.toml", help="Deployment file with allow and block lists.")
@click.option(
    "--allow", multiple=True, metavar="PATTERN", help="Allow only distributions that match."
)
@click.option("--block", multiple=True, metavar="PATTERN", help="Block matching distributions.")
@click.option("--timings", is_flag=True, help="Import each one in a new Python, and time it.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=30.0,
    show_default=True,
    metavar="SECONDS",
    envvar="VOXSTACK_IMPORT_TIMEOUT",
    help="How long one may take to import, for --timings.",
)
@json_option
def plugins(
    kind: str | None,
    deploy: str | None,
    allow: tuple[str, ...],
    block: tuple[str, ...],
    timings: bool,
    timeout: float,
    as_json: bool,
) -> None:
    """List what the installed packages bring, without importing any of them.

    A plugin that is broken, blocked or in conflict is listed with the reason. --timings gives
    what importing each one costs beyond voxstack itself, in milliseconds.
    """
    from voxstack.components import KINDS
    from voxstack.filters import asked_filters
    from voxstack.registry import Registry

    kinds = [*KINDS, "module", "listener", "package"]
    if kind is not None and kind not in kinds:
        hint = did_you_mean(kind, kinds) or f"one of: {', '.join(kinds)}"
        raise InputError(f"there is no kind {kind!r} ({hint})")
    filters = [*asked_filters(allow, block)]
    if deploy:
        from voxstack.deployment import read_deployment

        filters.append(read_deployment(deploy).plugins.filter(deploy, over=allow))
    rows = [r.listing() for r in Registry(filters).registrations]
    rows = sorted(
        (r for r in rows if kind in (None, r["kind"])),
        key=lambda r: (r["kind"] or "", r["name"] or "", r["distribution"] or ""),
    )
    columns = ["kind", "name", "distribution", "version", "status", "reason"]
    if timings:
        rows = _timed(rows, timeout)
        columns.insert(-1, "import_ms")
    if as_json:
        print_json(rows)
        return
    print_table(columns, [[r[c] for c in columns] for r in rows], "no plugin is installed")


def _timed(rows: Sequence[Mapping[str, Any]], timeout: float) -> list[dict[str, Any]]:
    """Add what importing each row's module costs; one that fails gets the reason."""
    from voxstack.apart import Job, run_apart

    modules = {id(row): _module(row) for row in rows}
    # Each module once, in a Python that has imported voxstack and nothing else.
    names = sorted({module for module in modules.values() if module})
    jobs = [Job("voxstack.apart:import_module", {"module": name}) for name in names]
    outcomes = dict(zip(names, run_apart(jobs, timeout, share=False), strict=True))
    timed = []
    for row in rows:
        outcome = outcomes.get(modules[id(row)] or "")
        new = {**row, "import_ms": outcome.milliseconds if outcome else None}
        if outcome and (outcome.failure or outcome.skipped):
            failure = outcome.failure or "not measured: the time for all plugins is spent"
            new |= {"import_ms": None, "reason": f"importing {row['target']!r}: {failure}"}
            new["status"] = "broken" if outcome.failure else row["status"]
        timed.append(new)
    return timed


def _module(row: Mapping[str, Any]) -> str | None:
    """Name the module to import; None for data, and for what must not or cannot be imported."""
    if row["kind"] in ("addons", "package") or row["status"] not in ("ok", "dynamic", "ambiguous"):
        return None
    return str(row["target"]).partition(":")[0]
