"""The failure of a check: what was found, and the next step."""

from __future__ import annotations

from typing import NoReturn


class CheckFailed(AssertionError):  # noqa: N818 - as pytest's own
    """A component fails a check; ``next_step`` advises how to fix it."""

    def __init__(self, message: str, next_step: str) -> None:
        super().__init__(f"{message}\nnext step: {next_step}")
        self.message, self.next_step = message, next_step


def fail(message: str, next_step: str) -> NoReturn:
    """Fail the check that calls this; pytest hides the frames of the suite."""
    __tracebackhide__ = True
    raise CheckFailed(message, next_step)
