"""Pronounce words: exceptions, flite's lexicon, apostrophe rules, letter-to-sound trees.

The lexicon is a sorted text file that is searched in place: opening it parses nothing. It omits
the words that the trees pronounce correctly, so there are no rules for suffixes: for regular
forms the trees are better than rules.
"""

from __future__ import annotations

import mmap
import struct
from functools import cache, lru_cache
from pathlib import Path
from typing import final

DATA = Path(__file__).parent / "data"
WIDTH = 4  # letters of context on either side that a tree can test
LEAF = 255

LETTERS: dict[str, str] = dict(
    line.split(":")
    for line in """A:ey1;B:b iy1;C:s iy1;D:d iy1;E:iy1;F:eh1 f;G:jh iy1;H:ey1 ch;I:ay1;J:jh ey1
K:k ey1;L:eh1 l;M:eh1 m;N:eh1 n;O:ow1;P:p iy1;Q:k y uw1;R:aa1 r;S:eh1 s;T:t iy1;U:y uw1;V:v iy1
W:d ah1 b ax0 l y uw0;X:eh1 k s;Y:w ay1;Z:z iy1""".replace("\n", ";").split(";")
)
EXCEPTIONS = {
    "the": "dh ax0",
    "the+vowel": "dh iy0",
    "to": "t ax0",
    "does": "d ah1 z",
    "don't": "d ow1 n t",
    "didn't": "d ih1 d n t",
    "github": "g ih1 t hh ah0 b",
    "json": "jh ey1 s ax0 n",
    "readme": "r iy1 d m iy1",
    "pytorch": "p ay1 t ao1 r ch",
    "numpy": "n ah1 m p ay0",
    "onnx": "aa1 n ih0 k s",
    "regex": "r eh1 jh eh0 k s",
    "ascii": "ae1 s k iy0",
    "jpeg": "jh ey1 p eh0 g",
    "mpeg": "eh1 m p eh0 g",
    "wifi": "w ay1 f ay0",
    "emoji": "ih0 m ow1 jh iy0",
    "reading": "r iy1 d ih0 ng",
    "use+verb": "y uw1 z",
    "record+verb": "r ax0 k ao1 r d",
    "object+verb": "ax0 b jh eh1 k t",
    "present+verb": "p r ih0 z eh1 n t",
    "lead+verb": "l iy1 d",
    "live+verb": "l ih1 v",
    "read+verb": "r iy1 d",
    "project+verb": "p r ax0 jh eh1 k t",
    "produce+verb": "p r ax0 d uw1 s",
    "conduct+verb": "k ax0 n d ah1 k t",
    "contrast+verb": "k ax0 n t r ae1 s t",
}
CONTRACTIONS = {"ll": "l", "ve": "v", "re": "r", "d": "d", "m": "m"}
SIBILANTS = frozenset({"s", "z", "sh", "zh", "ch", "jh"})
VOICELESS = frozenset({"p", "t", "k", "f", "th"})

Phones = tuple[str, ...]


@final
class Lexicon:
    """A sorted file of ``word TAB phones`` lines, looked up by binary search."""

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            self.lines = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)

    def get(self, word: str) -> Phones | None:
        """Return the phones of ``word``, or None."""
        key = word.encode("utf-8", "replace") + b"\t"
        low, high = 0, len(self.lines)
        while low < high:
            start = self.lines.rfind(b"\n", low, (low + high) // 2) + 1 or low
            end = self.lines.find(b"\n", start)
            line = self.lines[start:end]
            if line.startswith(key):
                return tuple(line[len(key) :].decode("ascii").split())
            if line < key:
                low = end + 1
            else:
                high = start
        return None


@final
class Trees:
    """One decision tree per letter, which tests its neighbors and returns phones."""

    def __init__(self, nodes: Path, names: Path) -> None:
        self.nodes = nodes.read_bytes()
        phones, roots = names.read_text(encoding="ascii").splitlines()
        self.phones: list[Phones] = [
            () if p == "epsilon" else tuple(p.split("-")) for p in phones.split()
        ]
        self.roots = [int(root) for root in roots.split()]

    def phones_of(self, word: str) -> Phones:
        """Return the phones of ``word``; characters other than a to z have none."""
        padded = f"000#{word}#000"
        phones: list[str] = []
        for position, letter in enumerate(word, WIDTH):
            if "a" <= letter <= "z":
                left = padded[position - WIDTH : position]
                right = padded[position + 1 : position + 1 + WIDTH]
                phones += self._leaf(ord(letter) - ord("a"), left + right)
        return tuple(phones)

    def _leaf(self, letter: int, context: str) -> Phones:
        node = self.roots[letter]
        while True:
            feature, value, yes, no = struct.unpack_from("<BBHH", self.nodes, node * 6)
            if feature == LEAF:
                phones: Phones = self.phones[value]
                return phones
            node = yes if ord(context[feature]) == value else no


@cache
def lexicon() -> Lexicon:
    """Return the lexicon, opened on first use."""
    return Lexicon(DATA / "lexicon.txt")


@cache
def trees() -> Trees:
    """Return the letter-to-sound trees, read on first use."""
    return Trees(DATA / "lts.bin", DATA / "lts.txt")


def known(word: str) -> bool:
    """Return whether the lexicon or the exceptions contain the lowercase ``word``."""
    return word in EXCEPTIONS or lexicon().get(word) is not None


@lru_cache(maxsize=8192)
def pronounce(word: str) -> Phones:
    """Return the phones of ``word``, at least one, with stress digits on vowels.

    A lowercase word is looked up; a capital, alone or before an apostrophe, is the name of that
    letter. A word that would be silent is spelled.
    """
    return _spoken(word) or _spelled(word)


def _spoken(word: str) -> Phones:
    if word in LETTERS or word in EXCEPTIONS:
        return tuple((LETTERS.get(word) or EXCEPTIONS[word]).split())
    found = lexicon().get(word)
    if found is not None:
        return found
    if "'" in word:
        return _with_apostrophe(*word.split("'", 1))
    return trees().phones_of(word)


def _with_apostrophe(base: str, suffix: str) -> Phones:
    """Pronounce ``base'suffix``: contractions, possessives, otherwise the two parts."""
    phones = pronounce(base) if base else ()
    if suffix == "t":
        return phones + (("t",) if base.endswith("n") else ("ax0", "n", "t"))
    if suffix == "s":
        return phones + plural_of(phones)
    if suffix in CONTRACTIONS:
        return (*phones, CONTRACTIONS[suffix])
    return phones + trees().phones_of(suffix)


def plural_of(phones: Phones) -> Phones:
    """Return the sound of a plural or possessive s after ``phones``."""
    last = phones[-1].rstrip("012") if phones else ""
    if last in SIBILANTS:
        return ("ax0", "z")
    return ("s",) if last in VOICELESS else ("z",)


def _spelled(word: str) -> Phones:
    phones = [phone for letter in word.upper() for phone in LETTERS.get(letter, "").split()]
    return tuple(phones) or tuple(LETTERS["X"].split())
