"""Read what is written with digits: dates, times, money, units, versions and similar forms.

``READERS`` are tried in order at each position where such a form may start; the first match
determines how many characters it takes and its words. A "," among the words is a short pause.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache

from voxstack_english.abbreviations import MONTHS
from voxstack_english.number_words import cardinal, decimal, digits, ordinal, plural, whole, year

Words = tuple[str, ...]
Match = re.Match[str]

MONTH_NAMES = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september",
    "october", "november", "december",
)  # fmt: skip
MONTH = (
    r"(?:January|February|March|April|May|June|July|August|September|October|November|December"
    r"|JANUARY|FEBRUARY|MARCH|APRIL|MAY|JUNE|JULY|AUGUST|SEPTEMBER|OCTOBER|NOVEMBER|DECEMBER"
    r"|(?:Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)\b\.?)"
)
NUMBER = r"(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?|(?<!\.)\.\d+"
SCALE = r"(?:thousand|million|billion|trillion|hundred)"
SCALES = {"k": "thousand", "m": "million", "bn": "billion", "b": "billion", "t": "trillion"}
END = r"(?![A-Za-z0-9])"
CURRENCIES = {
    "$": ("dollar", "cent"), "€": ("euro", "cent"), "£": ("pound", "penny"), "¥": ("yen", ""),
    "¢": ("cent", ""), "USD": ("dollar", "cent"), "EUR": ("euro", "cent"),
    "GBP": ("pound", "penny"),
}  # fmt: skip
UNCHANGED = frozenset("yen percent times hertz kilohertz megahertz gigahertz".split())
UNITS = {
    "%": "percent", "km": "kilometer", "cm": "centimeter", "mm": "millimeter", "nm": "nanometer",
    "μm": "micrometer", "m": "meter", "mi": "mile", "ft": "foot", "yd": "yard", "kg": "kilogram",
    "g": "gram", "mg": "milligram", "μg": "microgram", "lb": "pound", "lbs": "pound",
    "oz": "ounce", "l": "liter", "L": "liter", "ml": "milliliter", "mL": "milliliter",
    "Hz": "hertz", "kHz": "kilohertz", "MHz": "megahertz", "GHz": "gigahertz", "s": "second",
    "sec": "second", "ms": "millisecond", "μs": "microsecond", "us": "microsecond",
    "ns": "nanosecond", "min": "minute", "mins": "minute", "h": "hour", "hr": "hour",
    "hrs": "hour", "B": "byte", "kB": "kilobyte", "KB": "kilobyte", "MB": "megabyte",
    "GB": "gigabyte", "TB": "terabyte", "KiB": "kibibyte", "MiB": "mebibyte", "GiB": "gibibyte",
    "kbps": "kilobit per second", "Mbps": "megabit per second", "Gbps": "gigabit per second",
    "km/h": "kilometer per hour", "kph": "kilometer per hour", "mph": "mile per hour",
    "m/s": "meter per second", "°C": "degree celsius", "°F": "degree fahrenheit", "°": "degree",
    "V": "volt", "mV": "millivolt", "W": "watt", "kW": "kilowatt", "MW": "megawatt",
    "kWh": "kilowatt hour", "mA": "milliamp", "mAh": "milliamp hour", "dB": "decibel",
    "Ω": "ohm", "px": "pixel", "x": "times", "×": "times",
}  # fmt: skip
TIGHT_ONLY = frozenset({"s", "h", "B", "us", "x", "×", "l", "L"})
IRREGULAR = {"foot": "feet", "penny": "pence"}
SIGNS = {
    "-": ("minus",), "+": ("plus",), "~": ("about",), "#": ("number",),
    "±": ("plus", "or", "minus"), "≈": ("about",), "≤": ("at", "most"), "≥": ("at", "least"),
    "": (),
}  # fmt: skip
YEAR_BEFORE = frozenset(
    "in since of by from until till to year before after during around circa spring summer autumn"
    " fall winter and late early mid".split()
)
NOT_COUNTED = frozenset("was is has as its this his us yes plus versus thus always perhaps".split())


def counted(words: Words, unit: str, one: bool) -> Words:
    """Return ``words`` of ``unit``, in the plural unless ``one``."""
    first, *rest = unit.split(" ")
    if not one and first not in UNCHANGED:
        first = IRREGULAR.get(first) or plural(first)
    return (*words, first, *rest)


def quantity(text: str) -> Words:
    """Read a number with separators and decimals."""
    return decimal(text.replace(",", ""))


def month_words(text: str) -> str:
    """Return the full name of a month that may be abbreviated."""
    name = text.rstrip(".").lower()
    return MONTHS.get(name, name)


def year_words(text: str) -> Words:
    """Read a year of two or four digits."""
    if len(text) == 2:
        return ("oh", *cardinal(int(text))) if text[0] == "0" else cardinal(int(text))
    return year(text) if int(text) >= 1000 else whole(text)


def _iso_date(match: Match) -> Words | None:
    return _date(match["y"], int(match["m"]), int(match["d"]))


def _slash_date(match: Match) -> Words | None:
    first, second = int(match["m"]), int(match["d"])
    month, day = (first, second) if first <= 12 else (second, first)
    return _date(match["y"], month, day)


def _date(year_text: str, month: int, day: int) -> Words | None:
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return None
    return (MONTH_NAMES[month - 1], *ordinal(day), ",", *year_words(year_text))


def _month_day(match: Match) -> Words | None:
    day = int(match["d"])
    if not 1 <= day <= 31:
        return None
    tail = (",", *year_words(match["y"])) if match["y"] else ()
    return (month_words(match["m"]), *ordinal(day), *tail)


def _month_year(match: Match) -> Words:
    return (month_words(match["m"]), *year_words(match["y"]))


def _day_month(match: Match) -> Words | None:
    day = int(match["d"])
    if not 1 <= day <= 31:
        return None
    tail = (",", *year_words(match["y"])) if match["y"] else ()
    article = () if match.string[: match.start()].rstrip().lower().endswith("the") else ("the",)
    return (*article, *ordinal(day), "of", month_words(match["m"]), *tail)


def _clock(match: Match) -> Words | None:
    hour, minute, second = int(match["h"]), match["m"], match["s"]
    half = (match["half"] or "").upper()
    if hour > 24:
        return None
    if minute == "00" and not second:
        tail: Words = () if half else ("hundred",) if hour > 12 else ("o'clock",)
    else:
        tail = (*(("oh",) if minute[0] == "0" else ()), *cardinal(int(minute)))
    if second:
        tail = (*tail, "and", *counted(cardinal(int(second)), "second", int(second) == 1))
    return (*cardinal(hour), *tail, *((half, "M") if half else ()))


def _hour(match: Match) -> Words | None:
    return (*cardinal(int(match["h"])), match["half"].upper(), "M")


def _money(match: Match) -> Words:
    unit, small = CURRENCIES[match["c"]]
    sign = SIGNS[match["sign"] or ""]
    return (*sign, *_amount(match["n"], match["scale"], unit, small))


def _amount(number: str, scale: str | None, unit: str, small: str) -> Words:
    number = number.replace(",", "")
    if scale:
        words = (*decimal(number), SCALES.get(scale.lower(), scale.lower()))
        return counted(words, unit, False)
    before, _, after = number.partition(".")
    if len(after) == 2 and small:
        pence = counted(cardinal(int(after)), small, after == "01")
        if before.strip("0") == "":
            return pence
        pounds = counted(whole(before), unit, before == "1")
        return pounds if after == "00" else (*pounds, "and", *pence)
    return counted(decimal(number), unit, number == "1")


def _phone(match: Match) -> Words:
    groups = re.findall(r"\d+", match[0])
    words = [word for group in groups for word in (*digits(group), ",")]
    return (*(("plus",) if match[0][0] == "+" else ()), *words[:-1])


def _version(match: Match) -> Words:
    parts = match["n"].split(".")
    words = [word for part in parts for word in ("point", *whole(part))]
    return (*(("version",) if match["v"] else ()), *words[1:])


def _digit_groups(match: Match) -> Words:
    words = [word for group in match[0].split("-") for word in (*digits(group), ",")]
    return tuple(words[:-1])


def _range(match: Match) -> Words:
    first, second = match["a"], match["b"]
    if len(first) == 4 and _like_year(first) and re.fullmatch(r"\d\d|\d{4}", second):
        return (*year_words(first), "to", *year_words(second))
    unit = match["u"]
    words = (*quantity(first), "to", *quantity(second))
    return counted(words, UNITS[unit], False) if unit else words


def _like_year(text: str) -> bool:
    return text.isdecimal() and 1100 <= int(text) <= 2099


def _fraction(match: Match) -> Words:
    above, below = int(match["n"]), int(match["d"])
    words = _parts(above, below)
    return (*whole(match["w"]), "and", *words) if match["w"] else words


def _parts(above: int, below: int) -> Words:
    if above == below or (above, below) in {(24, 7), (9, 11)}:
        return (*cardinal(above), *cardinal(below))
    if not 2 <= below <= 100 or above > 100 or above == 0:
        return (*whole(str(above)), "over", *whole(str(below)))
    name = {2: ("half",), 4: ("quarter",)}.get(below) or ordinal(below)
    if above != 1:
        name = ("halves",) if below == 2 else (*name[:-1], plural(name[-1]))
    return (*cardinal(above), *name)


def _ordinal(match: Match) -> Words:
    text = match["n"].replace(",", "")
    return ordinal(int(text)) if len(text) <= 15 else digits(text)


def _decade(match: Match) -> Words:
    text = match["n"]
    words = cardinal(int(text)) if len(text) == 2 else year(text)
    return (*words[:-1], plural(words[-1]))


def _several(match: Match) -> Words:
    words = whole(match["n"])
    return (*words[:-1], plural(words[-1]))


def _ratio(match: Match) -> Words:
    return (*whole(match["a"]), "to", *whole(match["b"]))


def _scientific(match: Match) -> Words:
    power = cardinal(int(match["p"]) % 10**15)
    sign = ("minus",) if match["s"] == "-" else ()
    return (*quantity(match["n"]), "times", "ten", "to", "the", *sign, *power)


def _hexadecimal(match: Match) -> Words:
    names = (digits(c)[0] if c.isdecimal() else c.upper() for c in match["n"])
    return ("zero", "X", *names)


def _times(match: Match) -> Words:
    parts = re.split(r"\s?[x×]\s?", match[0])
    words = [word for part in parts for word in ("by", *quantity(part))]
    return tuple(words[1:])


def _measure(match: Match) -> Words | None:
    unit, number = match["u"], match["n"]
    if match["gap"] and unit in TIGHT_ONLY:
        return None
    sign = SIGNS[match["sign"] or ""]
    scale = (match["scale"].lower(),) if match["scale"] else ()
    return (*sign, *counted((*quantity(number), *scale), UNITS[unit], number == "1" and not scale))


def _thousands(match: Match) -> Words:
    return (*SIGNS[match["sign"] or ""], *quantity(match["n"]), SCALES[match["u"].lower()])


def _foreign_money(match: Match) -> Words:
    unit, small = CURRENCIES[match["c"]]
    return _amount(match["n"], match["scale"], unit, small)


def _number(match: Match) -> Words:
    sign = SIGNS[match["sign"] or ""]
    text = match["n"]
    if not sign and len(text) == 4 and _like_year(text) and _reads_as_year(match):
        return year(text)
    return (*sign, *quantity(text))


def _reads_as_year(match: Match) -> bool:
    """Return whether four digits are a year and not a count."""
    before = match.string[: match.start()].split()[-1:]
    if before and before[0].lower() in YEAR_BEFORE:
        return True
    after = re.match(r"\s+([a-z]+)", match.string[match.end() :])
    return after is None or not after[1].endswith("s") or after[1] in NOT_COUNTED


SIGN = r"(?P<sign>[-+~#±≈≤≥]?)"
UNIT = "|".join(re.escape(unit) for unit in sorted(UNITS, key=len, reverse=True))
READERS: tuple[tuple[str, Callable[[Match], Words | None]], ...] = (
    (r"(?P<y>\d{4})-(?P<m>\d\d?)-(?P<d>\d\d?)(?![-\d])", _iso_date),
    (r"(?P<m>\d\d?)/(?P<d>\d\d?)/(?P<y>\d{4}|\d\d)(?![/\d])", _slash_date),
    (rf"(?P<m>{MONTH})\s+(?P<d>\d\d?)(?:st|nd|rd|th)?(?![\d:%A-Za-z]|[.,/]\d)"
     r"(?:,?\s+(?P<y>\d{4})(?![\d\w]|[.,]\d))?", _month_day),
    (rf"(?P<m>{MONTH})\s+(?P<y>[12]\d{{3}})(?![\w]|[.,]\d)", _month_year),
    (rf"(?P<d>\d\d?)(?:st|nd|rd|th)?\s+(?:of\s+)?(?P<m>{MONTH})(?![a-z])"
     r"(?:,?\s+(?P<y>\d{4})(?![\d\w]|[.,]\d))?", _day_month),
    (r"(?P<h>\d\d?):(?P<m>[0-5]\d)(?::(?P<s>[0-5]\d))?(?![:\d])"
     r"(?:\s?(?P<half>[aApP])(?:\.[mM]\.|[mM]\b))?", _clock),
    (r"(?P<h>1[0-2]|[1-9])\s?(?P<half>[aApP])(?:\.[mM]\.|[mM]\b)", _hour),
    (rf"(?P<sign>-?)(?:US|CA|AU)?(?P<c>[$€£¥])\s?(?P<n>{NUMBER})"
     rf"(?:\s?(?P<scale>{SCALE}|bn|[kKmMbBtT]){END})?", _money),
    (rf"(?P<n>{NUMBER})(?:\s?(?P<scale>{SCALE}))?\s?(?P<c>[€£¥¢]|(?:USD|EUR|GBP)\b)",
     _foreign_money),
    (r"(?:\+\d{1,3}[ .-])?(?:\(\d{3}\)\s?|\d{3}[ .-])\d{3}[.-]\d{4}(?!\d)"
     r"|\d{3}-\d{4}(?![-\d])|\+\d{1,3}(?:[ .-]\d{2,4}){2,5}(?!\d)", _phone),
    (r"(?P<v>[vV]?)(?P<n>\d+(?:\.\d+){2,})(?!\d)", _version),
    (r"(?P<v>[vV])(?P<n>\d+(?:\.\d+)?)(?!\d)", _version),
    (r"\d+(?:-\d+){2,}(?!\d)", _digit_groups),
    (rf"(?P<a>{NUMBER})\s?(?:–|(?<!\s)-(?!\s))\s?(?P<b>{NUMBER})(?:\s?(?P<u>{UNIT}){END})?",
     _range),
    (r"(?:(?P<w>\d+)\s+)?(?P<n>\d{1,9})/(?P<d>\d{1,9})(?![/\d])", _fraction),
    (r"(?P<n>\d[\d,]*)(?:st|nd|rd|th|ST|ND|RD|TH)" + END, _ordinal),
    (r"'?(?P<n>\d\d|[12]\d{2}0)'?s" + END, _decade),
    (r"(?P<n>\d{1,9})'s" + END, _several),
    (r"(?P<a>\d+):(?P<b>\d+)(?![:\d])", _ratio),
    (r"(?P<n>\d+(?:\.\d+)?)[eE](?P<s>[-+]?)(?P<p>\d{1,5})" + END, _scientific),
    (r"0[xX](?P<n>[0-9a-fA-F]+)" + END, _hexadecimal),
    (r"\d+(?:\.\d+)?(?:\s?[x×]\s?\d+(?:\.\d+)?)+" + END, _times),
    (rf"{SIGN}(?P<n>{NUMBER})(?P<gap>\s?)(?:(?P<scale>{SCALE})\s)?(?P<u>{UNIT}){END}", _measure),
    (rf"{SIGN}(?P<n>{NUMBER})(?P<u>k|M|bn){END}", _thousands),
    (rf"{SIGN}(?P<n>{NUMBER})", _number),
)  # fmt: skip


@cache
def _readers() -> list[tuple[re.Pattern[str], Callable[[Match], Words | None]]]:
    return [(re.compile(pattern), reader) for pattern, reader in READERS]


def read_numeral(text: str, at: int) -> tuple[int, Words] | None:
    """Read the form with digits at ``at``; return its end and its words, or None."""
    for pattern, reader in _readers():
        match = pattern.match(text, at)
        if match is not None:
            words = reader(match)
            if words:
                return match.end(), words
    return None
