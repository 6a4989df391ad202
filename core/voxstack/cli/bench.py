"""``voxstack bench``: the figures that voxstack holds itself to, for anyone to measure."""

from __future__ import annotations

import platform
import sys
from typing import Any

import click

import voxstack
from voxstack.cli.options import json_option
from voxstack.cli.output import print_json, print_table
from voxstack.documents import parse_value
from voxstack.errors import InputError, did_you_mean


@click.command(short_help="Measure this installation.")
@click.option("--voice", help="Voice to measure (default: the installed one).")
@click.option("--executor", metavar="NAME", help="Executor for all networks.")
@click.option(
    "--only", multiple=True, metavar="FIGURE", help="Measure only this figure. Repeatable."
)
@click.option("--quick", is_flag=True, help="Fewer turns: a look, not a figure to quote.")
@json_option
def bench(
    voice: str | None, executor: str | None, only: tuple[str, ...], quick: bool, as_json: bool
) -> None:
    """Measure this installation: ratios, alternatives in turns within one run, medians."""
    from voxstack.bench.figures import Bench, Figure

    work = Bench(voice, parse_value(executor) if executor else None, quick)
    wanted = work.measurements()
    for name in only:
        if name not in wanted:
            hint = did_you_mean(name, wanted) or f"there: {', '.join(wanted)}"
            raise InputError(f"there is no figure {name!r} ({hint})")
    figures: list[Figure] = []
    with _progress(len(only or wanted)) as bar:
        for name, measure in wanted.items():
            if not only or name in only:
                bar.begin(name)
                figures.append(measure())
    if as_json:
        values: dict[str, Any] = {f.name: _rounded(f.value) for f in figures}
        values["bounds"] = {f.name: f.bound for f in figures}
        values["details"] = {f.name: f.details for f in figures}
        values["machine"] = {
            "python": platform.python_version(),
            "platform": platform.platform(),
            "processor": platform.processor() or platform.machine(),
            "voxstack": voxstack.__version__,
        }
        print_json(values)
        return
    rows = [(f.name, _rounded(f.value), f.bound, HELD[f.held], f.meaning) for f in figures]
    print_table(("figure", "measured", "bound", "held", "what it is"), rows, "nothing measured")


HELD = {True: "yes", False: "no", None: "not measured here"}


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.4g}")


class _progress:  # noqa: N801 - used as a function
    """A line a figure on stderr, on a terminal."""

    def __init__(self, total: int) -> None:
        self.total, self.done = total, 0

    def begin(self, name: str) -> None:
        """Show what is being measured."""
        self.done += 1
        if sys.stderr.isatty():
            click.echo(f"\r\033[K[{self.done}/{self.total}] measuring {name}", err=True, nl=False)

    def __enter__(self) -> _progress:
        return self

    def __exit__(self, *_: object) -> None:
        if sys.stderr.isatty():
            click.echo("\r\033[K", err=True, nl=False)
