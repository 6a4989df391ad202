"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

import click

from voxstack.cli.groups import packages_of
from voxstack.cli.output import for_machines
from voxstack.config import parse_value
from voxstack.errors import InputError, VoxstackError

Edit = tuple[str, Any, str]  # JSON pointer, value, who set it
Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def together(*options: Decorator) -> Decorator:
    """Return one decorator that adds all ``options`` to a command, in this order."""
    return lambda command: reduce(lambda made, option: option(made), reversed(options), command)


deploy_option = click.option("--deploy", metavar="FILE.toml", help="How this site runs voices.")
filter_options = together(
    click.option("--allow", multiple=True, metavar="PATTERN", help="Use only plugins of distributions that match. Repeatable."),  # noqa: E501
    click.option("--block", multiple=True, metavar="PATTERN", help="Use no plugin of distributions that match. Repeatable."),  # noqa: E501
)  # fmt: skip
host_options = together(
    click.option("--set", "sets", multiple=True, metavar="POINTER=VALUE", help="Set a value of the voice's addon.json by JSON pointer; the value is JSON if it parses, else a string. Repeatable."),  # noqa: E501
    click.option("--executor", metavar="NAME", help='Executor for all networks: a name, JSON {"type": "NAME", ...}, or a JSON list in order of preference.'),  # noqa: E501
    deploy_option,
    filter_options,
)  # fmt: skip


def _json(command: click.Context, option: click.Parameter, value: bool) -> bool:
    if value:
        for_machines(command)
    return value


json_option = click.option(
    "--json", "as_json", is_flag=True, callback=_json, help="Print JSON for machines."
)


def make_host(deploy: str | None, executor: str | None, allow: Any, block: Any) -> Any:
    """Build the host that the shared options describe, from the scan that was made already."""
    from voxstack.host import Host

    chosen = _parsed("--executor", executor) if executor is not None else None
    packages = packages_of(click.get_current_context(silent=True))
    settings = {"deploy": deploy, "executor": chosen, "allow": allow, "block": block}
    return Host(**settings, packages=packages, arguments="--{}")


def parse_edits(sets: Sequence[str]) -> list[Edit]:
    """Parse --set POINTER=VALUE."""
    pairs = [_pair("--set", text, "POINTER=VALUE, as in /stack/0/type=Gain") for text in sets]
    return [(pointer, _parsed(f"--set {pointer}", v), f"--set {pointer}") for pointer, v in pairs]


def parse_pairs(option: str, pairs: Sequence[str]) -> dict[str, Any]:
    """Parse NAME=VALUE options; numbers become numbers."""
    values: dict[str, Any] = {}
    for name, value in (_pair(option, text, "NAME=VALUE") for text in pairs):
        number = _parsed(f"{option} {name}", value)
        values[name] = number if isinstance(number, int | float) else value
    return values


def _pair(option: str, text: str, expected: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise InputError(f"{option} {text!r}: expected {expected}")
    return name, value


def _parsed(option: str, value: str) -> Any:
    try:
        return parse_value(value)
    except VoxstackError as error:
        raise InputError(f"{option}: {error}") from None
