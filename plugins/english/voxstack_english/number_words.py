"""Integers to words, by inflect, which is imported when the first number is spoken."""

from __future__ import annotations

import threading
from functools import cache, lru_cache
from typing import Any

MOST_DIGITS = 15  # a longer number is read digit by digit
DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_lock = threading.Lock()  # inflect's engine keeps its state while it counts


@cache
def _engine() -> Any:
    import inflect

    return inflect.engine()


@lru_cache(maxsize=4096)
def cardinal(number: int) -> tuple[str, ...]:
    """Give ``number`` as a count: 21 is twenty one."""
    if number < 10:
        return (DIGITS[number],)
    with _lock:
        words = _engine().number_to_words(number, andword="")
    return tuple(words.replace(",", " ").replace("-", " ").split())


@lru_cache(maxsize=1024)
def ordinal(number: int) -> tuple[str, ...]:
    """Give ``number`` as a rank: 21 is twenty first."""
    *first, last = cardinal(number)
    with _lock:
        return (*first, _engine().ordinal(last))


def digits(text: str) -> tuple[str, ...]:
    """Read the digits of ``text`` one by one."""
    return tuple(DIGITS[int(character)] for character in text if "0" <= character <= "9")


def whole(text: str) -> tuple[str, ...]:
    """Read a string of digits as a count, or digit by digit where that is how it is said."""
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
    """Give the plural of a number word or a unit: sixty is sixties, inch is inches."""
    if word.endswith("y") and word[-2] not in "aeiou":
        return word[:-1] + "ies"
    return word + ("es" if word.endswith(("x", "ch", "s")) else "s")
