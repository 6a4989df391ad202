"""The sentences that no voice was trained on."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files

SETS = {
    "easy": "plain sentences of common words",
    "hard": "sentences of a dictionary's examples",
    "nasty": "repetitions, lists, single letters, tongue twisters, very long ones",
}


def sentences(name: str, limit: int | None = None) -> Sequence[str]:
    """Give the sentences of a set, or the first ones of it."""
    text = files("voxstack_train").joinpath("data", f"{name}.txt").read_text("utf-8")
    return [line for line in text.splitlines() if line.strip()][:limit]
