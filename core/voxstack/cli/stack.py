"""``voxstack stack``: check, show and draw configurations."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from voxstack.cli.groups import PluginGroup
from voxstack.cli.options import host_options, json_option, make_host, parse_edits
from voxstack.cli.output import print_json
from voxstack.errors import AddonError, Problem

LAZY = {"why": "voxstack.cli.why:why", "lock": "voxstack.cli.lock:lock"}


@click.group(cls=PluginGroup, prefix="stack.", lazy=LAZY)
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
    from voxstack.cli.lock import check_lock
    from voxstack.lock import is_lock

    if is_lock(file):
        settled = {"voice": voice, "deploy": deploy, "executor": executor, "set": sets}
        check_lock(file, {**settled, "allow": allow, "block": block}, as_json)
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


@stack.command(short_help="Draw the blocks of a voice as a picture.")
@click.argument("voice", required=False)
@click.option(
    "-o", "--output", required=True, metavar="FILE.svg|html|mmd|-", help="Where to; - for stdout."
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["svg", "html", "mmd"]),
    help="What to write (default: by the file's name).",
)
@host_options
def graph(
    voice: str | None,
    output: str,
    form: str | None,
    deploy: str | None,
    executor: str | None,
    sets: tuple[str, ...],
    allow: tuple[str, ...],
    block: tuple[str, ...],
) -> None:
    """Draw VOICE as it is built: blocks, networks, executors, and the tensors between them.

    Without VOICE: the deployment's, VOXSTACK_VOICE, or the only one that is installed.

    \b
    voxstack stack graph en-us -o graph.svg
    voxstack stack graph en-us -o - --format mmd
    """
    from voxstack.cli.graph import drawn, format_of
    from voxstack.cli.output import check_folder, for_machines, print_text
    from voxstack.cli.picture import stack_tree
    from voxstack.files import write_atomically

    form = format_of(output, form)
    check_folder(output)
    if output == "-":
        for_machines(click.get_current_context())
    with make_host(deploy, executor, allow, block) as host:
        built = host.voice(voice, edits=parse_edits(sets), load=False)
        picture = drawn(stack_tree(built, host.registry), built, form)
    if output == "-":
        print_text(picture)
    else:
        write_atomically(output, picture)
