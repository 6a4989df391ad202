"""``voxstack addon inspect``: what an addon contains."""

from __future__ import annotations

import re
from typing import Any

import click
from voxstack.cli import echo, json_option, make_host, print_json, print_table, printable

from voxstack_kit.cli.options import size


@click.command(short_help="Show what an addon contains.")
@click.argument("addon_", metavar="ADDON")
@json_option
def inspect(addon_: str, as_json: bool) -> None:
    """Show what ADDON (a voice's name, a folder or a zip) contains; nothing is loaded.

    The first part of its card is shown.
    """
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
    facts["size"] = size(facts.pop("bytes"))
    for name, value in facts.items():
        if name not in ("networks", "card", "controls"):
            text = ", ".join(value) if isinstance(value, list) else value
            echo(f"{name.replace('_', ' '):>12}  {text or '(not stated)'}")
    label = "controls"
    for name, control in manifest.controls.items():
        echo(f"{label:>12}  {name}: {_range(control)}")
        label = ""
    columns = ("name", "role", "form", "inputs", "outputs", "files")
    rows = [
        [printable(_cell(network[column])) for column in columns] for network in facts["networks"]
    ]
    print_table(columns, rows, "no networks")
    if facts["card"]:
        first, whole = _first_part(facts["card"])
        echo(first)
        if not whole:
            echo(f"\n(the first part of {manifest.card} in {opened.files.name}; --json has it all)")


def _first_part(card: str) -> tuple[str, bool]:
    """Return a card up to its second section, without comments, and whether that is all."""
    text, *commented = card.split("<!--")  # no regex: a stranger's text must not take for ever
    bare = text + "".join(piece.partition("-->")[2] for piece in commented)
    heads = [found.start() for found in re.finditer(r"(?m)^## ", bare)]
    end = heads[1] if len(heads) > 1 else len(bare)
    return bare[:end].rstrip(), end == len(bare)


def _range(control: Any) -> str:
    """Return what a control takes: names, or a number."""
    if control.values is not None:
        return f"{', '.join(control.values)}; by default {control.default or control.values[0]}"
    low, high = ("any" if bound is None else f"{bound:g}" for bound in (control.min, control.max))
    default = 1.0 if control.default is None else control.default
    return f"{low} to {high}; by default {default:g}"


def _cell(value: Any) -> str:
    if isinstance(value, dict):  # the files, by format
        return ", ".join(f"{name} {size(count)}" for name, count in value.items())
    return ", ".join(value) if isinstance(value, list) else str(value)


def _form(network: Any) -> str:
    if network.state:
        return f"state, delay {network.delay}"
    if network.context:
        return f"context {network.context.left}+{network.context.right}"
    return "whole"
