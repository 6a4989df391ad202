"""What the doctor says of each thing that it looked at."""

from __future__ import annotations

from typing import Any, final

from attrs import frozen

OK, WARNING, ERROR = "ok", "warning", "error"
WORST_FIRST = (ERROR, WARNING, OK)


@final
@frozen
class Finding:
    """One thing that was looked at."""

    check: str  # environment, plugin, executor, voice, addon or deployment
    status: str  # ok, warning or error
    subject: str
    message: str
    next_step: str | None = None


def subject_of(registration: Any) -> str:
    """Name a registration as findings do."""
    whose = f"{registration.distribution} {registration.version}"
    return f"{registration.name} of {whose}".rstrip()
