"""``voxstack stack``: check and show configurations."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from voxstack.cli.groups import PluginCommand, PluginGroup, provided, registry_of
from voxstack.cli.options import host_options, json_option, make_host, parse_edits
from voxstack.cli.output import print_json
from voxstack.errors import AddonError, InputError, Problem
from voxstack.plugins import where_to_get

OWN = ("", ".json", ".zip")  # suffixes of files that the host checks itself


@click.group(cls=PluginGroup)
def stack() -> None:
    """Check and show the stack of a voice."""


@stack.command(cls=PluginCommand, short_help="List all problems of a configuration.")
@click.argument("file")
@click.option("--voice", help="Check a stack alone against the networks of this voice.")
@host_options
@json_option
def check(file: str, voice: str | None, sets: tuple[str, ...], as_json: bool, **host: Any) -> None:
    """Check FILE: an addon.json, an addon's folder, zip or name, or a stack alone.

    Prints all problems, each with its JSON pointer, line and column; exit code 2 if there are any.
    Plugins may check files of other suffixes, such as lock files.
    """
    ctx = click.get_current_context()
    if command := _command_for(ctx, file):
        ctx.invoke(command, **ctx.params)
        return
    with make_host(**host) as opened:
        try:
            problems = opened.check(file, parse_edits(sets), voice)
        except AddonError as error:
            problems = [Problem("", str(error))]
    if as_json:
        print_json({"problems": [problem.as_dict() for problem in problems]})
    elif problems:
        for problem in problems:
            click.echo(str(problem), err=True)
    else:
        click.echo(f"{file}: no problem")
        path = Path(file) if voice is None else None
        if path and path.is_file() and "networks" not in path.read_text("utf-8", "replace"):
            click.echo("(a stack alone: its networks and wiring were not checked; give --voice)")
    sys.exit(2 if problems else 0)


def _command_for(ctx: click.Context, file: str) -> click.Command | None:
    """Return the command of a plugin that checks files of this suffix."""
    suffix = Path(file).suffix
    if suffix in OWN or Path(file).is_dir():
        return None
    name = f"stack.check{suffix}"
    if registry_of(ctx).candidates(name, "command"):
        return provided(ctx, name, "command", click.Command)
    if step := where_to_get(name, "command"):
        raise InputError(f"cannot check {file}: {step}")
    return None


@stack.command(cls=PluginCommand, short_help="Show the blocks of a voice as built.")
@click.argument("voice", required=False)
@host_options
@json_option
def show(voice: str | None, sets: tuple[str, ...], as_json: bool, **host: Any) -> None:
    """Show the blocks of VOICE as they are built, with their options, networks and executors.

    Without VOICE: the deployment's, VOXSTACK_VOICE, or the only one that is installed.
    """
    from voxstack.cli.picture import stack_tree, tree_lines

    with make_host(**host) as opened:
        built = opened.voice(voice, edits=parse_edits(sets), load=False)
        tree = stack_tree(built, opened.registry)
    if as_json:
        print_json(tree)
        return
    for line in tree_lines(tree):
        click.echo(line)
