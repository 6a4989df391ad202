"""``voxstack voices`` and ``voxstack plugins``."""

from __future__ import annotations

from typing import Any

import click

from voxstack.advice import INSTALL_A_VOICE
from voxstack.cli.groups import PluginCommand
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


@click.command(cls=PluginCommand, short_help="List what the installed packages bring.")
@click.option("--kind", help="Only this kind: encoders, decoders, executors, addons, ...")
@click.option("--deploy", metavar="FILE.toml", help="Deployment file with allow and block lists.")
@click.option(
    "--allow", multiple=True, metavar="PATTERN", help="Allow only distributions that match."
)
@click.option("--block", multiple=True, metavar="PATTERN", help="Block matching distributions.")
@json_option
def plugins(
    kind: str | None,
    deploy: str | None,
    allow: tuple[str, ...],
    block: tuple[str, ...],
    as_json: bool,
) -> None:
    """List what the installed packages bring.

    Nothing is imported, so that only what metadata tells is known: who is blocked or in conflict,
    and why. --timings tries each one out, in Pythons of their own: who is broken, and what
    importing it costs beyond voxstack itself, in milliseconds. `voxstack doctor` tries out all,
    and tells what to do.
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
    registry = Registry(filters)
    found = sorted(
        (r for r in registry.registrations if kind in (None, r.kind)),
        key=lambda r: (r.kind, r.name, r.distribution),
    )
    columns = ["kind", "name", "distribution", "version", "status", "reason"]
    rows: list[dict[str, Any]] = [dict(r.listing()) for r in found]
    if more := click.get_current_context().meta.get("voxstack.rows"):
        rows, extra = more(registry, found, rows)
        columns[-1:-1] = extra
    if as_json:
        print_json(rows)
        return
    print_table(columns, [[r[c] for c in columns] for r in rows], "no plugin is installed")
