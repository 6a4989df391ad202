"""The progress bar of ``voxstack say``, over the characters that were spoken."""

from __future__ import annotations

import sys
from typing import Any


class NoBar:
    """Shows nothing."""

    def advance(self, marks: Any) -> None:
        """Show nothing."""

    def __enter__(self) -> NoBar:
        return self

    def __exit__(self, *_: object) -> None:
        pass


class Bar(NoBar):
    """A progress bar on stderr, over the characters that were spoken."""

    def __init__(self, total: int | None) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        self.progress = Progress(
            TextColumn("speaking"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f}%" if total else "{task.completed:.0f} characters"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self.task = self.progress.add_task("speaking", total=total)

    def advance(self, marks: Any) -> None:
        """Move to the last word that begins in the chunk."""
        ends = [mark.span[1] for mark in marks if mark.span]
        if ends:
            self.progress.update(self.task, completed=max(ends))

    def __enter__(self) -> Bar:
        self.progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.progress.stop()


LONG = 400  # characters: shorter texts are done before a bar is seen


def progress_bar(wanted: bool | None, characters: int | None) -> NoBar:
    """Give a bar if it is wanted: by default for long text on a terminal."""
    long = characters is None or characters > LONG
    shown = wanted if wanted is not None else long and sys.stderr.isatty()
    return Bar(characters) if shown else NoBar()
