"""The folder with the results of a recipe, and the display of its progress."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, final

from attrs import define, frozen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.console import Console

    from voxstack_train.recipe import Recipe


@final
@frozen
class Work:
    """A run of a recipe."""

    recipe: Recipe
    source: Path  # the recipe's file
    folder: Path
    device: str
    console: Console

    @property
    def corpus(self) -> Path:
        """The folder of the speakers' audio."""
        return self.folder / "corpus"

    @property
    def features(self) -> Path:
        """The folder of the features."""
        return self.folder / "features"

    def say(self, text: str) -> None:
        """Print a message."""
        self.console.print(text, highlight=False, markup=False, soft_wrap=True)

    @contextmanager
    def bar(self, text: str, total: int) -> Iterator[Bar]:
        """Show a progress bar on a terminal; print a line now and then elsewhere."""
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.completed:.0f}/{task.total:.0f}"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}"),
            console=self.console,
            transient=True,
            disable=not self.console.is_terminal,
        )
        with progress:
            task = progress.add_task(text, total=total, note="")
            yield Bar(
                lambda done, note: progress.update(task, completed=done, note=note),
                None if self.console.is_terminal else self.say,
                text,
                total,
                lambda part, count: progress.reset(
                    task, total=count, description=f"{text}: {part}"
                ),
            )


@final
@define
class Bar:
    """The progress of some work."""

    _show: Callable[[int, str], None]
    _say: Callable[[str], None] | None
    text: str
    total: int
    _restart: Callable[[str, int], None]
    done: int = 0
    _reported: int = 0

    def begin(self, text: str, total: int) -> None:
        """Start another part of the same work."""
        self.total, self.done, self._reported = total, 0, 0
        self._restart(text, total)

    def advance(self, count: int = 1) -> None:
        """Record that ``count`` more steps are done."""
        self.at(self.done + count, {})

    def at(self, done: int, values: Mapping[str, float]) -> None:
        """Show how many steps are done, with some figures."""
        self.done = done
        note = " ".join(f"{name} {value:.3g}" for name, value in values.items())
        self._show(done, note)
        tenth = 10 * done // max(1, self.total)
        if self._say and tenth > self._reported:
            self._reported = tenth
            self._say(f"{self.text}: {done} of {self.total} {note}".rstrip())
