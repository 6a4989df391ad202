"""``voxstack stack``: check, show and draw configurations."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from voxstack.cli.groups import PluginGroup
from voxstack.cli.options import host_options, json_option, make_host, parse_edits
from voxstack.cli.output import print_json
from voxstack.errors import AddonError, Problem


@click.group(cls=PluginGroup, prefix="stack.")
def stack() -> None:
    """Check, show, draw, explain and lock the stack of a voice."""


@stack.command(short_help="Give all problems of a configuration.")
@click.argument("file")
@click.option("--voice", help="Check a stack alone against the networks of this voice.")
@host_options
@json_option
def check(
    file: str,
    voice: str | None,
    deploy: str | None,
    executor: str | None,
    sets: tuple[str, ...],
    allow: tuple[str, ...],
    block: tuple[str, ...],
    as_json: bool,
) -> None:
    """Check FILE: an addon.json, an addon's folder, zip or name, a stack alone, or a lock file.

    Prints all problems, each with its JSON pointer, line and column; exit code 2 if there are any.
    A lock file is compared with what is installed here.
    """
    context = click.get_current_context()
    assert context.parent is not None
    group = context.parent.command
    if suffix := Path(file).suffix:
        command = group.get_command(context.parent, f"check{suffix}")
        if command is not None:
            context.forward(command)
    with make_host(deploy, executor, allow, block) as host:
        try:
            problems = host.check(file, parse_edits(sets), voice)
        except AddonError as error:
            problems = [Problem("", str(error))]
    if as_json:
        print_json({"problems": [problem.as_dict() for problem in problems]})
    elif problems:
        for problem in problems:
            click.echo(str(problem), err=True)
    else:
        click.echo(f"{file}: no problem")
        if (
            voice is None
            and Path(file).is_file()
            and "networks" not in Path(file).read_text("utf-8", "replace")
        ):
            click.echo("(a stack alone: its networks and wiring were not checked; give --voice)")
    sys.exit(2 if problems else 0)


@stack.command(short_help="Show the blocks of a voice as built.")
@click.argument("voice", required=False)
@host_options
@json_option
def show(
    voice: str | None,
    deploy: str | None,
    executor: str | None,
    sets: tuple[str, ...],
    allow: tuple[str, ...],
    block: tuple[str, ...],
    as_json: bool,
) -> None:
    """Show the blocks of VOICE as they are built, with their options, networks and executors.

    Without VOICE: the deployment's, VOXSTACK_VOICE, or the only one that is installed.
    """
    from voxstack.cli.picture import stack_tree, tree_of

    with make_host(deploy, executor, allow, block) as host:
        built = host.voice(voice, edits=parse_edits(sets), load=False)
        tree = stack_tree(built, host.registry)
    if as_json:
        print_json(tree)
        return
    from rich.console import Console

    # Wider than any terminal, which breaks the lines itself: names can be copied whole.
    Console(width=10_000, highlight=False).print(tree_of(tree))
