"""The sentences on which no voice is trained."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files

SETS = {
    "easy": "plain sentences of common words",
    "hard": "sentences of a dictionary's examples",
    "nasty": "repetitions, lists, single letters, tongue twisters, very long ones",
}


def sentences(name: str, limit: int | None = None) -> Sequence[str]:
    """Return the sentences of a set, or the first of them."""
    text = files("voxstack_train").joinpath("data", f"{name}.txt").read_text("utf-8")
    return [line for line in text.splitlines() if line.strip()][:limit]
