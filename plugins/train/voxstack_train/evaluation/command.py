"""`voxstack evaluate`: measure a voice against its teacher."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import TracebackType
from typing import Any

import click
from voxstack import InputError
from voxstack.cli import json_option, make_host, print_json, print_table

from voxstack_train.evaluation.sets import SETS


@click.command(short_help="Measure a voice against its teacher.")
@click.argument("voice")
@click.option(
    "--set",
    "sets",
    multiple=True,
    type=click.Choice([*SETS, "all"]),
    default=("easy", "hard"),
    show_default=True,
    help="Held-out sentences; repeatable.",
)
@click.option(
    "--sentences",
    type=click.IntRange(1),
    metavar="N",
    default=25,
    show_default=True,
    help="The first N of each set; use all 100 for figures to publish.",
)
@click.option("--speakers", metavar="A,B", help="Only these speakers (default: all of the voice).")
@click.option(
    "--teacher",
    metavar="NAME",
    help="flite's voice to measure against: awb, kal, rms, slt (default: the speaker's name).",
)
@click.option(
    "--jobs",
    type=click.IntRange(1),
    default=os.cpu_count() or 1,
    show_default="cores",
    metavar="N",
    help="Worker processes for recognition and measurement.",
)
@click.option(
    "--pictures", metavar="FOLDER", help="Write spectrograms there, a PNG per speaker and set."
)
@click.option(
    "--deploy", metavar="FILE.toml", help="Deployment file: how this site runs its voices."
)
@click.option("--executor", metavar="NAME", help='Executor: a name, or JSON {"type": "NAME", ...}.')
@json_option
@click.option(
    "--markdown", "as_markdown", is_flag=True, help="Print the table for the voice's card."
)
def evaluate(
    voice: str,
    sets: tuple[str, ...],
    sentences: int | None,
    speakers: str | None,
    teacher: str | None,
    jobs: int,
    pictures: str | None,
    deploy: str | None,
    executor: str | None,
    as_json: bool,
    as_markdown: bool,
) -> None:
    """Measure a voice against its teacher, by recognition and by signal.

    VOICE is a name or a path. Systems in one table: the teacher (flite), copy-synthesis (the
    voice's vocoder, fed the teacher's mel spectrum and F0), Griffin-Lim, and the voice itself.
    """
    if as_json and as_markdown:
        raise InputError("--json and --markdown exclude each other")
    from voxstack_train.evaluation.errors import require_packages

    require_packages(bool(pictures))
    from voxstack_train.evaluation.run import Wanted
    from voxstack_train.evaluation.run import evaluate as run

    chosen = tuple(SETS) if "all" in sets else tuple(dict.fromkeys(sets))
    wanted = Wanted(
        chosen,
        sentences,
        tuple(filter(None, (name.strip() for name in (speakers or "").split(",")))),
        teacher,
        jobs,
        Path(pictures) if pictures else None,
    )
    with make_host(deploy, executor, (), ()) as host, _Bar() as bar:
        report = run(host.voice(voice), wanted, bar)
    if as_json:
        print_json(report.as_json())
    elif as_markdown:
        click.echo(report.markdown())
    else:
        from voxstack_train.evaluation.table import TABLES, cells, heads, legend

        for columns in TABLES:
            shown = [cells(row, columns) for row in report.table]
            print_table(heads(columns), shown, "nothing measured")
            click.echo("\n".join(legend(columns)) + "\n")
        for note in report.notes:
            click.echo(note)


class _Bar:
    """A progress bar on stderr, shown on a terminal."""

    def __enter__(self) -> _Bar:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
        )

        self._progress: Any = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
            disable=not sys.stderr.isatty(),
        )
        self._progress.start()
        self._task: Any = None
        return self

    def begin(self, what: str, total: int) -> None:
        """Show the next pass."""
        if self._task is not None:
            self._progress.remove_task(self._task)
        self._task = self._progress.add_task(what, total=total)

    def advance(self) -> None:
        """Show that a sentence is done."""
        self._progress.advance(self._task)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()
