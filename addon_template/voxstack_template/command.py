"""`voxstack addon new`: create a package that works at once."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from voxstack_template.names import Names

if TYPE_CHECKING:
    from voxstack import Host

# The namespace in which names of each kind are unique.
NAMESPACES = {"component": "block", "executor": "executor", "voice": "addon"}


@click.command(short_help="Create a package: a component, an executor or a voice.")
@click.argument("name", metavar="NAME")
@click.option(
    "--kind", type=click.Choice([*NAMESPACES]), help="What it provides (default: component)."
)
@click.option("--defaults", is_flag=True, help="Do not ask questions.")
@click.option("-o", "--output", metavar="FOLDER", help="The folder to create (default: NAME).")
@click.option(
    "--clash", is_flag=True, help="Allow a name that an installed package already provides."
)
@click.option(
    "--data",
    "pairs",
    multiple=True,
    metavar="QUESTION=ANSWER",
    help="Answer a question in advance; repeatable: description, author, email, license, group "
    "(of a component: effects, encoders), fixed_shapes (of an executor: true, false).",
)
def new(
    name: str,
    kind: str | None,
    defaults: bool,
    output: str | None,
    clash: bool,
    pairs: tuple[str, ...],
) -> None:
    """Create a package NAME that installs, passes its tests and works under its name, unedited.

    On a terminal, questions that the options leave open are asked.

    \b
    voxstack addon new acme-gain
    voxstack addon new acme-npu --kind executor --defaults
    voxstack addon new acme-robot --kind voice --defaults
    voxstack addon new acme-pace --data group=encoders --data license=MIT -o packages/pace
    """
    from voxstack import Host, InputError

    from voxstack_template.names import names_of
    from voxstack_template.rendering import render, require_place

    given = dict(_pair(text) for text in pairs)
    if kind is not None and given.setdefault("kind", kind) != kind:
        raise InputError(f"--kind {kind} and --data kind={given['kind']} differ; pass one of them")
    names = names_of(name)
    target = Path(names.distribution if output is None else output)
    require_place(target)
    ask = not defaults and sys.stdin.isatty() and sys.stdout.isatty()
    with Host() as host:
        clashes = _clashes(host, names)
        answers = render(names, given, target, ask, clashes, clash)
        kind = answers["kind"]
        named = names.named(kind) + (f"@{names.distribution}" if kind in clashes else "")
        use = _use(host, named, answers)
    for note in names.notes:
        click.echo(f"note: {note}", err=True)
    if kind in clashes:
        click.echo(f"note: {clashes[kind]}; write {named!r}, as below", err=True)
    count = sum(path.is_file() for path in target.rglob("*"))
    click.echo(f"{target}: a package with the {kind} {names.named(kind)}, {count} files. Now:\n")
    place = str(target) if target.is_absolute() else os.path.join(".", target)  # noqa: PTH118
    for words in (
        ["pip", "install", f"{place}[test]"],
        ["pytest", str(target)],
        ["voxstack", "say", "Hello.", *use, "-o", "out.wav"],
        ["voxstack", "conformance", names.distribution],
    ):
        click.echo("  " + shlex.join(words))


def _pair(text: str) -> tuple[str, str]:
    from voxstack import InputError

    name, equals, value = text.partition("=")
    if not equals or not name:
        raise InputError(f"--data {text!r}: expected QUESTION=ANSWER")
    return name, value


def _clashes(host: Host, names: Names) -> dict[str, str]:
    """Return the kinds in which another installed package has the name, each with a message."""
    return {
        kind: f"{there.owner} already provides the {namespace} {names.named(kind)!r}: with both "
        f"installed, a configuration that says only {names.named(kind)!r} is refused, voices too"
        for kind, namespace in NAMESPACES.items()
        for there in host.registry.candidates(names.named(kind), namespace)
        if there.distribution != names.distribution
    }


def _use(host: Host, named: str, answers: Mapping[str, Any]) -> list[str]:
    """Return the options that use the package."""
    if answers["kind"] == "voice":
        return ["--voice", named]
    if answers["kind"] == "executor":
        use = ["--executor", named]
    elif answers["group"] == "encoders":
        use = ["--set", f"/stack/0/sequence_block/type={named}"]
    else:
        use = ["--set", f'/stack/-={{"type":"{named}"}}']
    return [*_voice(host, answers["group"]), *use]


def _voice(host: Host, group: str | None) -> list[str]:
    """Return the option that names a voice, if one must be chosen."""
    voices = host.voices()
    if len(voices) < 2 or os.environ.get("VOXSTACK_VOICE"):
        return []
    return ["--voice", next((v for v in voices if _fits(host, v, group)), voices[0])]


def _fits(host: Host, voice: str, group: str | None) -> bool:
    """Return whether a voice works with the rendered component."""
    from voxstack import VoxstackError

    try:
        networks = host.addon(voice).networks.values()
    except VoxstackError:
        return False
    return group != "encoders" or any("durations" in n.outputs for n in networks)
