"""Where to get what is not installed: a data file that is open to third parties."""

from __future__ import annotations

from importlib.resources import files


def where_to_get(name: str, namespace: str) -> str | None:
    """Return the next step for a name that is not installed; None if the index lacks it.

    ``index.txt`` has one line per name: namespace, name, distribution and how to install it,
    separated by tabs. Nothing is resolved or trusted by it.
    """
    for row in _rows():
        if row[:2] == [namespace, name]:
            return f"{row[2]} provides it: {row[3]}"
    return None


def examples(namespace: str) -> str:
    """Return how to install the first component of a namespace that the index lists."""
    return next((f"for example {r[1]}: {r[3]}" for r in _rows() if r[0] == namespace), "")


def _rows() -> list[list[str]]:
    text = (files("voxstack.plugins") / "index.txt").read_text("utf-8")
    return [line.split("\t") for line in text.splitlines() if line and line[0] != "#"]
