"""Tables that fit: names stay whole, so that they can be copied; only prose is folded.

Where a table is wider than the terminal, the columns that do not fit stand below their row.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from typing import final

PROSE = frozenset(
    ("about", "reason", "why", "why not", "note", "detail", "meaning", "what it is", "content",
     "speakers", "devices", "operators", "inputs", "outputs", "files", "takes", "parts")
)  # fmt: skip
GAP = "   "  # between two columns
NARROW = 24  # columns of a terminal that prose takes at least, where it is folded
INDENT = "    "  # of what stands below a row

Style = Callable[[str, str], str]  # (a line of a cell, the cell) -> with colours


def terminal_width() -> int | None:
    """Give the columns of the terminal; None where stdout is none, and nothing is folded."""
    if not sys.stdout.isatty():
        return None
    import shutil

    return shutil.get_terminal_size().columns


def table_lines(
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    width: int | None,
    rule: str,
    style: Style,
) -> Iterator[str]:
    """Lay a table out in ``width`` columns, or as wide as it is; the first line has the names."""
    table = _Table(columns, rows)
    if width is not None:
        table.fit(width - 1)  # one space before
    yield next(table.row(columns, width))
    yield " " + rule * table.width
    for row in rows:
        yield from table.row(row, width, style)


@final
class _Table:
    """How wide the columns are, and which of them stand below their row."""

    def __init__(self, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        self.columns = columns
        self.kept, self.below = list(range(len(columns))), list[int]()
        cells = [[row[i] for row in rows] for i in self.kept]
        self.widths = [
            max(map(_width, [columns[i], *(line for c in cells[i] for line in c.splitlines())]))
            for i in self.kept
        ]
        self._least = [self._narrowest(i, cells[i]) for i in self.kept]
        self._empty = [not any(column) for column in cells]
        self._name = columns.index("name") if "name" in columns else 0

    def _narrowest(self, i: int, cells: Sequence[str]) -> int:
        if self.columns[i] not in PROSE:
            return self.widths[i]
        words = [_width(word) for text in (self.columns[i], *cells) for word in text.split()]
        return min(self.widths[i], max(NARROW, *words))

    @property
    def width(self) -> int:
        """How wide it is."""
        return sum(self.widths[i] for i in self.kept) + len(GAP) * (len(self.kept) - 1)

    def fit(self, width: int) -> None:
        """Put columns below until the others fit, and fold prose; the name stays."""

        def over() -> int:
            return sum(self._least[i] for i in self.kept) + len(GAP) * (len(self.kept) - 1) - width

        while over() > 0 and len(self.kept) > 1:
            movable = [i for i in self.kept if i != self._name]
            last = max(movable, key=lambda i: self._rank(i, over()))
            self.kept.remove(last)
            self.below = sorted([*self.below, last])
        prose = [i for i in self.kept if self.columns[i] in PROSE]
        while self.width > width and any(self.widths[i] > self._least[i] for i in prose):
            widest = max(prose, key=lambda i: self.widths[i] - self._least[i])
            self.widths[widest] -= 1

    def _rank(self, i: int, over: int) -> tuple[bool, bool, bool, int]:
        """Say how gladly a column is put below: empty, then one that makes room, prose, wide."""
        enough = self._least[i] + len(GAP) >= over
        return self._empty[i], enough, self.columns[i] in PROSE, self._least[i]

    def row(
        self, row: Sequence[str], width: int | None, style: Style = lambda text, cell: text
    ) -> Iterator[str]:
        """Give the lines of one row."""
        cells = [_folded(row[i], self.widths[i]) for i in self.kept]
        for number in range(max(map(len, cells))):
            line = " "
            for i, cell in zip(self.kept, cells, strict=True):
                text = cell[number] if number < len(cell) else ""
                gap = " " * (self.widths[i] - _width(text)) + GAP
                line += (style(text, row[i]) if text else "") + gap
            yield line.rstrip()
        line = ""
        for i in (i for i in self.below if row[i]):
            first, *more = _folded(f"{self.columns[i]}: {row[i]}", (width or 0) - len(INDENT))
            if line and (more or _width(f"{INDENT}{line}  {first}") > (width or 0)):
                yield INDENT + line
                line = ""
            line = f"{line}  {first}" if line else first
            for text in more:
                yield INDENT + line
                line = text
        if line:
            yield INDENT + line


def _folded(text: str, width: int) -> list[str]:
    """Break text into lines between words; a word that is too long stays whole."""
    lines = []
    for part in text.splitlines() or [""]:
        if _width(part) <= width:
            lines.append(part)
            continue
        line = ""
        for word in part.split():
            if line and _width(f"{line} {word}") > width:
                lines.append(line)
                line = ""
            line = f"{line} {word}" if line else word
        lines.append(line)
    return lines


def _width(text: str) -> int:
    """Count the columns of a terminal that text takes."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)
