"""Turn written words into spoken ones: initialisms, acronyms, camel case, code identifiers.

A spoken word is lowercase, or a capital for the name of a letter: "GPUs" is ``G P U's``.
"""

from __future__ import annotations

import re
from functools import lru_cache

from voxstack_english.number_words import cardinal, ordinal, whole
from voxstack_english.pronounce import known

Words = tuple[str, ...]

LONGEST = 32  # letters of a word; a longer one is cut
CUT = 24
# In capitals, spelled letter by letter although they could be read as words.
SPELLED = frozenset(
    "fbi usa us uk eu un cia nsa irs ibm mit ceo cfo cto api apis cpu gpu tpu npu html xml sql url"
    " uri http https ftp ssh ssl tls tcp udp ip dns cli gui ui ux id ids os io ai ml tts asr llm"
    " pdf csv utf usb hdmi led lcd hd pc tv dvd cd ac dc am pm bc ad bce phd md ma ba eta faq atm"
    " asap rpm dna rna hiv er icu nba nfl mlb nhl bbc cnn abc nbc cbs hbo nyc la dc kgb ussr uae"
    " ide sdk jit abi oom eof iso ieee aws gpl mia pov diy eia epa ada sms ios".split()
)
# Spelled letter by letter in lowercase too.
SPELLED_LOWER = frozenset(
    "api apis cpu cpus gpu gpus html xml http https url urls csv pdf cli gui utf tts ssml mp "
    " ssh ssl tls tcp udp dns npz npy llm mfcc dsp".split()
)
# Acronyms that are read as words.
ACRONYMS = frozenset(
    "nato nasa unesco unicef opec aids laser radar scuba json yaml toml ram rom gif jpeg mpeg "
    " ascii cuda simd lan wan gan gans sim pin zip nan posix regex wifi midi onnx numpy readme todo"
    " latex covid sars nafta asean osha sata imax nasdaq wasm ansi bios crud fifa".split()
)
EXPANDED = {
    "vs": ("versus",), "etc": ("et", "cetera"),
    "phd": ("P", "H", "D"), "w/": ("with",), "w/o": ("without",), "n/a": ("N", "A"),
    "at&t": ("A", "T", "and", "T"),
    "c#": ("C", "sharp"), "f#": ("F", "sharp"), "txt": ("text",), "yml": ("yaml",),
}  # fmt: skip
CHUNK_SYMBOLS = {
    ".": "dot", "/": "slash", "\\": "backslash", "@": "at", "&": "and", "+": "plus",
    "=": "equals", "%": "percent", "#": "hash", "$": "dollar", "€": "euro", "£": "pound",
    "×": "times", "°": "degrees", "÷": "over", "±": "plus or minus",
}  # fmt: skip
CAMEL = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+")
PIECE = re.compile(r"[A-Za-z]+(?:'[A-Za-z]+)?|\d+|[^\w\s']")
SYLLABLE = re.compile(r"(?=.{4}$)[^aeiouy]{0,2}[aeiouy]{1,2}[^aeiouy]{1,2}e?$")  # NAME, FILE
ROMAN = re.compile(r"(?=[IVX]{2})(X{0,3})(IX|IV|V?I{0,3})$")
ROMAN_ONES = ("", "I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX")
RULERS = frozenset(
    "henry louis george edward charles elizabeth james william richard john paul pius benedict"
    " alexander nicholas catherine frederick philip leo gregory napoleon mary innocent ivan".split()
)


@lru_cache(maxsize=8192)
def spoken_word(written: str, shouted: bool = False) -> Words:
    """Return the spoken words of a run of letters with apostrophes.

    ``shouted`` means that the whole text is in capitals, so they are only a matter of style.
    """
    base, mark, suffix = written.partition("'")
    tail = (mark + suffix).lower()
    lower = base.lower()
    if len(base) > LONGEST:
        return tuple(lower[at : at + CUT] for at in range(0, len(base), CUT))
    if lower in EXPANDED and not tail:
        return EXPANDED[lower]
    if base.islower() or (len(base) > 1 and base[1:].islower()):
        return spelled(base, tail) if lower in SPELLED_LOWER else (lower + tail,)
    if len(base) == 1:
        plain = lower in "io" or (lower == "a" and tail != "'s")
        return (lower + tail,) if plain else (base + tail,)
    if base.isupper():
        return _capitals(base, tail, shouted)
    if lower[-1] == "s" and base[:-1].isupper() and lower not in ACRONYMS:
        return spelled(base[:-1], tail or "'s")
    return _camel(base, tail)


def _capitals(base: str, tail: str, shouted: bool) -> Words:
    lower = base.lower()
    if shouted or lower in ACRONYMS:
        return (lower + tail,)
    if lower in SPELLED or lower in SPELLED_LOWER or not re.search("[aeiouy]", lower):
        return spelled(base, tail)
    if known(lower) or len(base) > 4 or lower in PLAIN_CAPITALS or SYLLABLE.match(lower):
        return (lower + tail,)
    return spelled(base, tail)


# Short common words that the lexicon leaves to the letter-to-sound trees.
PLAIN_CAPITALS = frozenset(
    "an and any are as at be been but by can did do end for from get had has he her him his how if"
    " in is it its just let make may me must my need no not now of off on one or our out run set"
    " shall she should so stop than that then them they this up was we went were what when will"
    " with yes you your new all free note tip warn fail pass wip".split()
)


def spelled(letters: str, tail: str = "") -> Words:
    """Return the names of ``letters``, the last with ``tail``: CPU's is C P U's."""
    names = letters.upper()
    return (*names[:-1], names[-1] + tail)


def _camel(base: str, tail: str) -> Words:
    lower = base.lower()
    if lower in ACRONYMS or known(lower):
        return (lower + tail,)
    *first, last = CAMEL.findall(base)
    words = [word for piece in first for word in spoken_word(piece)]
    return (*words, *spoken_word(last + tail))


def spoken_chunk(chunk: str) -> Words:
    """Return the spoken words of a path, an identifier or another chunk without spaces."""
    if chunk.lower() in EXPANDED:
        return EXPANDED[chunk.lower()]
    body = re.sub(r"^[A-Za-z][A-Za-z+]*://(?:www\.)?", "", chunk).rstrip("/") or chunk
    words: list[str] = []
    for piece in PIECE.finditer(body):
        words += _piece(piece[0], body[: piece.start()], body[piece.end() :])
    return tuple(words)


def _piece(piece: str, before: str, after: str) -> Words:
    """Return the spoken words of one part of a chunk, between ``before`` and ``after``."""
    if piece.isdecimal():
        return whole(piece)
    if piece[0].isalpha():
        return _identifier(piece)
    if piece == ".":
        if not after[:1].isalnum():
            return ()
        return ("point",) if before[-1:].isdecimal() and after[:1].isdecimal() else ("dot",)
    return tuple(CHUNK_SYMBOLS.get(piece, "").split())


def _identifier(piece: str) -> Words:
    """Return the spoken words of the letters in a chunk; letters without a vowel are spelled."""
    if len(piece) == 1 and piece.isupper():
        return (piece,)
    lower = piece.lower()
    if lower in EXPANDED:
        return EXPANDED[lower]
    if 1 < len(piece) < 6 and not re.search("[aeiouy']", lower) and not known(lower):
        return spelled(piece)
    return spoken_word(piece)


def roman(written: str, previous: str) -> Words | None:
    """Return the words of a Roman numeral up to 39 after a name or a heading, or None."""
    match = ROMAN.match(written)
    if match is None or not previous[:1].isupper():
        return None
    number = 10 * len(match[1]) + ROMAN_ONES.index(match[2])
    if previous.lower() in RULERS:
        return ("the", *ordinal(number))
    return cardinal(number)
