"""Turn a written sentence into spoken words, each with its place.

The text is read from left to right: plain words, abbreviations, forms with digits, links and
identifiers, signs. Every token with a letter or a digit yields a word, or is listed as skipped.
"""

from __future__ import annotations

import re
import unicodedata
from typing import final

from attrs import field, frozen

from voxstack_english.abbreviations import spoken_form
from voxstack_english.characters import Cleaned, clean
from voxstack_english.markup import blank_markup
from voxstack_english.words import roman, spoken_chunk, spoken_word

PAUSE = ","
COMPOUND = re.compile(r"[A-Za-z]+(?:'[A-Za-z]+)*(?:-[A-Za-z]+(?:'[A-Za-z]+)*)*")
APOSTROPHE_WORD = re.compile(r"'(?:tis|twas|em|cause|til|s|ll|ve|re|d|m|t)(?![A-Za-z])", re.I)
DOTTED = re.compile(r"(?:[A-Za-z]\.){2,}(?![A-Za-z])|[Pp]h\.[Dd]\.")
LINK = re.compile(r"(?:[A-Za-z][A-Za-z+]*://|www\.)[^\s<>\"'|\\^`{}\[\]()]+")
CHUNK = re.compile(r"[^\s,;!?\"(){}\[\]|<>—–]+")
FOREIGN = re.compile(r"(?:(?![A-Za-z])[^\W\d_])+")
MONTH_AHEAD = re.compile(
    r"(?:J(?:an|un|ul|AN|UN|UL)|F(?:eb|EB)|M(?:ar|ay|AR|AY)|A(?:pr|ug|PR|UG)|S(?:ep|EP)|O(?:ct|CT)"
    r"|N(?:ov|OV)|D(?:ec|EC))[A-Za-z]{0,6}\.?\s+\d"
)
NUMERAL_AHEAD = re.compile(
    r"[-+~#±≈≤≥]?(?:US|CA|AU)?[$€£¥]?\s?\.?\d|[vV]\d|\(\d{3}\)\s?\d|'\d\ds\b"
)
RANGE_AHEAD = re.compile(r"[-–](?=[$€£]?\d)")
INITIAL = re.compile(r"[A-Z]\.(?=\s+[A-Z])")
SIGNS = {
    "&": "and", "+": "plus", "=": "equals", "%": "percent", "@": "at", "°": "degrees",
    "×": "times", "÷": "divided by", "±": "plus or minus", "§": "section", "©": "copyright",
    "√": "square root of", "∞": "infinity", "≈": "about", "≤": "at most", "≥": "at least",
    "≠": "not equal to", "$": "dollar", "€": "euro", "£": "pound", "¥": "yen", "¢": "cent",
    "Ω": "ohm",
}  # fmt: skip
LONG_SIGNS = {
    "<=": "at most", ">=": "at least", "===": "equals", "==": "equals", "!=": "not equal to",
    "&&": "and",
}  # fmt: skip
MATHS = {"-": "minus", "*": "times", "/": "over", "<": "less than", ">": "greater than"}
BREAKS = frozenset(",;:!?.—–()[]{}|→←⇒")
JOINERS = "-/.:_@=+&*\\#%$~^"  # between letters or digits they continue a token


@final
@frozen
class Token:
    """A written token with the words that are spoken for it; a pause has no text."""

    text: str
    start: int  # place in the whole input
    words: tuple[str, ...]  # "," is a pause


@final
@frozen
class Normalized:
    """The tokens of a sentence, and the words that it skips."""

    tokens: list[Token] = field(factory=list)
    skipped: list[str] = field(factory=list)


def normalize(text: str, start: int = 0) -> Normalized:
    """Return the tokens of ``text``, which begins at ``start`` of the whole input."""
    cleaned = clean(text)
    reader = _Reader(cleaned, start)
    reader.read()
    return reader.result


@final
class _Reader:
    """Walks over a sentence; each method reads one kind of token at the current position."""

    def __init__(self, cleaned: Cleaned, start: int) -> None:
        self.cleaned = cleaned
        self.start = start
        self.text = blank_markup(cleaned.text)
        self.at = 0
        self.result = Normalized()
        self.shouted = len(self.text) > 6 and self.text.isupper() and " " in self.text.strip()

    def read(self) -> None:
        """Read the whole sentence."""
        size = len(self.text)
        while self.at < size:
            character = self.text[self.at]
            if character.isspace():
                self.at += 1
            elif character.isascii() and character.isalpha():
                self._numeral() or self._abbreviation() or self._link() or self._word()
            elif character.isalpha() and character != "Ω":
                self._foreign()
            else:
                self._numeral() or self._sign()

    def _add(self, end: int, words: tuple[str, ...]) -> bool:
        """Add the text up to ``end`` as a token, or skip it if it has no words."""
        if words:
            first, last = self.cleaned.span(self.at, end)
            token = Token(self.cleaned.raw[first:last], self.start + first, words)
            self.result.tokens.append(token)
        self.at = end
        return True

    def _pause(self, end: int) -> bool:
        self.result.tokens.append(Token("", self.start, (PAUSE,)))
        self.at = end
        return True

    def _rest(self, at: int) -> tuple[int, tuple[str, ...]]:
        """Read what continues a token at ``at`` without a space; return its end and its words."""
        following = self.text[at : at + 2]
        if not following or not (
            (following[0].isascii() and following[0].isalnum())
            or (following[0] in JOINERS and following[1:].isalnum() and following[1:].isascii())
        ):
            return at, ()
        chunk = CHUNK.match(self.text, at)
        body = chunk[0].rstrip(".:'") if chunk else ""
        return at + len(body), spoken_chunk(body)

    def _numeral(self) -> bool:
        """Read a token that begins with digits, or a month before one."""
        if not (NUMERAL_AHEAD.match(self.text, self.at) or MONTH_AHEAD.match(self.text, self.at)):
            return False
        from voxstack_english.numerals import read_numeral

        found = read_numeral(self.text, self.at)
        if found is None:
            return False
        end, words = found
        while RANGE_AHEAD.match(self.text, end) and (found := read_numeral(self.text, end + 1)):
            end, words = found[0], (*words, "to", *found[1])
        end, more = self._rest(end)
        return self._add(end, (*words, *more))

    def _abbreviation(self) -> bool:
        """Read an abbreviation with its full stop, or dotted initials."""
        dotted = DOTTED.match(self.text, self.at)
        if dotted is not None:
            letters = dotted[0].rstrip(".").lower()
            spoken = spoken_form(letters, "") or " ".join(letters.replace(".", "").upper())
            return self._add(dotted.end(), tuple(spoken.split()))
        initial = INITIAL.match(self.text, self.at)
        if initial is not None and initial[0][0] != "I":
            return self._add(initial.end(), (initial[0][0],))
        word = COMPOUND.match(self.text, self.at)
        if word is None or self.text[word.end() : word.end() + 1] != ".":
            return False
        after = self.text[word.end() + 1 :]
        if after[:1].isalnum():
            return False
        lower = word[0].lower()
        form = spoken_form(lower, after)
        if form is None or (lower in {"max", "min", "al", "co"} and not word[0][0].isupper()):
            return False
        return self._add(word.end() + 1, tuple(form.split()))

    def _link(self) -> bool:
        """Read an address: its scheme is dropped, its dots and slashes are spoken."""
        link = LINK.match(self.text, self.at)
        if link is None:
            return False
        body = link[0].rstrip(".,;:!?*_")
        return self._add(self.at + len(body), spoken_chunk(body))

    def _word(self) -> bool:
        """Read a plain word, a compound, or an identifier that begins with a letter."""
        match = COMPOUND.match(self.text, self.at)
        assert match is not None
        end = match.end()
        if self._continues(end):
            chunk = CHUNK.match(self.text, self.at)
            assert chunk is not None
            body = chunk[0].rstrip(".:'*~^\\")
            return self._add(max(end, self.at + len(body)), spoken_chunk(body))
        numeral = roman(match[0], self._previous()) if match[0].isupper() else None
        return self._add(end, numeral or self._parts(match[0], end))

    def _parts(self, compound: str, end: int) -> tuple[str, ...]:
        """Return the spoken words of a plain word or a compound that ends at ``end``."""
        if compound == "A" and self._names_a_letter(end):
            return ("A",)
        if "-" not in compound:
            return spoken_word(compound, self.shouted)
        parts = (spoken_word(part, self.shouted) for part in compound.split("-"))
        return tuple(word for part in parts for word in part)

    def _names_a_letter(self, end: int) -> bool:
        """Return whether a capital A is the letter, as in "plan A", and not the article."""
        after = self.text[end:].lstrip()[:1]
        return bool(self.result.tokens) and not after.isalnum() and not self.shouted

    def _previous(self) -> str:
        return self.result.tokens[-1].text if self.result.tokens else ""

    def _continues(self, end: int) -> bool:
        """Return whether the word that ends at ``end`` continues with digits or signs."""
        following = self.text[end : end + 2]
        if not following or not following[0].isascii():
            return False
        if following[0].isalnum() or following in {"++", "w/"}:
            return True
        if following[0] == "#" and self.text[self.at : end] in {"C", "F"}:
            return True
        if following[0] == "/" and self.text[self.at : end].lower() == "w":
            return True
        following_is_text = following[1:].isalnum() and following[1:].isascii()
        return following[0] in JOINERS and following[0] != ":" and following_is_text

    def _foreign(self) -> None:
        """Read a Greek letter by its name; skip a word of another script."""
        match = FOREIGN.match(self.text, self.at)
        end = match.end() if match else self.at + 1
        name = unicodedata.name(self.text[self.at], "")
        if end - self.at == 1 and name.startswith("GREEK") and "LETTER" in name:
            self._add(end, (name.split("LETTER ")[1].split(" ")[0].lower(),))
            return
        self.result.skipped.append(self.text[self.at : end])
        self.at = end

    def _sign(self) -> bool:
        """Read a sign: a pause, a word, the head of a path, or nothing."""
        character = self.text[self.at]
        following = self.text[self.at + 1 : self.at + 2]
        apostrophe = APOSTROPHE_WORD.match(self.text, self.at)
        if apostrophe is not None:
            return self._add(apostrophe.end(), (apostrophe[0].lower(),))
        if character == "." and self.text[self.at - 1 : self.at] == ".":
            return self._pause(self.at + 1)
        if character in "./\\~@$" and following.isalnum() and following.isascii():
            return self._chunk()
        if character in "-=" and self.text.startswith(("->", "=>", "--", "- "), self.at):
            return self._dash()
        for sign, words in LONG_SIGNS.items():
            if self.text.startswith(sign, self.at):
                return self._add(self.at + len(sign), tuple(words.split()))
        if character in MATHS and self._between_numbers():
            return self._add(self.at + 1, tuple(MATHS[character].split()))
        if character in BREAKS:
            return self._pause(self.at + 1)
        return self._add(self.at + 1, tuple(SIGNS.get(character, "").split()))

    def _chunk(self) -> bool:
        """Read a path, an option or a name that begins with a sign."""
        chunk = CHUNK.match(self.text, self.at)
        body = chunk[0].rstrip(".:'*~^") if chunk else ""
        return self._add(self.at + max(1, len(body)), spoken_chunk(body))

    def _dash(self) -> bool:
        """Read a dash between spaces as a pause or a minus; before an option it is silent."""
        if self._between_numbers():
            return self._add(self.at + 1, (MATHS["-"],))
        end = self.at
        while self.text[end : end + 1] == "-":
            end += 1
        glued = self.at > 0 and not self.text[self.at - 1].isspace()
        if end > self.at and self.text[end : end + 1].isalnum() and not glued:
            return self._add(end, ())
        return self._pause(max(end, self.at + 1))

    def _between_numbers(self) -> bool:
        before, after = self.text[: self.at].rstrip()[-1:], self.text[self.at + 1 :].lstrip()[:1]
        return (before.isdecimal() or before == ")") and (after.isdecimal() or after == "(")
