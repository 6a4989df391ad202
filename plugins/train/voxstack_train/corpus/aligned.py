"""Convert aligned phones and words to the symbols that the networks read.

Silences and gaps are what lies between the spoken phones: an inner one becomes a `pau`, those at
the edges are `<start>` and `<end>`. If a recording begins or ends with speech, digital silence is
added, for `EDGE` seconds in total.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import SequenceMatcher
from itertools import pairwise
from typing import final

from attrs import frozen

from voxstack_train.corpus.alignments import Alignment, Interval
from voxstack_train.corpus.sentences import PHONES, SYMBOLS
from voxstack_train.errors import TrainError

# The aligner writes "spn" for noise and for words it does not know; see `_by_time`.
SILENCES = frozenset({"", "sil", "sp", "spn", "pau", "<eps>", "<sil>"})
SPOKEN = frozenset(PHONES.split()) - {"pau"}
VOWELS = frozenset(name for name in SPOKEN if name[0] in "aeiou") - {"ax"}
ARPABET = re.compile(r"([a-z]+)([012]?)(?:_[bies])?")  # Kaldi adds the position in the word: AH0_B
EDGE = 0.05  # the least silence before and after the speech, in seconds
UNSPOKEN = 5.0  # seconds at an edge without an aligned phone: more is said than the text
PAUSE = 0.03  # seconds: a shorter inner silence is part of the phone before it
LONGEST = 1.5  # seconds of an inner symbol; features refuse a longer one too
SLACK = 0.05  # seconds that an alignment may exceed its audio; aligners round
OVERLAP = 0.005  # seconds that phones may overlap
ALIKE = 0.6  # of the phones of a text: if fewer are said, it is a different text


@final
@frozen
class TimedSymbols:
    """The symbols of an utterance, and their times."""

    rows: list[list[int]]  # ids, stress, word position, function word: [4][symbols]
    ends: list[float]  # seconds, [symbols], in the audio with the added silence
    before: float  # seconds of silence to add before the audio
    after: float  # seconds of silence to add after it


def timed_symbols(alignment: Alignment, text: str, seconds: float) -> TimedSymbols:
    """Return the symbols of an aligned utterance with audio of `seconds`.

    TrainError with the file, the line and the time of a problem.
    """
    from voxstack_english.frontend import FUNCTION_WORDS

    _check_times(alignment, seconds)
    phones = [p for p in alignment.phones if p.label.lower() not in SILENCES]
    if not phones:
        raise TrainError(f"{alignment.path}: no phone is spoken")
    named = [_phone(alignment, phone) for phone in phones]
    if alignment.words is None:
        words, owners = _by_text(alignment, text, [name for name, _ in named])
    else:
        words, owners = _by_time(alignment, phones)
        _check_text(alignment, text, len(words))
    before = max(0.0, EDGE - phones[0].start)
    last = min(phones[-1].end, seconds)
    after = max(0.0, EDGE - (seconds - last))
    row = [("<start>", 0, "none", 0)]
    ends = [phones[0].start]
    for place, (phone, (name, stress)) in enumerate(zip(phones, named, strict=True)):
        function = int(words[owners[place]].lower() in FUNCTION_WORDS)
        row.append((name, stress, _position(owners, place), function))
        following = phones[place + 1].start if place + 1 < len(phones) else last
        pause = following - phone.end > PAUSE
        ends.append(phone.end if pause else following)
        if pause:
            row.append(("pau", 0, "none", 0))
            ends.append(following)
    row.append(("<end>", 0, "none", 0))
    ends.append(seconds + after)
    names, stresses, positions, functions = zip(*row, strict=True)
    rows = [
        [SYMBOLS["phone"][name] for name in names],
        list(stresses),
        [SYMBOLS["word_position"][position] for position in positions],
        list(functions),
    ]
    shifted = [round(end + before, 4) for end in ends]
    _check_lengths(alignment, phones, seconds)
    return TimedSymbols(rows, shifted, before, after)


def _phone(alignment: Alignment, phone: Interval) -> tuple[str, int]:
    """Return the voice's name of an ARPABET phone, and 1 if it has primary stress."""
    match = ARPABET.fullmatch(phone.label.lower())
    name, digit = match.groups() if match else (phone.label, "")
    if name not in SPOKEN:
        raise TrainError(
            f"{alignment.where(phone)}: the phone {phone.label!r} at {phone.start:.2f} s is not in "
            "the voice's table; align with ARPABET (the Montreal Forced Aligner's english_us_arpa)"
        )
    if name in VOWELS and not digit:
        raise TrainError(
            f"{alignment.where(phone)}: the vowel {phone.label!r} at {phone.start:.2f} s has no "
            f"stress; expected {phone.label}0, {phone.label}1 or {phone.label}2"
        )
    return "ax" if name == "ah" and digit == "0" else name, int(digit == "1")


def _position(owners: Sequence[int], place: int) -> str:
    """Return the position of a phone in its word."""
    first = place == 0 or owners[place - 1] != owners[place]
    last = place == len(owners) - 1 or owners[place + 1] != owners[place]
    return "single" if first and last else "begin" if first else "end" if last else "middle"


def _by_time(alignment: Alignment, phones: Sequence[Interval]) -> tuple[list[str], list[int]]:
    """Return the aligned words, and for each phone the index of the word at its middle."""
    words = [w for w in alignment.words or () if w.label.lower() not in SILENCES]
    owners: list[int] = []
    at = 0
    for phone in phones:
        middle = (phone.start + phone.end) / 2
        while at < len(words) and words[at].end <= middle:
            at += 1
        if at == len(words) or words[at].start > middle:
            raise TrainError(
                f"{alignment.where(phone)}: the phone {phone.label!r} at {phone.start:.2f} s does "
                "not belong to a word"
            )
        owners.append(at)
    mute = sorted(set(range(len(words))) - set(owners))
    if mute:
        word = words[mute[0]]
        raise TrainError(
            f"{alignment.where(word)}: the word {word.label!r} at {word.start:.2f} s has no "
            "phones; add it to the aligner's dictionary"
        )
    return [word.label for word in words], owners


def _by_text(alignment: Alignment, text: str, phones: Sequence[str]) -> tuple[list[str], list[int]]:
    """Return the words of the text, and for each phone the index of its word.

    The frontend's phones are aligned with the spoken ones; where they differ, a phone belongs to
    the word that the text has at the same part of the difference.
    """
    words, expected, of = _pronounced(text)
    if not expected:
        raise TrainError(f"{alignment.path}: the text {text!r} has no words to speak")
    matcher = SequenceMatcher(None, expected, list(phones), autojunk=False)
    owners: list[int] = []
    for _, first, last, begin, end in matcher.get_opcodes():
        for place in range(begin, end):
            at = first + (place - begin) * (last - first) // (end - begin)
            owners.append(of[min(at, last - 1)] if last > first else of[max(0, first - 1)])
    if matcher.ratio() < ALIKE or set(owners) != set(range(len(words))):
        raise TrainError(
            f"{alignment.path}: the phones do not match the text {text!r}; if they are right, "
            "add a word CTM (words.ctm beside phones.ctm)"
        )
    return words, owners


def _pronounced(text: str) -> tuple[list[str], list[str], list[int]]:
    """Return the words of a text, their phones, and for each phone the index of its word."""
    from voxstack_english.frontend import in_context, spoken_words
    from voxstack_english.normalize import PAUSE as COMMA
    from voxstack_english.normalize import normalize
    from voxstack_english.pronounce import pronounce
    from voxstack_english.sentences import split

    words: list[str] = []
    phones: list[str] = []
    of: list[int] = []
    for passage in split([text], len(text) + 1):
        spoken = spoken_words(normalize(passage.text, passage.start).tokens)
        plain = [item.word for item in spoken]
        for word, said_as in zip(plain, in_context(plain), strict=True):
            if word != COMMA:
                said_phones = [phone.rstrip("012") for phone in pronounce(said_as)]
                phones += said_phones
                of += [len(words)] * len(said_phones)
                words.append(word)
    return words, phones, of


def _check_times(alignment: Alignment, seconds: float) -> None:
    for phone in alignment.phones:
        if phone.end <= phone.start:
            raise TrainError(
                f"{alignment.where(phone)}: {phone.label!r} at {phone.start:.2f} s has no length"
            )
        if phone.end > seconds + SLACK or phone.start >= seconds:
            raise TrainError(
                f"{alignment.where(phone)}: the alignment is longer than the audio: "
                f"{phone.label!r} ends at {phone.end:.2f} s, the audio at {seconds:.2f} s"
            )
    for phone, following in pairwise(alignment.phones):
        if following.start < phone.end - OVERLAP:
            raise TrainError(
                f"{alignment.where(following)}: {following.label!r} begins at "
                f"{following.start:.2f} s, before {phone.label!r} ends at {phone.end:.2f} s"
            )


def _check_lengths(alignment: Alignment, phones: Sequence[Interval], seconds: float) -> None:
    """Check that speech fills the audio: one word for a minute of audio does not."""
    mismatch = "text and audio do not match"
    for phone in phones:
        length = phone.end - phone.start
        if length > LONGEST:
            raise TrainError(
                f"{alignment.where(phone)}: the phone {phone.label!r} at {phone.start:.2f} s lasts "
                f"{length:.1f} s; {mismatch}"
            )
    for phone, following in pairwise(phones):
        length = following.start - phone.end
        if length > LONGEST:
            raise TrainError(
                f"{alignment.where(phone)}: a pause of {length:.1f} s at {phone.end:.2f} s; "
                f"{mismatch}"
            )
    for phone, length, edge in (
        (phones[0], phones[0].start, "begins"),
        (phones[-1], seconds - phones[-1].end, "ends"),
    ):
        if length > UNSPOKEN:
            raise TrainError(
                f"{alignment.where(phone)}: the audio {edge} with {length:.1f} s without an "
                f"aligned phone; {mismatch}"
            )


def _check_text(alignment: Alignment, text: str, aligned: int) -> None:
    count = len(re.findall(r"\w[\w'’]*", text))
    if abs(count - aligned) > max(2, max(count, aligned) // 2):
        raise TrainError(
            f"{alignment.path}: {aligned} words are aligned, but the text has {count}: "
            f"{text[:60]!r}"
        )
