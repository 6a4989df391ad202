"""What the commands print: JSON for machines, tables for people."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from voxstack.errors import InputError

GOOD, BAD = "green", "red"


def print_json(value: Any) -> None:
    """Print JSON to stdout."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=not _unicode()))


def print_table(columns: Sequence[str], rows: Sequence[Sequence[Any]], empty: str) -> None:
    """Print a table; as wide as it must be when it goes into a pipe."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    if not rows:
        click.echo(empty)
        return
    console = Console(width=None if sys.stdout.isatty() else 1000, highlight=False)
    table = Table(box=SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(
            *(Text("" if cell is None else str(cell), style=_style(cell)) for cell in row)
        )
    console.print(table)


def _style(cell: Any) -> str:
    if cell in ("ok", "yes"):
        return GOOD
    return BAD if cell in ("broken", "blocked", "ambiguous", "incompatible", "no") else ""


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
