"""``voxstack conformance``: the conformance suites on an installed package."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import attrs
import click
from voxstack.cli import json_option, print_json, print_table

if TYPE_CHECKING:
    from voxstack_kit.testing.conformance import Check

TIMEOUT = 300.0


@click.command(short_help="Check what an installed package provides.")
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
    """Run the conformance suites on all that the installed package DIST provides.

    Blocks, frontends, executors, addons, commands: each in a process of its own. Exit code 2 if a
    check fails, if a component could not be examined, or if DIST is not installed or provides
    nothing.

    --json prints one object: distribution, version, outcome (passed, failed, or incomplete:
    nothing failed, and a component was not examined at all), totals (passed, failed, skipped) and
    checks, each with component, kind, check, outcome (passed, failed or
    skipped), message and next_step.

    \b
    voxstack conformance voxstack-standard
    voxstack conformance acme-gain --json
    """
    from voxstack_kit.testing.conformance import conformance as examined

    with _progress() as (begun, done):
        report = examined(distribution, timeout, begun, done)
    if as_json:
        print_json(report.as_dict())
    else:
        show(report)
    sys.exit(0 if report.good else 2)


def show(report: Any) -> None:
    """Print a row per component, then what failed and what was not checked."""
    from voxstack_kit.testing.conformance import NO_SUITE

    rows: dict[tuple[str, str], dict[str, int]] = {}
    for check in report.checks:
        row = rows.setdefault((check.component, check.kind), {})
        row[check.outcome] = row.get(check.outcome, 0) + 1
    shown = [
        (name, kind, _count(row, "passed"), _count(row, "failed"), _count(row, "skipped"),
         "broken" if row.get("failed") else "ok" if row.get("passed") else "not examined")
        for (name, kind), row in rows.items()
    ]  # fmt: skip
    columns = ("component", "kind", "passed", "failed", "skipped", "result")
    print_table(columns, shown, "nothing was examined")
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 0
    left = merged_outcomes(report.checks)
    for (outcome, components, message, next_step), (first, *more) in left.items():
        of = ", ".join(components)
        heading = f"not examined: {of}"
        click.echo(wrapped(heading if first == NO_SUITE else f"{outcome}: {of}: {first}", width))
        click.echo(wrapped(message, width, "  "))
        if next_step:
            click.echo(wrapped(f"next step: {next_step}", width, "  "))
        if more:
            also = {"failed": "also fails", "skipped": "also skipped"}[outcome]
            click.echo(wrapped(f"{also}: {', '.join(more)}", width, "  "))
    if left:
        click.echo()
    totals = ", ".join(f"{count} {outcome}" for outcome, count in report.totals.items())
    unexamined = ", ".join(name for name, _ in report.unexamined)
    nothing = f"; not examined: {unexamined}" if unexamined else ""
    click.echo(f"{report.distribution} {report.version}: {totals}{nothing}")


Outcome = tuple[str, tuple[str, ...], str, str]  # outcome, components, message, next step


def merged_outcomes(checks: Sequence[Check]) -> dict[Outcome, list[str]]:
    """Return what did not pass, failures first, merged over components and checks."""
    components: dict[Check, list[str]] = {}
    for check in sorted(checks, key=lambda check: check.outcome != "failed"):
        if check.outcome != "passed":
            anyone = attrs.evolve(check, component="", kind="")
            components.setdefault(anyone, []).append(check.component)
    merged: dict[Outcome, list[str]] = {}
    for check, names in components.items():
        key = (check.outcome, tuple(names), check.message, check.next_step)
        merged.setdefault(key, []).append(check.check)
    return merged


def wrapped(text: str, width: int, indent: str = "") -> str:
    """Return lines of at most ``width`` columns; 0: not folded, for a pipe."""
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
    """Show on a terminal how many components are examined; yield what to call."""
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
