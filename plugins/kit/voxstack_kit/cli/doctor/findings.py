"""The doctor's findings."""

from __future__ import annotations

from typing import Any, final

from attrs import frozen

OK, WARNING, ERROR = "ok", "warning", "error"
WORST_FIRST = (ERROR, WARNING, OK)


@final
@frozen
class Finding:
    """The result of one check."""

    check: str  # environment, plugin, executor, voice, addon or deployment
    status: str  # ok, warning or error
    subject: str
    message: str
    next_step: str | None = None


def subject_of(registration: Any) -> str:
    """Return a registration's name in findings."""
    whose = f"{registration.distribution} {registration.version}"
    return f"{registration.name} of {whose}".rstrip()
