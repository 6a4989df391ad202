"""Spell out integers.

This is our own code because the library for it (inflect) takes more than a second to import,
which would delay the first number of a text.
"""

from __future__ import annotations

MOST_DIGITS = 15  # a longer number is read digit by digit
DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
TEENS = (
    "ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen",
    "eighteen", "nineteen",
)  # fmt: skip
TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
SCALES = ("", "thousand", "million", "billion", "trillion")
RANKS = {
    "one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth",
    "nine": "ninth", "twelve": "twelfth",
}  # fmt: skip


def cardinal(number: int) -> tuple[str, ...]:
    """Return ``number`` (0 to 10**15 - 1) as a count: 21 is twenty one."""
    if number == 0:
        return DIGITS[:1]
    words: tuple[str, ...] = ()
    for scale in SCALES:
        number, group = divmod(number, 1000)
        if group:
            words = (*_below_thousand(group), *((scale,) if scale else ()), *words)
    return words


def _below_thousand(number: int) -> tuple[str, ...]:
    hundreds, rest = divmod(number, 100)
    words = (DIGITS[hundreds], "hundred") if hundreds else ()
    if rest >= 20:
        words += (TENS[rest // 10 - 2],)
        rest %= 10
    elif rest >= 10:
        return (*words, TEENS[rest - 10])
    return (*words, DIGITS[rest]) if rest else words


def ordinal(number: int) -> tuple[str, ...]:
    """Return ``number`` as a rank: 21 is twenty first."""
    *before, last = cardinal(number)
    if last not in RANKS:
        last = f"{last[:-1]}ieth" if last.endswith("y") else f"{last}th"
    return (*before, RANKS.get(last, last))


def digits(text: str) -> tuple[str, ...]:
    """Read the digits of ``text`` one by one."""
    return tuple(DIGITS[int(character)] for character in text if "0" <= character <= "9")


def whole(text: str) -> tuple[str, ...]:
    """Read a string of digits as a count, or digit by digit if it is very long or begins with 0."""
    text = text.replace(",", "")
    if len(text) > MOST_DIGITS or (len(text) > 1 and text[0] == "0"):
        return digits(text)
    return cardinal(int(text))


def decimal(text: str) -> tuple[str, ...]:
    """Read a number that may have a decimal point: 3.14 is three point one four."""
    before, point, after = text.partition(".")
    words = whole(before) if before else ()
    return (*words, "point", *digits(after)) if point and after else words


def year(text: str) -> tuple[str, ...]:
    """Read four digits as a year: 1999 is nineteen ninety nine, 2007 two thousand seven."""
    century, rest = int(text[:2]), int(text[2:])
    if century % 10 == 0 and rest < 10:
        return cardinal(int(text))
    if rest == 0:
        return (*cardinal(century), "hundred")
    return (*cardinal(century), *(("oh",) if rest < 10 else ()), *cardinal(rest))


def plural(word: str) -> str:
    """Return the plural of a number word or a unit: sixty is sixties, inch is inches."""
    if word.endswith("y") and word[-2] not in "aeiou":
        return word[:-1] + "ies"
    return word + ("es" if word.endswith(("x", "ch", "s")) else "s")
