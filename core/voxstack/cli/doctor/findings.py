"""What the doctor says of each thing that it looked at."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, final

from attrs import frozen

OK, WARNING, ERROR = "ok", "warning", "error"
WORST_FIRST = (ERROR, WARNING, OK)


@final
@frozen
class Finding:
    """One thing that was looked at."""

    check: str  # environment, plugin, executor, voice, addon, deployment or deprecation
    status: str  # ok, warning or error
    subject: str
    message: str
    next_step: str | None = None


def subject_of(registration: Any) -> str:
    """Name a registration as findings do."""
    whose = f"{registration.distribution} {registration.version}"
    return f"{registration.name} of {whose}".rstrip()


def deprecations(uses: Iterable[Mapping[str, str]]) -> Iterator[Finding]:
    """Tell what was used that goes away in a version to come; the uses as ``apart`` has them."""
    for use in uses:
        step = f"{use['instead']}; in another's package: upgrade it, or tell its authors"
        yield Finding("deprecation", WARNING, use["place"], use["told"], step)
