"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from voxstack.cli.output import for_machines
from voxstack.documents import parse_value
from voxstack.errors import InputError, VoxstackError

Edit = tuple[str, Any, str]  # JSON pointer, value, who set it


def host_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that choose plugins and executors."""
    for option in (
        click.option("--deploy", metavar="FILE.toml", help="Deployment file: how this site runs its voices."),  # noqa: E501
        click.option("--executor", metavar="NAME", help='Executor for all networks: a name, JSON {"type": "NAME", ...}, or a JSON list in order of preference.'),  # noqa: E501
        click.option("--set", "sets", multiple=True, metavar="POINTER=VALUE", help="Set a value of the voice's addon.json by JSON pointer; the value is JSON if it parses, else a string. Repeatable."),  # noqa: E501
        click.option("--allow", multiple=True, metavar="PATTERN", help="Use only plugins of distributions that match. Repeatable."),  # noqa: E501
        click.option("--block", multiple=True, metavar="PATTERN", help="Use no plugin of distributions that match. Repeatable."),  # noqa: E501
    ):  # fmt: skip
        command = option(command)
    return command


def _json(command: click.Context, option: click.Parameter, value: bool) -> bool:
    if value:
        for_machines(command)
    return value


json_option = click.option(
    "--json", "as_json", is_flag=True, callback=_json, help="Print JSON for machines."
)


def timeout_option(about: str) -> Callable[..., Any]:
    """Make --timeout for plugins that are tried out in child processes."""
    return click.option(
        "--timeout",
        type=click.FloatRange(min=0, min_open=True),
        default=30.0,
        show_default=True,
        metavar="SECONDS",
        envvar="VOXSTACK_IMPORT_TIMEOUT",
        help=about,
    )


def make_host(deploy: str | None, executor: str | None, allow: Any, block: Any) -> Any:
    """Make the host that the shared options describe."""
    from voxstack.host import Host

    try:
        chosen = parse_value(executor) if executor is not None else None
    except VoxstackError as error:
        raise InputError(f"--executor: {error}") from None
    return Host(deploy=deploy, executor=chosen, allow=allow, block=block)


def parse_edits(sets: tuple[str, ...]) -> list[Edit]:
    """Read --set POINTER=VALUE."""
    edits = []
    for text in sets:
        pointer, equals, value = text.partition("=")
        if not equals:
            raise InputError(f"--set {text!r}: expected POINTER=VALUE, say /stack/0/type=Gain")
        try:
            edits.append((pointer, parse_value(value), f"--set {pointer}"))
        except VoxstackError as error:
            raise InputError(f"--set {pointer}: {error}") from None
    return edits


def parse_pairs(option: str, pairs: tuple[str, ...]) -> dict[str, Any]:
    """Read NAME=VALUE options."""
    values = {}
    for text in pairs:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise InputError(f"{option} {text!r}: expected NAME=VALUE")
        number = parse_value(value)
        values[name] = number if isinstance(number, int | float) else value
    return values
