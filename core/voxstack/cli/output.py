"""What the commands print: JSON for machines, tables for people."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from voxstack.errors import InputError

GOOD, BAD = "green", "red"
TROUBLE = ("broken", "blocked", "ambiguous", "incompatible", "no")
_CLEAN = "voxstack.stdout"  # in a command's meta: the stdout that is kept for what it makes


def keep_stdout_clean() -> Any:
    """Give stdout (bytes) for what a command makes: what a plugin prints goes to stderr from now.

    What prints below Python, a runtime's own library say, goes there too.
    """
    stdout, own = sys.stdout, bool(sys.stdout is sys.__stdout__)
    if not own:  # somebody's, who collects it
        return getattr(stdout, "buffer", None)
    try:
        pipe = os.fdopen(os.dup(stdout.fileno()), "wb", buffering=0)
        os.dup2(sys.stderr.fileno(), stdout.fileno())
    except (OSError, ValueError, AttributeError):  # no real files: embedded, or closed
        return getattr(stdout, "buffer", None)
    return pipe


def for_machines(command: click.Context) -> None:
    """Keep stdout for what ``print_json`` and ``print_text`` write in this command."""
    sys.stdout.flush()
    command.meta[_CLEAN] = keep_stdout_clean()


def print_json(value: Any) -> None:
    """Print JSON to stdout."""
    print_text(json.dumps(value, indent=2, ensure_ascii=not _unicode()) + "\n")


def print_text(text: str) -> None:
    """Print what a command makes to stdout, the one kept clean if it is."""
    command = click.get_current_context(silent=True)
    clean = command.meta.get(_CLEAN) if command else None
    if clean is None:
        click.echo(text, nl=False)
        return
    data = memoryview(text.encode(sys.stdout.encoding or "utf-8", "replace"))
    while data:  # a pipe may take a part of it
        data = data[clean.write(data) :]
    clean.flush()


def print_table(columns: Sequence[str], rows: Sequence[Sequence[Any]], empty: str) -> None:
    """Print a table; as wide as it must be when it goes into a pipe."""
    from voxstack.cli.tables import table_lines, terminal_width

    if not rows:
        click.echo(empty)
        return
    cells = [["" if cell is None else str(cell) for cell in row] for row in rows]
    lines = table_lines(columns, cells, terminal_width(), "─" if _unicode() else "-", _styled)
    click.echo("")
    click.secho(next(lines), bold=True)
    for line in lines:
        click.echo(line)
    click.echo("")


def _styled(shown: str, cell: str) -> str:
    colour = GOOD if cell in ("ok", "yes") else BAD if cell in TROUBLE else None
    return click.style(shown, fg=colour) if colour else shown


def _unicode() -> bool:
    return (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"


def check_folder(output: str) -> None:
    """Refuse a place that cannot be written before any work is done."""
    path = Path(output)
    if output != "-" and path.is_dir():
        raise InputError(f"cannot write {output}: it is a folder; name a file in it")
    if output != "-" and not path.parent.is_dir():
        folder = str(path.parent)
        raise InputError(f"cannot write {output}: there is no folder {folder!r}; make it first")
