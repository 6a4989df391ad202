"""``voxstack bench``: the figures of voxstack, measured on this installation."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import attrs
import click
import voxstack
from voxstack import InputError
from voxstack.cli import json_option, print_json, print_table
from voxstack.inspection import did_you_mean, parse_value


@click.group(short_help="Measure this installation.", invoke_without_command=True)
@click.option("--voice", help="Voice to measure (default: the installed one).")
@click.option("--executor", metavar="NAME", help="Executor for all networks.")
@click.option(
    "--only", multiple=True, metavar="FIGURE", help="Measure only this figure. Repeatable."
)
@click.option("--quick", is_flag=True, help="Fewer turns: an estimate, not a figure to quote.")
@json_option
@click.pass_context
def bench(
    context: click.Context,
    voice: str | None,
    executor: str | None,
    only: tuple[str, ...],
    quick: bool,
    as_json: bool,
) -> None:
    """Measure this installation: ratios, alternatives in turns within one run, medians.

    Without a command: the figures that voxstack must hold.
    """
    if context.invoked_subcommand is not None:
        return
    from voxstack_kit.bench.figures import Bench, Figure

    work = Bench(voice, parse_value(executor) if executor else None, quick)
    wanted = work.measurements()
    for name in only:
        if name not in wanted:
            hint = did_you_mean(name, wanted) or f"figures: {', '.join(wanted)}"
            raise InputError(f"unknown figure {name!r} ({hint})")
    figures: list[Figure] = []
    with _progress() as report:
        for name, measure in wanted.items():
            if not only or name in only:
                report(f"[{len(figures) + 1}/{len(only or wanted)}] {name}")
                figures.append(measure())
    if as_json:
        values: dict[str, Any] = {f.name: _rounded(f.value) for f in figures}
        values["bounds"] = {f.name: f.bound for f in figures}
        values["details"] = {f.name: f.details for f in figures}
        values["machine"] = _machine()
        print_json(values)
        return
    rows = [(f.name, _rounded(f.value), f.bound, HELD[f.held], f.meaning) for f in figures]
    print_table(("figure", "measured", "bound", "held", "what it is"), rows, "nothing measured")


@bench.command(short_help="Compare the installed executors.")
@click.option("--voice", help="Voice to measure (default: the installed one).")
@click.option(
    "--executor",
    "names",
    multiple=True,
    metavar="NAME",
    help="Measure only this one, a name or JSON; the first is the reference. Repeatable.",
)
@click.option("--quick", is_flag=True, help="Fewer turns: an estimate, not a figure to quote.")
@json_option
def executors(voice: str | None, names: tuple[str, ...], quick: bool, as_json: bool) -> None:
    """Compare executors on one voice: speed in turns, memory from cold, exactness.

    max_abs_diff is that of the audio to the first executor's, with the durations, F0 and voicing
    of that one; prosody_diff is how far these differ themselves (frames, Hz, logits).
    """
    from voxstack_kit.bench.executors import ExecutorBench

    with _progress() as report:
        configs = [parse_value(name) for name in names]
        measured = ExecutorBench(voice, configs, 3 if quick else 15, report).run()
    rows = [attrs.asdict(one) for one in measured]
    if as_json:
        print_json({"executors": rows, "machine": _machine()})
        return
    columns = [c for c in rows[0] if c not in ("reason", "prosody_diff")] if rows else []
    table = [
        [
            *(r[c] for c in columns),
            r["reason"] or " ".join(f"{k} {v:g}" for k, v in r["prosody_diff"].items()),
        ]
        for r in rows
    ]
    print_table((*columns, "prosody_diff"), table, "no executor is installed")


@bench.command(short_help="Speak in many streams at once.")
@click.option("--voice", help="Voice to measure (default: the installed one).")
@click.option("--executor", metavar="NAME", help="Executor, which Batching then wraps.")
@click.option(
    "--streams",
    "counts",
    multiple=True,
    type=click.IntRange(1, 256),
    help="Streams at once (default: 1, 2, 4, 8, 16). Repeatable.",
)
@click.option("--quick", is_flag=True, help="One round: an estimate, not a figure to quote.")
@json_option
def streams(
    voice: str | None, executor: str | None, counts: tuple[int, ...], quick: bool, as_json: bool
) -> None:
    """Speak in 1 to 16 streams at once, with batching and without, in turns.

    An underrun is a chunk that arrives after the audio before it was played.
    """
    from voxstack_kit.bench.streams import COUNTS, measure_streams

    with _progress() as report:
        config = parse_value(executor) if executor else None
        rounds = 1 if quick else 5
        measured = measure_streams(voice, config, counts or COUNTS, rounds, report=report)
    rows = [attrs.asdict(one) for one in measured]
    if as_json:
        print_json({"streams": rows, "machine": _machine()})
        return
    print_table(tuple(rows[0]), [list(row.values()) for row in rows], "nothing measured")


HELD = {True: "yes", False: "no", None: "not measured here"}


def _machine() -> dict[str, str]:
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processor": platform.processor() or platform.machine(),
        "voxstack": voxstack.__version__,
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.4g}")


@contextmanager
def _progress() -> Iterator[Callable[[str], None]]:
    """Show on stderr, on a terminal, what is being measured."""
    shown = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"

    def report(what: str) -> None:
        if shown:
            click.echo(f"\r\033[K{what}", err=True, nl=False, color=True)

    try:
        yield report
    finally:
        report("")
