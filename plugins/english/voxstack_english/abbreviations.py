"""Abbreviations: their spoken forms, and whether their period can end a sentence."""

from __future__ import annotations

# A name or an explanation follows: their period never ends a sentence.
LEADING = {
    "dr": "doctor", "mr": "mister", "mrs": "missus", "ms": "miz", "mx": "mix", "prof": "professor",
    "st": "saint", "gen": "general", "sen": "senator", "rep": "representative", "rev": "reverend",
    "hon": "honorable", "capt": "captain", "lt": "lieutenant", "col": "colonel", "cpl": "corporal",
    "sgt": "sergeant", "cmdr": "commander", "messrs": "messers", "gov": "governor", "mt": "mount",
    "pres": "president", "e.g": "for example", "i.e": "that is", "eg": "for example",
    "ie": "that is", "vs": "versus", "cf": "compare", "viz": "namely", "approx": "approximately",
    "incl": "including",
}  # fmt: skip
# Abbreviations before a digit only; otherwise ordinary words that can end a sentence.
BEFORE_DIGIT = {
    "no": "number", "nos": "numbers", "fig": "figure", "figs": "figures", "eq": "equation",
    "sec": "section", "ch": "chapter", "vol": "volume", "pp": "pages", "p": "page",
    "art": "article",
}  # fmt: skip
# Their period may end a sentence, depending on what follows.
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
# Words that begin a sentence, and are rarely part of a name.
STARTERS = frozenset(
    "the a an he she it they we you i this that these those there here his her its their our my"
    " your in on at but and or so if as when while what who why how where then yet not no"
    " for".split()
)

UNITS = frozenset("ft lb lbs oz yd hr hrs mins sq".split())  # spoken with their number
MAY_END = frozenset({*EITHER, *MONTHS, *DAYS, *UNITS})
SPOKEN = {**MONTHS, **DAYS, **EITHER, **LEADING}


def spoken_form(word: str, following: str) -> str | None:
    """Return the words for ``word`` (lowercase, without its last period), or None.

    ``following`` is the text after the period.
    """
    ahead = following.lstrip()[:1]
    if word in BEFORE_DIGIT:
        return BEFORE_DIGIT[word] if ahead.isdecimal() else None
    if word == "st" and not ahead.isupper():
        return "street"
    if word == "dr" and not ahead.isalpha():
        return "drive"
    return SPOKEN.get(word)
