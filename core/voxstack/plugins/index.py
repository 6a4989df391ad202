"""Where to get what is not installed: the index file beside this module.

Nothing is resolved by it. It completes messages about names that no installed package provides.
"""

from __future__ import annotations

from functools import cache
from typing import final

from attrs import frozen


@final
@frozen
class Entry:
    """One line of the index: a name, and the distribution that provides it."""

    namespace: str  # "command", "executor", ...
    name: str
    distribution: str
    how: str  # what to do, "pip install ..."


@cache
def read_index() -> tuple[Entry, ...]:
    """Return the entries of ``index.txt``, in its order; lines that begin with # are comments."""
    from importlib import resources  # an error's path only

    text = resources.files(__package__).joinpath("index.txt").read_text("utf-8")
    lines = (line.split(maxsplit=3) for line in text.splitlines())
    return tuple(Entry(*words) for words in lines if len(words) == 4 and words[0][0] != "#")


def where_to_get(name: str, namespace: str) -> str | None:
    """Return the next step for a name that is not installed; None for an unknown one.

    In the namespace "distribution" it is how to get that distribution, whatever it provides.
    """
    if namespace == "distribution":
        return next((e.how for e in read_index() if e.distribution == name), None)
    found = [e for e in read_index() if (e.namespace, e.name) == (namespace, name)]
    return " or ".join(f"{e.distribution} provides it: {e.how}" for e in found) or None


def install_one(namespace: str) -> str:
    """Return the next step where nothing of a namespace is installed."""
    entry = next(e for e in read_index() if e.namespace == namespace)
    return f"install one, for example {entry.distribution}: {entry.how}"
