"""``voxstack stack``: check, show, draw and explain configurations."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import attrs
import click

from voxstack.cli.groups import PluginGroup
from voxstack.cli.options import host_options, json_option, make_host, parse_edits
from voxstack.cli.output import print_json
from voxstack.errors import AddonError, InputError, Problem


@click.group(cls=PluginGroup, prefix="stack.", lazy={"lock": "voxstack.cli.lock:lock"})
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


@stack.command(short_help="Explain who brings a part.")
@click.argument("voice")
@click.argument("pointer")
@host_options
@json_option
def why(
    voice: str,
    pointer: str,
    deploy: str | None,
    executor: str | None,
    sets: tuple[str, ...],
    allow: tuple[str, ...],
    block: tuple[str, ...],
    as_json: bool,
) -> None:
    """Explain what VOICE runs at POINTER: name, entry point, distribution, file, and the losers.

    \b
    voxstack stack why en-us /stack/0/sequence_block
    """
    from voxstack.documents import lookup

    with make_host(deploy, executor, allow, block) as host:
        document, _ = host.document(voice, parse_edits(sets))
        value = lookup(document.value, pointer.removesuffix("/type"))
        if not isinstance(value, dict) or not isinstance(value.get("type"), str):
            raise InputError(f'{pointer!r} is no component: it has no "type"; try /stack/0')
        place = pointer.strip("/").split("/")
        namespace = {"frontend": "frontend", "executor": "executor"}.get(place[-1], "block")
        answer = explain(host.registry, value["type"], namespace)
        answer["pointer"] = pointer
        answer["set_by"] = next(
            (
                by
                for at, by in document.edits.items()
                if pointer.startswith(at) or at.startswith(pointer + "/type")
            ),
            document.name,
        )
    if as_json:
        print_json(answer)
    else:
        _print_answer(answer)
    sys.exit(0 if answer["status"] == "ok" else 2)


def explain(registry: Any, name: str, namespace: str) -> dict[str, Any]:
    """Say what a name stands for, and what else it could have been."""
    from voxstack.errors import PluginError

    answer: dict[str, Any] = {"name": name, "status": "ok", "reason": None}
    winner = None
    try:
        winner = registry.find(name, namespace)
        target = registry.load(winner)
        answer |= {
            "kind": winner.kind,
            "entry_point": f"[voxstack.{winner.kind}] {winner.name} = {winner.target}",
            "distribution": winner.distribution,
            "version": winner.version,
            "source": _source(target),
            "description": (target.__doc__ or "").strip().partition("\n")[0],
            "options": _options(target),
        }
    except PluginError as error:
        answer |= {"status": "unusable", "reason": str(error)}
    answer["losers"] = [
        other.listing()
        for other in registry.candidates(name.partition("@")[0], namespace)
        if other is not winner
    ]
    return answer


def _source(target: Any) -> str | None:
    import inspect

    try:
        return f"{inspect.getsourcefile(target)}:{inspect.getsourcelines(target)[1]}"
    except (OSError, TypeError):
        return None


def _options(target: type) -> list[str]:
    return [field.name for field in attrs.fields(target)]


def _print_answer(answer: dict[str, Any]) -> None:
    for key in (
        "pointer", "name", "set_by", "kind", "entry_point", "distribution", "version", "source",
        "description", "status", "reason",
    ):  # fmt: skip
        if answer.get(key):
            click.echo(f"{key.replace('_', ' '):>13}  {answer[key]}")
    click.echo(f"{'options':>13}  {', '.join(answer.get('options', ())) or 'none'}")
    for other in answer["losers"]:
        why = other["reason"] or "was not named"
        click.echo(
            f"{'not':>13}  {other['name']}@{other['distribution']} {other['version']}: "
            f"{other['status']}: {why}"
        )
