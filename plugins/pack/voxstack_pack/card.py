"""The card of an addon: figures that are put into it later."""

from __future__ import annotations

import json
from pathlib import Path

from voxstack_pack.addons import MANIFEST, file_entry, pretty, write_text
from voxstack_pack.errors import ExportError

EVALUATION = "<!-- evaluation -->"  # where a card's table goes


def fill_card(folder: Path, table: str) -> None:
    """Put a table of figures into an addon's card, and the card's new hash into the manifest."""
    manifest = json.loads((folder / MANIFEST).read_text("utf-8"))
    card = folder / manifest["card"]
    before, mark, after = card.read_text("utf-8").partition(EVALUATION)
    if not mark:
        raise ExportError(f"{card}: has no line {EVALUATION}, where its figures go")
    # What stood there before ends at the next heading.
    rest = after[after.find("\n## ") :] if "\n## " in after else "\n"
    text = f"{before}{EVALUATION}\n\n{table.strip()}\n{rest}"
    manifest["files"][manifest["card"]] = file_entry(text.encode("utf-8"))
    write_text(card, text)
    write_text(folder / MANIFEST, pretty(manifest) + "\n")
