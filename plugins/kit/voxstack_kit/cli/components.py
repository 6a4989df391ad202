"""``voxstack components``: what a configuration can name, with its options."""

from __future__ import annotations

import contextlib
import sys
from typing import Any

import click
from packaging.utils import canonicalize_name
from voxstack import InputError, PluginError
from voxstack.cli import (
    deploy_option,
    filter_options,
    json_option,
    make_host,
    print_json,
    print_table,
)
from voxstack.inspection import did_you_mean

from voxstack_kit.cli.options import timeout_option


@click.command(short_help="List what a stack can name, and the options.")
@click.argument("name", required=False)
@click.option("--markdown", is_flag=True, help="Print Markdown.")
@deploy_option
@filter_options
@timeout_option("How long one plugin may take to import.")
@json_option
def components(
    name: str | None,
    markdown: bool,
    deploy: str | None,
    allow: tuple[str, ...],
    block: tuple[str, ...],
    timeout: float,
    as_json: bool,
) -> None:
    """List what a stack can name: blocks, frontends and executors; with NAME, its options.

    The components are imported, in a child process first; one that cannot be imported, or hangs,
    is listed with the reason.

    \b
    voxstack components
    voxstack components Gain
    """
    from voxstack_kit.describing.reference import component_section, components_page, facts
    from voxstack_kit.describing.schema import described
    from voxstack_kit.trying.imports import leave_out_broken

    if markdown and as_json:
        raise InputError("--markdown and --json exclude each other; use one of them")
    with make_host(deploy, None, allow, block) as host, contextlib.redirect_stdout(sys.stderr):
        leave_out_broken(host.registry, timeout)
        found = described(host.registry)
    if name is not None:
        wanted, _, distribution = name.partition("@")
        named = [c for c in found if c.registration.name == wanted]
        if distribution:
            of = canonicalize_name(distribution)
            named = [c for c in named if c.registration.distribution == of]
        if not named:
            names = sorted({c.registration.name for c in found})
            hint = did_you_mean(name, names) or f"components: {', '.join(names)}"
            raise InputError(f"no component {name!r} ({hint})")
        if all(c.cls is None for c in named):
            raise PluginError("; ".join(str(c.reason) for c in named), named[0].registration)
        found = named
    if as_json:
        print_json([facts(c) for c in found])
    elif markdown:
        sections = [component_section(c) for c in found]
        click.echo(components_page(found) if name is None else "\n".join(sections), nl=False)
    elif name is None:
        rows = [
            (
                *(f[key] for key in ("name", "kind", "distribution", "status")),
                _prose(f["reason"] or f["summary"]),
            )
            for f in map(facts, found)
        ]
        columns = ("name", "kind", "distribution", "status", "about")
        print_table(columns, rows, "no component is installed")
    else:
        for component in found:
            _print(facts(component))


def _print(known: dict[str, Any]) -> None:
    """Print one component for people."""
    whose = f"{known['distribution']} {known['version']}".rstrip()
    click.echo(f"{known['name']}: {known['kind']} of {whose}")
    click.echo(f"\n{_prose(known['description'] or known['reason'])}\n")
    for verb in ("consumes", "produces"):
        if known[verb]:
            click.echo(f"It {verb} {', '.join(known[verb])}.")
    rows = [
        (
            option["name"],
            ", ".join(filter(None, (option["type"], option["bounds"]))),
            "required" if option["required"] else _plain(option["default"]),
            _prose(option["description"]),
        )
        for option in known["options"]
    ]
    print_table(("option", "takes", "default", "about"), rows, "It has no options.")


def _prose(text: str | None) -> str:
    """Return a docstring with single marks for code."""
    return (text or "").replace("``", "`")


def _plain(default: Any) -> str:
    import json

    return "" if default is None else json.dumps(default, ensure_ascii=False)
