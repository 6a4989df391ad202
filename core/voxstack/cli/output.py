"""What the commands print: JSON for machines, tables and a progress bar for people."""

from __future__ import annotations

import json
import os
import sys
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count, zip_longest
from pathlib import Path
from shutil import get_terminal_size
from textwrap import TextWrapper
from typing import Any

import click

from voxstack.errors import InputError

COLOURS = {
    **dict.fromkeys(("ok", "yes"), "green"),
    **dict.fromkeys(("broken", "blocked", "ambiguous", "incompatible", "no"), "red"),
}
GAP = "   "  # between two columns of a table
INDENT = "    "  # of what stands below a row
NARROW = 24  # columns of a terminal that folded prose takes at least
LONG = 400  # characters: shorter texts are done before a progress bar is seen
_CLEAN = "voxstack.stdout"  # in a command's meta: stdout, if it is reserved


def keep_stdout_clean() -> Any:
    """Return stdout (bytes) for the output of a command; all other output goes to stderr now.

    That includes what plugins print, and what runtimes write below Python.
    """
    stdout, own = sys.stdout, bool(sys.stdout is sys.__stdout__)
    if not own:  # replaced by a caller who collects it
        return getattr(stdout, "buffer", None)
    try:
        pipe = os.fdopen(os.dup(stdout.fileno()), "wb", buffering=0)
        os.dup2(sys.stderr.fileno(), stdout.fileno())
    except (OSError, ValueError, AttributeError):  # no real files: embedded, or closed
        return getattr(stdout, "buffer", None)
    return pipe


def for_machines(command: click.Context) -> None:
    """Reserve stdout for what ``print_json`` and ``print_text`` write in this command."""
    sys.stdout.flush()
    command.meta[_CLEAN] = keep_stdout_clean()


def print_json(value: Any) -> None:
    """Print JSON to stdout."""
    print_text(json.dumps(value, indent=2, ensure_ascii=not unicode_wanted()) + "\n")


def print_text(text: str) -> None:
    """Print the output of a command to stdout, to the reserved one if there is one."""
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
    """Print a table for people, or the line ``empty`` where it has no rows."""
    if not rows:
        click.echo(empty)
        return
    cells = [[_text(cell) for cell in row] for row in rows]
    width = get_terminal_size().columns if sys.stdout.isatty() else None
    head, *lines = table_lines(columns, cells, width)
    click.secho(f"\n{head}", bold=True)
    for line in (*lines, ""):
        click.echo(line)


def table_lines(
    columns: Sequence[str], rows: Sequence[Sequence[str]], width: int | None
) -> Iterator[str]:
    """Yield the lines of a table: the names of the columns, a rule, the rows.

    Names stay whole, so that they can be copied. In ``width`` columns of a terminal the last
    column, of prose, is folded between words; where that is not enough, the widest columns stand
    below their row. None: as wide as it is.
    """
    table, every = [columns, *rows], range(len(columns))
    widths = [max(_width(line) for row in table for line in _folded(row[i])) for i in every]
    words = [_width(word) for row in table for word in row[-1].split()]
    least = [*widths[:-1], min(widths[-1], max(NARROW, *words))]
    name = columns.index("name") if "name" in columns else 0
    kept = [*every]

    def over(taken: Sequence[int]) -> int:
        """Return how many columns of the terminal are missing."""
        return 0 if width is None else sum(taken[i] + len(GAP) for i in kept) - len(GAP) + 1 - width

    while over(least) > 0 and len(kept) > 1:
        kept.remove(max({*kept} - {name}, key=least.__getitem__))
    widths[-1] = max(least[-1], widths[-1] - max(0, over(widths)))
    for row in table:
        for parts in zip_longest(*(_folded(row[i], widths[i]) for i in kept), fillvalue=""):
            line = " "
            for i, text in zip(kept, parts, strict=True):
                line += _coloured(text, row[i]) + " " * (widths[i] - _width(text)) + GAP
            yield line.rstrip()
        if row is columns:
            rule = "─" if unicode_wanted() else "-"
            yield " " + rule * (sum(widths[i] + len(GAP) for i in kept) - len(GAP))
            continue
        for i in every:
            if i not in kept and row[i]:
                below = _folded(f"{columns[i]}: {row[i]}", max(1, (width or 0) - len(INDENT)))
                yield from (INDENT + line for line in below)


def _text(cell: Any) -> str:
    return ", ".join(cell) if isinstance(cell, list) else "" if cell is None else str(cell)


def _coloured(text: str, cell: str) -> str:
    return click.style(text, fg=COLOURS[cell]) if text and cell in COLOURS else text


def _folded(text: str, width: int | None = None) -> list[str]:
    """Return the lines of a text, folded between words; a word that is too long stays whole."""
    lines = text.splitlines() or [""]
    if width is None:
        return lines
    whole = TextWrapper(width, break_long_words=False, break_on_hyphens=False)
    return [part for line in lines for part in whole.wrap(line) or [""]]


def _width(text: str) -> int:
    """Return the columns of a terminal that text takes."""
    if text.isascii():
        return len(text)
    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in text)
    return len(text) + wide - sum(unicodedata.category(c) in ("Mn", "Me", "Cf") for c in text)


@contextmanager
def progress_bar(
    wanted: bool | None, characters: int | None
) -> Iterator[Callable[[Iterable[Any]], None]]:
    """Yield what moves a bar on stderr to the last word that begins in the marks of a chunk.

    By default (None) there is a bar for a long text on a terminal; ``characters`` is None for a
    text of unknown length.
    """
    long = characters is None or characters > LONG
    if not (long and sys.stderr.isatty() if wanted is None else wanted):
        yield lambda marks: None
        return
    counted = characters is None  # without a total there is no percentage
    of = count() if characters is None else range(characters)
    with click.progressbar(of, label="speaking", show_pos=counted, file=sys.stderr) as bar:

        def advance(marks: Iterable[Any]) -> None:
            ends = [mark.span[1] for mark in marks if mark.span]
            bar.update(max(0, max(ends, default=0) - bar.pos))

        yield advance


def unicode_wanted() -> bool:
    """Return whether stdout takes more than ASCII."""
    return (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"


def printable(value: Any) -> str:
    """Return untrusted text with control and direction characters escaped."""
    text = str(value)
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in "\n\t" else f"\\x{ord(c):02x}" for c in text)


def echo(value: Any) -> None:
    """Print a line of untrusted text."""
    click.echo(printable(value))


def check_folder(output: str) -> None:
    """Refuse a place that cannot be written before any work is done."""
    path = Path(output)
    if output != "-" and path.is_dir():
        raise InputError(f"cannot write {output}: it is a folder; name a file in it")
    if output != "-" and not path.parent.is_dir():
        folder = str(path.parent)
        raise InputError(f"cannot write {output}: there is no folder {folder!r}; make it first")
