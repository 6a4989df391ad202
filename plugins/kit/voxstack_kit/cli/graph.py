"""``voxstack stack graph``: the blocks of a voice as a picture."""

from __future__ import annotations

import click
from voxstack.cli import host_options, make_host, parse_edits, stack_tree, write_atomically


@click.command(short_help="Draw the blocks of a voice as a picture.")
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
    from voxstack.cli import check_folder, for_machines, print_text

    from voxstack_kit.describing.graph import drawn, format_of

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
