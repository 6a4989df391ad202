"""``voxstack voices`` and ``voxstack plugins``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from voxstack.cli.groups import ROWS, PluginCommand, packages_of
from voxstack.cli.options import deploy_option, filter_options, json_option, make_host
from voxstack.cli.output import print_json, print_table
from voxstack.errors import VoxstackError
from voxstack.hookspecs import KINDS
from voxstack.plugins import install_one

if TYPE_CHECKING:
    from voxstack.host import Host
    from voxstack.plugins import Registration


OF_MANIFEST = ("language", "license", "author", "homepage", "description")
KEYS = (  # of a voice
    "name", "language", "speakers", "sample_rate", "license", "author", "homepage", "description",
    "distribution", "version", "status", "reason",
)  # fmt: skip


@click.command(cls=PluginCommand)
@deploy_option
@json_option
def voices(deploy: str | None, as_json: bool) -> None:
    """List the installed voices."""
    with make_host(deploy, None, (), ()) as host:
        addons = [r for r in host.registry.registrations if r.kind == "addons"]
        rows = [row for registration in addons if (row := _voice(host, registration))]
    if as_json:
        print_json(rows)
        return
    columns = ("name", "language", "speakers", "sample_rate", "distribution", "version", "status")
    table = [[*(r[c] for c in columns), r["reason"] or r["description"]] for r in rows]
    print_table((*columns, "about"), table, f"no voice is installed: {install_one('addon')}")


def _voice(host: Host, registration: Registration) -> dict[str, Any] | None:
    """Return the row of a voice; None for an addon that only provides networks for others."""
    row = {key: getattr(registration, key, None) for key in KEYS} | {"speakers": []}
    if not registration.usable:
        return row
    try:
        manifest = host.addon(registration.name).manifest
    except VoxstackError as error:
        return row | {"status": "broken", "reason": str(error)}
    if not manifest.speaks:
        return None
    row |= {key: getattr(manifest, key) or None for key in OF_MANIFEST}
    if speaker := manifest.controls.get("speaker"):
        row["speakers"] = list(speaker.values or ())
    return row | {"sample_rate": manifest.audio.sample_rate}


@click.command(cls=PluginCommand, short_help="List what the installed packages provide.")
@click.option(
    "--kind",
    type=click.Choice([*KINDS, "module", "observer", "package"]),
    metavar="KIND",
    help="Only this kind: encoders, decoders, executors, addons, ...",
)
@deploy_option
@filter_options
@json_option
def plugins(kind: str | None, deploy: str | None, as_json: bool, **lists: Any) -> None:
    """List what the installed packages provide.

    Nothing is imported, so that the list shows what metadata tells: what is blocked or in
    conflict, and why. Whether a component works is seen when it is imported.
    """
    from voxstack.plugins import Filter, Registry

    ctx = click.get_current_context()
    allow, block = lists["allow"], lists["block"]
    filters = [Filter(block=block, origin="--block"), Filter(allow or ("*",), origin="--allow")]
    if deploy:
        from voxstack.building import read_deployment

        filters.append(read_deployment(deploy).plugins.filter(deploy, over=allow))
    registry = Registry(filters, packages=packages_of(ctx))
    found = sorted(
        (r for r in registry.registrations if kind in (None, r.kind)),
        key=lambda r: (r.kind, r.name, r.distribution),
    )
    columns = ["kind", "name", "distribution", "version", "status", "reason"]
    rows: list[dict[str, Any]] = [dict(r.listing()) for r in found]
    if change := ctx.meta.get(ROWS):
        rows, columns = change(registry, found, rows, columns)
    if as_json:
        print_json(rows)
        return
    print_table(columns, [[r[c] for c in columns] for r in rows], "no plugin is installed")
