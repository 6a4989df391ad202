"""Replace characters with the few that the rules know, keeping their places in the source.

Compatibility forms are decomposed, accents dropped, quotes and dashes simplified. A character
without a counterpart is kept (a letter of another script) or becomes a space.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import final

from attrs import frozen

# Ligatures and letters without a decomposition, and punctuation with a plain form.
PLAIN = {
    "ß": "ss", "ẞ": "SS", "æ": "ae", "Æ": "Ae", "ø": "o", "Ø": "O", "œ": "oe", "Œ": "Oe",
    "ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "ð": "th", "Ð": "Th", "þ": "th", "Þ": "Th",
    "ı": "i", "ħ": "h", "Ħ": "H", "ŋ": "ng", "Ŋ": "NG", "ə": "e", "Ə": "E",
    "‘": "'", "’": "'", "‛": "'", "ʼ": "'", "′": "'", "＇": "'", "`": "`",
    "“": '"', "”": '"', "„": '"', "‟": '"', "″": '"', "«": '"', "»": '"', "‹": '"', "›": '"',
    "‐": "-", "‑": "-", "−": "-", "―": "—", "…": "...",
    "。": ".", "、": ",", "，": ",", "؟": "?", "،": ",", "¿": " ", "¡": " ",
    "²": " squared ", "³": " cubed ", "№": "No.", "™": "", "®": "", "•": " ", "·": " ",
    "µ": "μ", "¼": " 1/4", "½": " 1/2", "¾": " 3/4", "⅓": " 1/3", "⅔": " 2/3", "⅛": " 1/8",
    "⁄": "/", "Ω": "Ω", "℃": "°C", "℉": "°F",
}  # fmt: skip
SPOKEN_SYMBOLS = frozenset("°×÷±§©√∞≈≤≥≠→←⇒€£¥¢–—μΩ")
INVISIBLE = frozenset({"Mn", "Me", "Cf", "Sk"})


@final
@frozen
class Cleaned:
    """Text in plain characters that records the source of each."""

    text: str
    raw: str
    places: list[int] | None  # index in ``raw`` of each character; None: the same

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Return the place in ``raw`` of ``text[start:end]``, with the accents that follow."""
        if self.places is None:
            return start, end
        first, last = self.places[start], self.places[end - 1] + 1
        while last < len(self.raw) and unicodedata.category(self.raw[last]) in INVISIBLE:
            last += 1
        return first, last


def clean(raw: str) -> Cleaned:
    """Return ``raw`` in plain characters."""
    if raw.isascii() and raw.replace("\n", "").isprintable():
        return Cleaned(raw, raw, None)
    characters: list[str] = []
    places: list[int] = []
    for place, character in enumerate(raw):
        plain = plain_form(character)
        characters.append(plain)
        places += [place] * len(plain)
    return Cleaned("".join(characters), raw, places)


@lru_cache(maxsize=4096)
def plain_form(character: str) -> str:
    """Return the plain form of a character; empty for an accent or an invisible character."""
    if character.isascii():
        return character if character.isprintable() or character == "\n" else " "
    if character in PLAIN:
        return PLAIN[character]
    if character in SPOKEN_SYMBOLS:
        return character
    if unicodedata.category(character) in INVISIBLE:
        return ""
    unfolded = unicodedata.normalize("NFKD", character)
    if unfolded != character:
        return "".join(_plain_mark(mark) for mark in unfolded)
    return character if character.isalpha() else _digit(character)


def _plain_mark(character: str) -> str:
    """Return the plain form of a character that does not decompose further."""
    if character.isascii():
        return character if character.isprintable() else " "
    if unicodedata.category(character) in INVISIBLE:
        return ""
    if character in PLAIN:
        return PLAIN[character]
    return character if character.isalpha() or character in SPOKEN_SYMBOLS else _digit(character)


def _digit(character: str) -> str:
    """Return the ASCII form of a digit of another script, and a space for any other symbol."""
    value = unicodedata.decimal(character, None)
    return " " if value is None else str(value)


def script_of(letter: str) -> str:
    """Return the name of a letter's script as readers know it: Cyrillic, Greek, Chinese."""
    name = unicodedata.name(letter, "").split(" ")[0].rstrip("0123456789-")
    return "Chinese" if name == "CJK" else name.title() or "an unknown script"
