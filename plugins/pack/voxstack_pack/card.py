"""Fill figures into the card of an addon that is already written."""

from __future__ import annotations

import json
from pathlib import Path

from voxstack_pack.addons import MANIFEST, file_entry, pretty, write_text
from voxstack_pack.errors import ExportError

EVALUATION = "<!-- evaluation -->"  # the place of the table in a card


def fill_card(folder: Path, table: str) -> None:
    """Write a table of figures into an addon's card, and the card's new hash into the manifest."""
    manifest = json.loads((folder / MANIFEST).read_text("utf-8"))
    card = folder / manifest["card"]
    before, mark, after = card.read_text("utf-8").partition(EVALUATION)
    if not mark:
        raise ExportError(f"{card}: no line {EVALUATION!r}; add one where the figures belong")
    # The previous table ends at the next heading.
    rest = after[after.find("\n## ") :] if "\n## " in after else "\n"
    text = f"{before}{EVALUATION}\n\n{table.strip()}\n{rest}"
    manifest["files"][manifest["card"]] = file_entry(text.encode("utf-8"))
    write_text(card, text)
    write_text(folder / MANIFEST, pretty(manifest) + "\n")
