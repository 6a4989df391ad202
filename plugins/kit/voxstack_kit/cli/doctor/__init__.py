"""``voxstack doctor``: what is wrong with this installation, and what to do about it.

Plugins, executors and voices are tried out in child processes, so that one that hangs, prints or
ends its process is a finding and not the end of the examination.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator

import attrs
import click
from voxstack.cli import json_option, print_json

from voxstack_kit.cli.doctor.findings import (
    ERROR,
    OK,
    WARNING,
    WORST_FIRST,
    Finding,
)
from voxstack_kit.cli.options import timeout_option

_COLOURS = {ERROR: "red", WARNING: "yellow", OK: "green"}


@click.command(short_help="Find what is wrong here, and what to do about it.")
@click.option("--deploy", metavar="FILE.toml", help="Examine this deployment file too.")
@click.option("--all", "everything", is_flag=True, help="Show what is in order too.")
@timeout_option("How long one plugin may take to import, or one executor to list its devices.")
@json_option
@click.pass_context
def doctor(
    ctx: click.Context, deploy: str | None, everything: bool, timeout: float, as_json: bool
) -> None:
    """Examine Python, the plugins, executors and voices, and the deployment file.

    Each plugin is tried out in a child process. Exit code 2 if something must be fixed.
    """
    found = dict.fromkeys(examine(deploy, timeout))  # two children may report the same
    findings = sorted(found, key=lambda f: WORST_FIRST.index(f.status))
    if as_json:
        print_json([attrs.asdict(finding) for finding in findings])
    else:
        _print(findings, everything)
    if any(finding.status == ERROR for finding in findings):
        ctx.exit(2)


def _print(findings: list[Finding], everything: bool) -> None:
    shown = [f for f in findings if everything or f.status != OK]
    for f in shown:
        colour = _COLOURS[f.status] if sys.stdout.isatty() else None
        click.echo(click.style(f.status, fg=colour) + _plain(f": {f.check}: {f.subject}"))
        for line in _plain(f.message).splitlines():
            click.echo(f"    {line}")
        if f.next_step and f.status != OK:
            click.echo(_plain(f"    next: {f.next_step}"))
    count = {status: sum(f.status == status for f in findings) for status in WORST_FIRST}
    more = "" if everything or not count[OK] else " (--all shows them)"
    click.echo(
        f"{count[ERROR]} to fix, {count[WARNING]} to know of, {count[OK]} in order{more}",
    )


def _plain(text: str) -> str:
    """Return text without control characters, as plugins' messages may steer a terminal."""
    return re.sub(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]", "?", text)


def examine(deploy: str | None, timeout: float) -> Iterator[Finding]:
    """Yield all findings; a check that fails itself is a finding."""
    from voxstack import ConfigError, InputError

    from voxstack_kit.checking.reinstall import install_again
    from voxstack_kit.cli.doctor.deployment import deployment_file
    from voxstack_kit.cli.doctor.environment import environment

    around = list(environment())
    yield from around
    sound = all(finding.status != ERROR for finding in around)
    try:
        usable = list(deployment_file(deploy))
        yield from usable
        place = None if any(f.status == ERROR for f in usable) else deploy
        yield from installed(place, timeout, sound)
    except (ConfigError, InputError) as error:  # the user's file, which every host reads
        yield Finding("deployment", ERROR, "settings", str(error), "fix this file")
    except Exception as error:
        yield Finding(
            "environment",
            ERROR,
            "voxstack",
            f"the examination failed: {type(error).__name__}: {error}",
            f"{install_again('voxstack')}; if it persists, report it with voxstack --debug doctor",
        )


def installed(deploy: str | None, timeout: float, sound: bool) -> Iterator[Finding]:
    """Yield findings of installed packages; ``sound``: the environment has no errors."""
    from voxstack import Host

    from voxstack_kit.cli.doctor.deployment import deployment, speaks_from_a_path
    from voxstack_kit.cli.doctor.executors import executor_rows, executors
    from voxstack_kit.cli.doctor.packages import blocked, packages, plugins
    from voxstack_kit.cli.doctor.voices import Circumstances, voices
    from voxstack_kit.trying.imports import USABLE

    with Host(deploy=deploy) as host:
        registry = host.registry
        yield from packages(registry)
        tried = list(plugins(registry, timeout))
        yield from (finding for _, finding in tried)
        yield from blocked(registry)
        bad = {id(r) for r, finding in tried if finding.status == ERROR}
        able = [
            r
            for r in registry.registrations
            if r.kind == "executors" and r.status in USABLE and id(r) not in bad
        ]
        rows = executor_rows(able, deploy, timeout)
        yield from executors(registry, rows)
        found = list(deployment(host, rows))
        elsewhere = speaks_from_a_path(host.deployment)
        given = Circumstances(rows, sound, elsewhere, found)
        yield from voices(registry, deploy, timeout, given)
        yield from found
