"""Text of a stranger, shown on a terminal: what would steer the terminal is spelled out."""

from __future__ import annotations

from typing import Any

import click


def printable(value: Any) -> str:
    """Spell out control characters, and those that turn the direction of text around."""
    text = str(value)
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in "\n\t" else f"\\x{ord(c):02x}" for c in text)


def echo(value: Any) -> None:
    """Print a line."""
    click.echo(printable(value))


def size(count: int) -> str:
    """Write a number of bytes for people."""
    for unit, factor in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= factor:
            return f"{count / factor:.1f} {unit}"
    return f"{count} B"
