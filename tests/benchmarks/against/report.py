"""Print the results as tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

TITLES = {
    "warm": "One stream, warm (text: one sentence, or a page of sentences of about 2.5 s)",
    "ratios": "Ours / theirs",
    "cold": "From the start of the process to first audio of one sentence, and its peak memory",
    "streams": "Streams of a page of 10 s started together; silence is the listeners' waiting time",
    "goals": "Goals, on a sentence of 10 s",
}


def printed(results: dict[str, Any]) -> None:
    """Print the tables."""
    console = Console(width=None if Console().is_terminal else 120)
    for name, difference in results["equality"].items():
        console.print(f"max abs difference, {name}: {difference:.1e}")
    for name, reason in results["skipped"].items():
        console.print(f"[yellow]{name} was skipped: {reason}[/yellow]")
    for key, title in TITLES.items():
        if results[key]:
            console.print(_table(title, results[key]))


def _table(title: str, rows: Sequence[dict[str, Any]]) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold")
    for column, value in rows[0].items():
        words = isinstance(value, str | bool)
        table.add_column(column.replace("_", " "), justify="left" if words else "right")
    for row in rows:
        table.add_row(*(_cell(value) for value in row.values()))
    return table


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "[red]no[/red]"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
