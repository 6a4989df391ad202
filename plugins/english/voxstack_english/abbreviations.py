"""Abbreviations: how each is said, and whether its full stop can end a sentence."""

from __future__ import annotations

# Followed by what they abbreviate: their full stop never ends a sentence.
LEADING = {
    "dr": "doctor", "mr": "mister", "mrs": "missus", "ms": "miz", "mx": "mix", "prof": "professor",
    "st": "saint", "gen": "general", "sen": "senator", "rep": "representative", "rev": "reverend",
    "hon": "honorable", "capt": "captain", "lt": "lieutenant", "col": "colonel", "cpl": "corporal",
    "sgt": "sergeant", "cmdr": "commander", "messrs": "messers", "gov": "governor", "mt": "mount",
    "pres": "president", "e.g": "for example", "i.e": "that is", "eg": "for example",
    "ie": "that is", "vs": "versus", "cf": "compare", "viz": "namely", "approx": "approximately",
    "incl": "including",
}  # fmt: skip
# Before a digit only; else an ordinary word that ends its sentence.
BEFORE_DIGIT = {
    "no": "number", "nos": "numbers", "fig": "figure", "figs": "figures", "eq": "equation",
    "sec": "section", "ch": "chapter", "vol": "volume", "pp": "pages", "p": "page",
    "art": "article",
}  # fmt: skip
# Their full stop may end a sentence: what follows tells.
EITHER = {
    "etc": "et cetera", "inc": "incorporated", "ltd": "limited", "corp": "corporation",
    "co": "company", "jr": "junior", "sr": "senior", "bros": "brothers", "dept": "department",
    "univ": "university", "est": "established", "ave": "avenue", "blvd": "boulevard",
    "rd": "road", "tel": "telephone", "ext": "extension", "max": "maximum", "min": "minimum",
    "avg": "average", "al": "al", "esq": "esquire", "ph.d": "P H D",
}  # fmt: skip
MONTHS = {
    "jan": "january", "feb": "february", "mar": "march", "apr": "april", "jun": "june",
    "jul": "july", "aug": "august", "sep": "september", "sept": "september", "oct": "october",
    "nov": "november", "dec": "december",
}  # fmt: skip
DAYS = {
    "mon": "monday", "tue": "tuesday", "tues": "tuesday", "wed": "wednesday", "thu": "thursday",
    "thur": "thursday", "thurs": "thursday", "fri": "friday",
}  # fmt: skip
# Words that open a sentence, and seldom go on with a name.
STARTERS = frozenset(
    "the a an he she it they we you i this that these those there here his her its their our my"
    " your in on at but and or so if as when while what who why how where then yet not no"
    " for".split()
)

UNITS = frozenset("ft lb lbs oz yd hr hrs mins sq".split())  # spoken with their number
MAY_END = frozenset({*EITHER, *MONTHS, *DAYS, *UNITS})
SPOKEN = {**MONTHS, **DAYS, **EITHER, **LEADING}


def spoken_form(word: str, following: str) -> str | None:
    """Give the words for ``word`` (lowercase, without its last full stop), or None.

    ``following`` is the text after the full stop.
    """
    ahead = following.lstrip()[:1]
    if word in BEFORE_DIGIT:
        return BEFORE_DIGIT[word] if ahead.isdecimal() else None
    if word == "st" and not ahead.isupper():
        return "street"
    if word == "dr" and not ahead.isalpha():
        return "drive"
    return SPOKEN.get(word)
