"""Build the data files of voxstack_english from a folder with flite's lexicon and trees.

Usage: python tools/build_lexicon.py SEED_FOLDER

SEED_FOLDER contains ``lex36k.txt.xz`` (word, tab, phones), ``lts.json`` (phone names, root node of
each letter, context width) and ``lts.bin`` (nodes of six bytes). The script writes
``lexicon.txt``, one entry per line, sorted by bytes for a binary search; ``lts.bin``, unchanged;
``lts.txt``, the phone names on its first line and the roots of a to z on its second.
"""

from __future__ import annotations

import json
import lzma
import shutil
import sys
from pathlib import Path

DATA = Path(__file__).parent.parent / "voxstack_english" / "data"
CONTEXT_WIDTH = 4  # what letter_to_sound in pronounce.py reads on either side


def read_lexicon(path: Path) -> dict[str, str]:
    """Read the entries; a vowel without a stress digit is an unstressed one."""
    entries = {}
    with lzma.open(path, "rt", encoding="ascii") as lines:
        for line in lines:
            word, phones = line.rstrip("\n").split("\t")
            entries[word] = " ".join(map(with_stress, phones.split()))
    return entries


def with_stress(phone: str) -> str:
    """Return ``phone`` with its stress digit, which two entries of the source lack."""
    bare_vowel = phone[0] in "aeiou" and phone[-1].isalpha()
    return f"{phone}0" if bare_vowel else phone


def write_lexicon(entries: dict[str, str], path: Path) -> None:
    """Write the entries sorted by the bytes of the word, with a newline before the first."""
    lines = [f"{word}\t{phones}\n" for word, phones in sorted(entries.items())]
    path.write_text("".join(lines), encoding="ascii", newline="\n")


def write_trees(seed: Path) -> None:
    """Copy the nodes, and write the phone names and roots as two lines."""
    trees = json.loads((seed / "lts.json").read_text(encoding="ascii"))
    if trees["cw"] != CONTEXT_WIDTH:
        raise SystemExit(f"lts.json has context width {trees['cw']}, expected {CONTEXT_WIDTH}")
    lines = f"{' '.join(trees['pt'])}\n{' '.join(map(str, trees['li']))}\n"
    (DATA / "lts.txt").write_text(lines, encoding="ascii", newline="\n")
    shutil.copyfile(seed / "lts.bin", DATA / "lts.bin")


def main(arguments: list[str]) -> None:
    """Build the three files."""
    if len(arguments) != 1:
        raise SystemExit(__doc__)
    seed = Path(arguments[0])
    DATA.mkdir(exist_ok=True)
    write_lexicon(read_lexicon(seed / "lex36k.txt.xz"), DATA / "lexicon.txt")
    write_trees(seed)


if __name__ == "__main__":
    main(sys.argv[1:])
