"""``voxstack stack why``: what is at a place of a stack, who provides it and who set it."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from typing import Any

import click
from voxstack import InputError
from voxstack.cli import echo, host_options, json_option, make_host, parse_edits, print_json
from voxstack.inspection import did_you_mean

PROVIDED = ("AudioFormat", "Symbols")  # provided by the host, never set
_EXECUTOR = re.compile(r"/executor(/\d+)?$")  # one, or one of a list


@click.command(short_help="Explain who provides a part.")
@click.argument("voice", required=False)
@click.argument("pointer", required=False, metavar="POINTER")
@host_options
@json_option
def why(
    voice: str | None,
    pointer: str | None,
    deploy: str | None,
    executor: str | None,
    sets: tuple[str, ...],
    allow: tuple[str, ...],
    block: tuple[str, ...],
    as_json: bool,
) -> None:
    """Explain what VOICE has at POINTER: a component, or an option of one.

    Shows its name, entry point, distribution and file, who set it, and what else has that name.
    Without VOICE: the deployment's, VOXSTACK_VOICE, or the only one that is installed.

    \b
    voxstack stack why en-us /stack/0/sequence_block
    voxstack stack why /stack/1/schedule
    """
    if pointer is None and voice is not None and voice.startswith("/"):
        voice, pointer = None, voice
    if pointer is None:
        raise click.UsageError("Missing argument 'POINTER': what to explain, as in /stack/0")
    with make_host(deploy, executor, allow, block) as host:
        document, _ = host.document(host.choose_voice(voice), parse_edits(sets))
        place, component = component_at(document.value, pointer)
        key = _EXECUTOR.sub("/executor", place).rpartition("/")[2]
        namespace = {"frontend": "frontend", "executor": "executor"}.get(key, "block")
        answer = explain(host.registry, component["type"], namespace)
        answer |= {"pointer": place, "set_by": _set_by(document, f"{place}/type")}
        rest = pointer.removeprefix(place)
        if rest not in ("", "/type") and answer["status"] == "ok":
            try:
                option = explain_option(host.registry, answer["name"], namespace, component, rest)
            except InputError as error:
                raise InputError(f"{pointer}: {error}") from None
            answer["option"] = {**option, "set_by": _set_by(document, pointer)}
    if as_json:
        print_json(answer)
    else:
        _print(answer)
    sys.exit(0 if answer["status"] == "ok" else 2)


# Places -----------------------------------------------------------------------------------------


def component_at(config: Any, pointer: str) -> tuple[str, dict[str, Any]]:
    """Return the component at ``pointer``, or the one with an option there, and its pointer."""
    from voxstack.inspection import lookup

    components = dict(_components(config))
    place = pointer
    while place and place not in components:
        place = place.rpartition("/")[0]
    if not place:
        lookup(config, pointer)  # raises the error for what is missing
        there = did_you_mean(pointer, components) or f"components: {', '.join(components)}"
        raise InputError(f"{pointer!r} is neither a component nor an option of one ({there})")
    return place, components[place]


def _components(value: Any, pointer: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield all components of a configuration with their pointers, from the top down."""
    from voxstack.inspection import escape

    if isinstance(value, str) and _EXECUTOR.search(pointer):  # by its bare name
        yield pointer, {"type": value}
    if isinstance(value, dict) and isinstance(value.get("type"), str):
        yield pointer, value
    items: Any = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    for key, one in items:
        if pointer or key in ("frontend", "stack"):
            yield from _components(one, f"{pointer}/{escape(str(key))}")


def _set_by(document: Any, pointer: str) -> str:
    """Return who set the value at a place: the last edit of it, or the file."""
    for edited, origin in reversed(document.edits.items()):
        if f"{pointer}/".startswith(f"{edited}/"):
            return str(origin)
    return str(document.name)


# Components -------------------------------------------------------------------------------------


def explain(registry: Any, name: str, namespace: str) -> dict[str, Any]:
    """Return what a name stands for, and what else it could stand for."""
    import attrs
    from voxstack import PluginError

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
            "options": [
                field.name
                for field in attrs.fields(target)
                if getattr(field.type, "__name__", field.type) not in PROVIDED
            ],
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


def explain_option(
    registry: Any, name: str, namespace: str, component: dict[str, Any], pointer: str
) -> dict[str, Any]:
    """Return an option and its value; ``pointer`` is relative to its component."""
    from voxstack.inspection import lookup, split

    from voxstack_kit.describing.reference import bounds, words
    from voxstack_kit.describing.schema_components import EXECUTOR, described
    from voxstack_kit.trying.imports import leave_out_broken

    leave_out_broken(registry)
    winner, wanted = registry.find(name, namespace), split(pointer)[0]
    found = (d.options["properties"] for d in described(registry) if d.registration is winner)
    options: dict[str, Any] = dict(next(found, {}))
    if namespace == "block":
        options.setdefault("executor", {"title": "executor", "description": EXECUTOR})
    if wanted not in options:
        hint = did_you_mean(wanted, options) or f"options: {', '.join(options) or 'none'}"
        raise InputError(f"{name!r} has no option {wanted!r} ({hint})")
    option = options[wanted]
    known = {
        "name": wanted,
        "takes": ", ".join(filter(None, (words(option), bounds(option)))),
        "description": option.get("description"),
        "default": option.get("default"),
        "given": wanted in component,
    }
    return known | {"value": lookup(component, pointer)} if known["given"] else known


def _print(answer: dict[str, Any]) -> None:
    from voxstack.inspection import shown

    def line(label: str, text: Any) -> None:
        echo(f"{label:>13}  {text}")

    for key in (
        "pointer", "name", "set_by", "kind", "entry_point", "distribution", "version", "source",
        "description", "status", "reason",
    ):  # fmt: skip
        if answer.get(key):
            line(key.replace("_", " "), answer[key])
    if option := answer.get("option"):
        line("option", f"{option['name']}: {option['takes']}")
        if option["description"]:
            line("meaning", option["description"])
        if option["given"]:
            line("value", f"{shown(option['value'])}, set by {option['set_by']}")
        elif option["default"] is not None:
            line("value", f"{shown(option['default'])}, its default")
        else:
            line("value", "not set; voxstack stack show shows what is used")
    else:
        line("options", ", ".join(answer.get("options", ())) or "none")
    for other in answer["losers"]:
        reason = other["reason"] or "was not named"
        whose = f"{other['name']}@{other['distribution']} {other['version']}"
        line("not", f"{whose}: {other['status']}: {reason}")
