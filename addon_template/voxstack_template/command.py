"""`voxstack addon new`: a package of one's own, that works at once."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

import click

from voxstack_template.names import Names

# Where names of a kind are unique.
NAMESPACES = {"component": "block", "executor": "executor", "voice": "addon"}


@click.command(short_help="Make a new package: a component, an executor or a voice.")
@click.argument("name", metavar="NAME")
@click.option(
    "--kind", type=click.Choice([*NAMESPACES]), help="What it brings (default: component)."
)
@click.option("--defaults", is_flag=True, help="Ask nothing.")
@click.option("-o", "--output", metavar="FOLDER", help="The folder to make (default: the name).")
@click.option(
    "--data",
    "pairs",
    multiple=True,
    metavar="QUESTION=ANSWER",
    help="Answer a question beforehand, repeatable: description, author, email, license, group "
    "(of a component: effects, encoders), fixed_shapes (of an executor: true, false).",
)
def new(
    name: str, kind: str | None, defaults: bool, output: str | None, pairs: tuple[str, ...]
) -> None:
    """Make a package NAME that installs, passes its tests and is used by its name, with no edit.

    On a terminal it asks what the options leave open.

    \b
    voxstack addon new acme-gain
    voxstack addon new acme-npu --kind executor --defaults
    voxstack addon new acme-robot --kind voice --defaults
    voxstack addon new acme-pace --data group=encoders --data license=MIT -o packages/pace
    """
    from voxstack.errors import InputError

    from voxstack_template.names import names_of
    from voxstack_template.rendering import render, require_place

    given = dict(_pair(text) for text in pairs)
    if kind is not None and given.setdefault("kind", kind) != kind:
        raise InputError(f"--kind {kind} and --data kind={given['kind']}: say it once")
    names = names_of(name)
    target = Path(names.distribution if output is None else output)
    require_place(target)
    ask = not defaults and sys.stdin.isatty() and sys.stdout.isatty()
    clashes = _clashes(names)
    answers = render(names, given, target, ask, clashes)
    kind = answers["kind"]
    name = named = names.named(kind)
    for note in names.notes:
        click.echo(f"note: {note}", err=True)
    if owner := clashes.get(kind):
        named += f"@{names.distribution}"
        click.echo(
            f"note: {owner} brings the {NAMESPACES[kind]} {name!r} too: where both are "
            f"installed say {named!r}, as below, or choose another name",
            err=True,
        )
    count = sum(path.is_file() for path in target.rglob("*"))
    click.echo(f"{target}: a package with the {kind} {name}, {count} files. Now:\n")
    place = str(target) if target.is_absolute() else os.path.join(".", target)  # noqa: PTH118
    for words in (
        ["pip", "install", f"{place}[test]"],
        ["pytest", str(target)],
        ["voxstack", "say", "Hello.", *_swap(named, answers), "-o", "out.wav"],
        ["voxstack", "conformance", names.distribution],
    ):
        click.echo("  " + shlex.join(words))


def _pair(text: str) -> tuple[str, str]:
    from voxstack.errors import InputError

    name, equals, value = text.partition("=")
    if not equals or not name:
        raise InputError(f"--data {text!r}: expected QUESTION=ANSWER")
    return name, value


def _clashes(names: Names) -> dict[str, str]:
    """Give the installed packages that bring the name already, by kind."""
    from voxstack.registry import Registry

    registry = Registry()
    return {
        kind: there.owner
        for kind, namespace in NAMESPACES.items()
        for there in registry.candidates(names.named(kind), namespace)
        if there.distribution != names.distribution
    }


def _swap(named: str, answers: Mapping[str, str]) -> list[str]:
    """Give the options that use it."""
    if answers["kind"] in ("executor", "voice"):
        return [f"--{answers['kind']}", named]
    if answers["group"] == "encoders":
        return ["--set", f"/stack/0/sequence_block/type={named}"]
    return ["--set", f'/stack/-={{"type":"{named}"}}']
