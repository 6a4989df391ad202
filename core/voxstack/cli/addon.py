"""``voxstack addon``: look into a voice, and check it."""

from __future__ import annotations

from typing import Any

import click

from voxstack.cli.groups import PluginGroup
from voxstack.cli.options import json_option, make_host
from voxstack.cli.output import print_json, print_table
from voxstack.cli.printable import echo, printable

LAZY = {"check": "voxstack.cli.addon_check:check"}


@click.group(cls=PluginGroup, prefix="addon.", lazy=LAZY)
def addon() -> None:
    """Look into an addon, and check it."""


@addon.command(short_help="Tell what an addon contains.")
@click.argument("addon_", metavar="ADDON")
@json_option
def inspect(addon_: str, as_json: bool) -> None:
    """Tell what ADDON (a voice's name, a folder or a zip) contains; nothing is loaded."""
    with make_host(None, None, (), ()) as host:
        opened = host.addon(addon_)
        manifest = opened.manifest
        facts: dict[str, Any] = {
            name: getattr(manifest, name)
            for name in ("name", "version", "language", "license", "description", "format")
        }
        facts |= {"author": manifest.author, "homepage": manifest.homepage}
        facts["datasets"] = list(manifest.datasets)
        facts["place"] = opened.files.name
        facts["sample_rate"] = manifest.audio.sample_rate
        facts["hop"] = manifest.audio.hop
        facts["bytes"] = sum(entry.bytes for entry in manifest.files.values())
        facts["controls"] = {
            n: list(c.values) if c.values else {"min": c.min, "max": c.max, "default": c.default}
            for n, c in manifest.controls.items()
        }
        facts["networks"] = [
            {
                "name": network.name,
                "role": network.role,
                "form": _form(network),
                "inputs": list(network.consumes),
                "outputs": list(network.produces),
                "files": {kind: manifest.files[path].bytes for kind, path in network.files.items()},
            }
            for network in opened.networks.values()
        ]
        facts["card"] = opened.read_text(manifest.card) if manifest.card else None
    if as_json:
        print_json(facts)
        return
    for name, value in facts.items():
        if name not in ("networks", "card"):
            text = ", ".join(value) if isinstance(value, list) else value
            echo(f"{name.replace('_', ' '):>12}  {text}")
    columns = ("name", "role", "form", "inputs", "outputs", "files")
    rows = [
        [printable(", ".join(n[c]) if isinstance(n[c], list) else n[c]) for c in columns]
        for n in facts["networks"]
    ]
    print_table(columns, rows, "no networks")
    if facts["card"]:
        echo(facts["card"])


def _form(network: Any) -> str:
    if network.state:
        return f"state, delay {network.delay}"
    if network.context:
        return f"context {network.context.left}+{network.context.right}"
    return "whole"
