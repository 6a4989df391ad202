"""``voxstack schema``: JSON Schema for editors, from what is installed."""

from __future__ import annotations

import json

import click
from voxstack.cli import (
    check_folder,
    deploy_option,
    filter_options,
    for_machines,
    make_host,
    print_json,
    write_atomically,
)

from voxstack_kit.cli.options import timeout_option


@click.command(short_help="Print the JSON Schema of an addon, a stack or a deployment.")
@click.option(
    "--what",
    type=click.Choice(["addon", "stack", "deployment"]),
    default="addon",
    show_default=True,
    help="addon.json with its stack, a stack alone, or a deployment file.",
)
@click.option(
    "-o", "--output", metavar="FILE", default="-", help="Write to FILE; without it, to stdout."
)
@deploy_option
@filter_options
@timeout_option("How long one plugin may take to import.")
def schema(
    what: str,
    output: str,
    deploy: str | None,
    allow: tuple[str, ...],
    block: tuple[str, ...],
    timeout: float,
) -> None:
    """Print a JSON Schema (draft 2020-12) made from the installed components.

    With it an editor completes the options of a stack and underlines what the host would refuse.
    Components are imported in a child process first; those that cannot be imported are left out
    and named in the "$comment".

    \b
    voxstack schema -o addon.schema.json
    voxstack schema --what deployment -o deployment.schema.json
    """
    from voxstack_kit.describing.schema import schema as made
    from voxstack_kit.trying.imports import leave_out_broken

    if output == "-":  # components are imported, and may print
        for_machines(click.get_current_context())
    else:
        check_folder(output)
    with make_host(deploy, None, allow, block) as host:
        leave_out_broken(host.registry, timeout)
        document = made(host.registry, what)
    if output == "-":
        print_json(document)
    else:
        write_atomically(output, json.dumps(document, indent=2, ensure_ascii=False) + "\n")
