"""``voxstack conformance``: does an installed package do what voxstack asks of it?"""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from voxstack.cli.options import json_option
from voxstack.cli.output import print_json, print_table

TIMEOUT = 300.0


@click.command(short_help="Check what an installed package brings.")
@click.argument("distribution", metavar="DIST")
@click.option(
    "--timeout",
    type=click.FloatRange(min=1.0),
    default=TIMEOUT,
    show_default=True,
    metavar="SECONDS",
    help="Time for one component.",
)
@json_option
def conformance(distribution: str, timeout: float, as_json: bool) -> None:
    """Run the conformance suites on all that the installed package DIST brings.

    Blocks, frontends, executors, addons, commands: each in a process of its own. Ends with
    exit code 2 if a check fails, or if DIST is not there or brings nothing. Needs
    pytest and hypothesis, which voxstack's extra "testing" installs.

    --json prints one object: distribution, version, outcome (passed or failed), totals (passed,
    failed, skipped) and checks, each with component, kind, check, outcome (passed, failed or
    skipped), message and next_step.

    \b
    voxstack conformance voxstack-standard
    voxstack conformance acme-gain --json
    """
    from voxstack.conformance import conformance as examined

    with _progress() as (begun, done):
        report = examined(distribution, timeout, begun, done)
    if as_json:
        print_json(report.as_dict())
    else:
        show(report)
    sys.exit(0 if report.good else 2)


def show(report: Any) -> None:
    """Print a row for each component, then what failed and what was not checked."""
    rows: dict[tuple[str, str], dict[str, int]] = {}
    for check in report.checks:
        row = rows.setdefault((check.component, check.kind), {})
        row[check.outcome] = row.get(check.outcome, 0) + 1
    shown = [
        (name, kind, _count(row, "passed"), _count(row, "failed"), _count(row, "skipped"),
         "broken" if row.get("failed") else "ok" if row.get("passed") else "not covered")
        for (name, kind), row in rows.items()
    ]  # fmt: skip
    columns = ("component", "kind", "passed", "failed", "skipped", "result")
    print_table(columns, shown, "nothing was examined")
    left: dict[tuple[str, ...], list[str]] = {}  # what is true of several is told once
    for check in sorted(report.checks, key=lambda check: check.outcome != "failed"):
        if check.outcome != "passed":
            key = (check.outcome, check.check, check.message, check.next_step)
            left.setdefault(key, []).append(check.component)
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 0
    for (outcome, name, message, next_step), components in left.items():
        click.echo(wrapped(f"{outcome}: {', '.join(components)}: {name}", width))
        click.echo(wrapped(message, width, "  "))
        if next_step:
            click.echo(wrapped(f"next step: {next_step}", width, "  "))
    if left:
        click.echo()
    totals = ", ".join(f"{count} {outcome}" for outcome, count in report.totals.items())
    click.echo(f"{report.distribution} {report.version}: {totals}")


def wrapped(text: str, width: int, indent: str = "") -> str:
    """Give lines of at most ``width`` columns; 0: as long as they are, for a pipe."""
    lines = text.splitlines() or [""]
    if width:
        lines = [
            part for line in lines for part in textwrap.wrap(line, width - len(indent)) or [""]
        ]
    return textwrap.indent("\n".join(lines), indent)


def _count(row: dict[str, int], outcome: str) -> int | None:
    return row.get(outcome)


@contextmanager
def _progress() -> Iterator[tuple[Any, Any]]:
    """Show on a terminal how many components are examined; give what is told of them."""
    if not sys.stderr.isatty():
        yield lambda count: None, lambda name: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("examining", total=None)

        def done(name: str) -> None:
            progress.update(task, advance=1, description=f"examined {name}")

        yield lambda count: progress.update(task, total=count), done
