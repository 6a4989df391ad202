"""`voxstack addon pack`: build an addon from a recipe."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from voxstack.cli import json_option, print_json, print_table


@click.command(short_help="Pack PyTorch modules and ONNX files into an addon.")
@click.argument("recipe", metavar="RECIPE.toml")
@click.option("-o", "--output", required=True, metavar="FOLDER", help="Where the addon is written.")
@click.option("--force", is_flag=True, help="Write into a folder that holds something else.")
@click.option(
    "--executor",
    "executors",
    multiple=True,
    metavar="NAME",
    help="Check on this executor only; repeatable (default: all usable executors).",
)
@json_option
def pack(recipe: str, output: str, force: bool, executors: tuple[str, ...], as_json: bool) -> None:
    """Pack networks into an addon: exported, measured, and checked on every executor.

    Nothing is written unless every network gives the same result as the original: whole and in
    chunks, padded and in batches.
    """
    from rich.console import Console

    from voxstack_pack.recipe import read_recipe

    read = read_recipe(Path(recipe))
    console = Console(stderr=True, highlight=False)
    with console.status("importing torch") as status:
        from voxstack_pack.packing import pack as pack_addon

        def progress(text: str) -> None:
            status.update(text)
            if not console.is_terminal:
                console.print(text)

        made = pack_addon(read, Path(output), force=force, executors=executors, progress=progress)
    if as_json:
        print_json(
            {
                "name": read.recipe.name,
                "folder": str(made.folder),
                "bytes": made.size,
                "networks": [_facts(network) for network in made.networks],
            }
        )
        return
    _print(made.networks)
    click.echo(f"{read.recipe.name}: {made.size:,} bytes in {made.folder}")


def _facts(network: Any) -> dict[str, Any]:
    entry = network.entry
    return {
        "name": network.name,
        "form": network.form,
        "context": entry.get("context"),
        "delay": entry.get("delay", 0),
        "frame_ratio": entry.get("frame_ratio", 1),
        "files": {path: len(data) for path, data in network.files.items()},
        "note": network.note,
        "executors": {
            one.executor: {"skipped": one.skipped} if one.skipped else dict(one.worst)
            for one in network.figures
        },
    }


def _print(networks: Sequence[Any]) -> None:
    used = sorted({f.executor for n in networks for f in n.figures if not f.skipped})
    rows = []
    for network in networks:
        worst = {f.executor: _worst(f) for f in network.figures}
        files = ", ".join(f"{path} {len(data):,}" for path, data in network.files.items())
        row = [network.name, network.form, _looks(network.entry), files]
        rows.append([*row, *(worst.get(name, "") for name in used)])
    print_table(("network", "form", "looks", "files, bytes", *used), rows, "no networks")
    click.echo("a / b: worst difference from the original / of chunks, padding, batches from whole")
    for network in networks:
        if network.note:
            click.echo(f"{network.name}: {network.note}")
        for one in network.figures:
            if one.skipped and one.executor in used:
                click.echo(f"{network.name}: not on {one.executor}: {one.skipped}")
    left = {f.executor: f.skipped for n in networks for f in n.figures if f.executor not in used}
    for name, reason in left.items():
        click.echo(f"not checked on {name}: {reason}")


def _worst(figures: Any) -> str:
    if figures.skipped:
        return "-"
    apart = max((v for kind, v in figures.worst.items() if kind != "reference"), default=0.0)
    return f"{figures.worst.get('reference', 0.0):.0e} / {apart:.0e}"


def _looks(entry: Any) -> str:
    if context := entry.get("context"):
        return f"{context['left']} back, {context['right']} ahead"
    return f"delay {entry.get('delay', 0)}" if entry.get("state") else ""
