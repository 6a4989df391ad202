"""Values of a configuration in messages: as JSON, as they were written, cut short."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

LONGEST = 60  # characters


def _date(value: Any) -> str:
    """Show what TOML knows beside JSON: dates and times, as they were written there."""
    if hasattr(value, "isoformat"):
        return str(value)
    raise TypeError


_JSON = json.JSONEncoder(ensure_ascii=False, default=_date)


def listed(names: Sequence[str]) -> str:
    """Give names as a sentence has them: 'a', 'b' and 'c'."""
    *first, last = map(repr, names)
    return f"{', '.join(first)} and {last}" if first else last


def shown(value: Any) -> str:
    """Show a value; what JSON cannot say is shown as Python does."""
    if isinstance(value, str):
        value = value[: LONGEST + 1]
    if hasattr(value, "isoformat"):
        return str(value)
    text = ""
    try:
        for part in _JSON.iterencode(value):
            text += part
            if len(text) > LONGEST:
                break
    except (TypeError, ValueError):
        text = repr(value)
    # A terminal would obey what does more than print.
    plain = "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in text[: LONGEST + 1])
    return plain if len(plain) <= LONGEST else plain[: LONGEST - 3] + "..."
