"""How a check fails: what was found, and the next step."""

from __future__ import annotations

from typing import NoReturn


class CheckFailed(AssertionError):  # noqa: N818 - as pytest's own
    """A component does not do what a check asks; ``next_step`` says how to mend that."""

    def __init__(self, message: str, next_step: str) -> None:
        super().__init__(f"{message}\nnext step: {next_step}")
        self.message, self.next_step = message, next_step


def fail(message: str, next_step: str) -> NoReturn:
    """Fail the check that calls this; pytest shows no frames of ours."""
    __tracebackhide__ = True
    raise CheckFailed(message, next_step)
