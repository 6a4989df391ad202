"""Options and formatting that several commands of the kit share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click


def timeout_option(about: str) -> Callable[..., Any]:
    """Return the option --timeout, for plugins that are tried out in child processes."""
    return click.option(
        "--timeout",
        type=click.FloatRange(min=0, min_open=True),
        default=30.0,
        show_default=True,
        metavar="SECONDS",
        envvar="VOXSTACK_IMPORT_TIMEOUT",
        help=about,
    )


def size(count: int) -> str:
    """Return a number of bytes as text, "3.2 MB"."""
    for unit, factor in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= factor:
            return f"{count / factor:.1f} {unit}"
    return f"{count} B"
