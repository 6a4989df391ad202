"""The suite of frontends can fail: for each check a frontend that fails it and no other."""

import itertools
import time

import pytest
from attrs import frozen
from voxstack import Frontend, InputError, Mark, Sentence, Symbols
from voxstack_kit.testing import FrontendSuite

LETTERS = "abcdefghijklmnopqrstuvwxyz ."
SYMBOLS = Symbols({"letter": {letter: number for number, letter in enumerate(LETTERS)}})
MOST = 500  # characters of a sentence


@frozen(eq=False)
class Plain(Frontend):
    """A letter is a symbol; the base of those that fail."""

    produces = ("ids",)

    symbols: Symbols

    def sentences(self, text):
        rest, start, spoken = "", 0, False
        for piece in text:
            for letter in piece:
                rest += letter
                if letter in ".!?\n" or len(rest) == MOST:
                    sentence = self.sentence(rest, start)
                    start, rest = start + len(rest), ""
                    if sentence is not None:
                        spoken = True
                        yield sentence
        last = self.sentence(rest, start)
        if last is not None:
            yield last
        elif not spoken:
            raise InputError("there is nothing to speak")

    def sentence(self, written, start):
        letters = [c for c in written.lower() if c in LETTERS]
        if not any(c.isalpha() for c in letters):
            return None
        ids = self.symbols.ids("letter", letters)
        marks = (Mark("sentence", written, 0, (start, start + len(written))),)
        return Sentence(written, {"ids": ids}, marks)


class Eager(Plain):
    """Reads before it is asked."""

    def sentences(self, text):
        pieces = iter(text)
        return super().sentences(itertools.chain([next(pieces, "")], pieces))


class ByPieces(Plain):
    """Ends a sentence where a piece ends."""

    def sentences(self, text):
        yield from super().sentences(f"{piece}\n" for piece in text)


class Waits(Plain):
    """Reads a text of any length before it speaks; gives up on an endless one."""

    def sentences(self, text):
        read = ""
        for piece in text:
            read += piece
            if len(read) > 300_000:
                break
        yield from super().sentences([read])


class Remembers(Plain):
    """Keeps the sentences of a text."""

    def sentences(self, text):
        kept = []
        for sentence in super().sentences(text):
            kept.append(bytes(10_000))
            yield sentence


class Fragile(Plain):
    """Cannot read what is not of its script."""

    def sentence(self, written, start):
        written.encode("utf-8")
        return super().sentence(written, start)


class Western(Plain):
    """Cannot read letters with accents."""

    def sentence(self, written, start):
        if any("À" <= letter <= "ÿ" for letter in written):
            raise ValueError(written)
        return super().sentence(written, start)


NOW = [""]


class Shares(Plain):
    """Keeps what it reads where other threads find it."""

    def sentence(self, written, start):
        NOW[0] = written
        time.sleep(0.001)
        return super().sentence(NOW[0], start)


class Foreign(Plain):
    """Makes ids that the voice does not have."""

    def sentence(self, written, start):
        made = super().sentence(written, start)
        return made and Sentence(made.text, {"ids": made.tensors["ids"] + 100}, made.marks)


class Misplaced(Plain):
    """Marks what lies behind the sentence."""

    def sentence(self, written, start):
        made = super().sentence(written, start)
        return made and Sentence(made.text, made.tensors, (Mark("word", "x", 10_000),))


class Undeclared(Plain):
    """Declares what it does not make."""

    produces = ("ids", "stress")


LAST = []


class Holds(Plain):
    """Keeps the text that it reads."""

    def sentences(self, text):
        LAST[:] = [text]
        yield from super().sentences(text)


class Swallows(Plain):
    """Hides the errors of the text."""

    def sentences(self, text):
        try:
            yield from super().sentences(text)
        except OSError:
            return


WHOLE = "sentences are whole"
PIECES = "text in any pieces gives the same sentences"
SOON = "a sentence comes as soon as its end is certain"
FLAT = "endless text is held in flat memory"
ENDLESS = "endless text without an end of a sentence is spoken"
ANY, MANY = "any text is spoken or refused", "many threads get what one gets"
ODD = {"odd text is spoken or refused (half a pair)"}
CLOSED, THROUGH = "closing early lets the text go", "an error of the text passes through"
QUICK = "not importing"


FAILURES = [
    (Eager, {SOON}),
    (ByPieces, {PIECES}),
    (Waits, {SOON, ENDLESS}),
    (Remembers, {FLAT}),
    (Foreign, {WHOLE}),
    (Misplaced, {WHOLE}),
    (Undeclared, {WHOLE}),
    (Holds, {CLOSED}),
    (Swallows, {THROUGH}),
    (Fragile, ODD),
    (Western, {ANY}),
    (Shares, {MANY}),
]


def suite(cls):
    @pytest.fixture
    def frontend(self):
        return cls(SYMBOLS)

    return type("TestIt", (FrontendSuite,), {"frontend": frontend})


def test_a_frontend_that_does_all_of_it_passes(failures):
    assert failures(suite(Plain), QUICK) == {}


@pytest.mark.parametrize(
    ("cls", "expected"), FAILURES, ids=lambda one: getattr(one, "__name__", "")
)
def test_a_frontend_fails_the_checks_that_it_does_not_hold_to(failures, cls, expected):
    assert set(failures(suite(cls), QUICK)) == expected


def test_a_frontend_that_ends_sentences_where_pieces_end_is_told_which_pieces(failures):
    message, step = failures(suite(ByPieces), "any_pieces")[PIECES]
    assert message.startswith("character by character: ") and "by what was written" in step
