"""Split text that arrives in pieces into sentences, each as soon as its end is certain.

No more is read than is needed to be certain of an end, and only the current sentence is kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import final

from attrs import frozen

from voxstack_english.abbreviations import BEFORE_DIGIT, LEADING, MAY_END, STARTERS

BLOCK = 4096  # large pieces are processed this many characters at a time
CLOSERS = "\"'”’»)]}*_`~"
OPENERS = "\"'“‘([{*_`"
EVENT = re.compile(r"[.!?…。！？]+|\n")
OPENS_BLOCK = re.compile(
    r"[ \t]*(?:#{1,6}[ \t]|>|\||```|~~~|[-*+][ \t]|\d{1,3}[.)][ \t]|[-=*_]{3,})"
)
OWN_LINE = re.compile(r"[ \t]*(?:#{1,6}[ \t]|\||[-=*_]{3,})")
LIST_ITEM = re.compile(r"[ \t]*(?:[-*+]|\d{1,3}[.)])[ \t]")
FENCE = re.compile(r"[ \t]*(?:```|~~~)")
OPENS_WITH_NUMBER = re.compile(r"[\s#>*_-]*\d{1,3}$")
PHRASE_END = re.compile(r"[,;:)—–](?=\s)")
LINE_LOOK = 8  # characters of the next line that are enough to recognize it


@final
@frozen
class Passage:
    """A part of the input that is read as one sentence."""

    text: str
    start: int  # the position of its first character in the whole input
    code: bool = False  # a line of a code block


def split(text: Iterable[str], limit: int = 1000) -> Iterator[Passage]:
    """Return the sentences of ``text``; one of more than ``limit`` characters is cut."""
    return iter(_Splitter(text, limit))


def _blocks(text: Iterable[str]) -> Iterator[str]:
    for piece in (text,) if isinstance(text, str) else text:
        for start in range(0, len(piece), BLOCK):
            yield piece[start : start + BLOCK]


@final
class _Splitter:
    """A window on the text: the current sentence begins at ``start`` in ``text``."""

    def __init__(self, text: Iterable[str], limit: int) -> None:
        self.blocks = _blocks(text)
        self.limit = limit
        self.text = ""
        self.offset = 0  # position of the window in the whole input
        self.start = 0
        self.ended = False
        self.fenced = False
        self.at_line_start = True

    def __iter__(self) -> Iterator[Passage]:
        while self._skip_space():
            if self.at_line_start and self._fence():
                continue
            in_code = self.fenced
            end = self._line_end() if in_code else self._sentence_end()
            passage = self.text[self.start : end].rstrip()
            if passage:
                yield Passage(passage, self.offset + self.start, in_code)
            self.start = end

    def _more(self) -> bool:
        """Read one more piece; return False at the end of the input."""
        if self.ended:
            return False
        keep = self.start
        block = next(self.blocks, None)
        if block is None:
            self.ended = True
            return False
        self.text = self.text[keep:] + block
        self.offset += keep
        self.start -= keep
        return True

    def _has(self, ahead: int) -> bool:
        """Read until ``ahead`` characters after the sentence's start are available."""
        while len(self.text) - self.start < ahead:
            if not self._more():
                return False
        return True

    def _skip_space(self) -> bool:
        """Advance to the next character that is not a space; return False if there is none."""
        self.at_line_start = self.offset + self.start == 0
        while True:
            rest = len(self.text)
            while self.start < rest and self.text[self.start].isspace():
                self.at_line_start |= self.text[self.start] == "\n"
                self.start += 1
            if self.start < rest:
                return True
            if not self._more():
                return False

    # Lines

    def _line_end(self) -> int:
        """Return the end of the current line, cut at the limit."""
        length = 0
        while True:
            found = self.text.find("\n", self.start + length, self.start + self.limit)
            if found >= 0:
                return found
            length = len(self.text) - self.start
            if length >= self.limit or not self._has(length + 1):
                return min(self.start + self.limit, len(self.text))

    def _fence(self) -> bool:
        """Skip the line that opens or closes a code block; return whether there is one."""
        self._has(3)
        if FENCE.match(self.text, self.start) is None:
            return False
        self.start = self._line_end()
        self.fenced = not self.fenced
        return True

    def _breaks_line(self, at: int) -> bool:
        """Return whether the newline ``at`` characters from the start ends the sentence."""
        after = at + 1
        while self._has(after + 1) and self.text[self.start + after] in " \t\r":
            after += 1
            if after - at > self.limit:
                return False
        if not self._has(after + 1) or self.text[self.start + after] == "\n":
            return True
        line = self.text[self.start : self.start + at].rpartition("\n")[2]
        if OWN_LINE.match(line):
            return True
        seen = 1
        while seen < LINE_LOOK and self._has(after + seen):
            if self.text[self.start + after + seen - 1] == "\n":
                break
            seen += 1
        head = self.text[self.start + at + 1 : self.start + after + seen]
        if OPENS_BLOCK.match(head):
            return not (head.lstrip()[0] == ">" == line.lstrip()[:1])
        is_item = LIST_ITEM.match(self.text, self.start, self.start + at)
        return is_item is not None and after == at + 1

    # Sentences

    def _sentence_end(self) -> int:
        """Return the position just after the current sentence in the window."""
        looked = 0
        while True:
            event = EVENT.search(self.text, self.start + looked)
            at = (event.start() if event else len(self.text)) - self.start
            if at >= self.limit:
                return self._cut()
            if event is None:
                looked = at
                if not self._has(at + 1):
                    return len(self.text)
                continue
            end = self._line_event(at) if event[0] == "\n" else self._stop_event(at)
            if end:
                return self.start + min(end, self.limit)
            looked = self._after_marks(at)

    def _line_event(self, at: int) -> int:
        return at if self._breaks_line(at) else 0

    def _after_marks(self, at: int) -> int:
        """Return the position after the run of marks (or the newline) at ``at``."""
        event = EVENT.match(self.text, self.start + at)
        return event.end() - self.start if event else at + 1

    def _run(self, at: int, characters: str) -> int:
        """Return the end of the run of ``characters`` from ``at``, reading more as needed."""
        while at < self.limit and self._has(at + 1) and self.text[self.start + at] in characters:
            at += 1
        return at

    def _stop_event(self, at: int) -> int:
        """Return the end of the sentence if the marks at ``at`` end it, else 0."""
        marks_end = self._run(at, ".!?…。！？")
        end = self._run(marks_end, CLOSERS)
        marks = self.text[self.start + at : self.start + marks_end]
        if not self._has(end + 1):
            return end
        following = self.text[self.start + end]
        if not following.isspace():
            return end if marks[-1] in "。！？" else 0
        if marks == "." and end == marks_end:
            return end if self._full_stop_ends(at) else 0
        if following == "\n" or (end == marks_end and marks.strip(".…")):
            return end
        return 0 if self._next_word(end, 1).islower() else end

    def _full_stop_ends(self, at: int) -> bool:
        """Return whether the single period at ``at``, before a space, ends the sentence."""
        before = self.text[self.start : self.start + at]
        word = before[max(before.rfind(" "), before.rfind("\n")) + 1 :].lstrip(OPENERS)
        lower = word.lower()
        if self.at_line_start and OPENS_WITH_NUMBER.match(before):
            return False
        if lower in LEADING:
            return False
        if lower in BEFORE_DIGIT:
            return not self._next_word(at + 1, 1).isdecimal()
        if lower in MAY_END or "." in lower or (len(word) == 1 and word.isupper() and word != "I"):
            return self._dotted_ends(lower, at)
        return True

    def _dotted_ends(self, word: str, at: int) -> bool:
        """Return whether a period ends the sentence after an abbreviation or an initial."""
        following = self._next_word(at + 1)
        if not following:
            return True
        if not following[0].isupper():
            return not (following[0].isalnum() or following[0] in ",;:-–—&(")
        if word in {"etc", "a.m", "p.m", "al"}:
            return True
        if len(word) > 1 and "." in word and not all(len(part) == 1 for part in word.split(".")):
            return True
        return following.lower().rstrip(",.'") in STARTERS

    def _next_word(self, at: int, most: int = 12) -> str:
        """Return the word after ``at``, on this line or the next; empty before a blank line.

        At most ``most`` letters are read.
        """
        newlines = 0
        while at < 2 * self.limit and self._has(at + 1):
            character = self.text[self.start + at]
            if not character.isspace():
                break
            newlines += character == "\n"
            if newlines > 1:
                return ""
            at += 1
        end = at
        while end - at < most and self._has(end + 1) and not self.text[self.start + end].isspace():
            if end == at and self.text[self.start + end] in OPENERS:
                at += 1
            end += 1
        return self.text[self.start + at : self.start + end]

    def _cut(self) -> int:
        """Return the best position to cut a passage that does not end within the limit."""
        window = self.text[self.start : self.start + self.limit]
        phrases = [match.end() for match in PHRASE_END.finditer(window, self.limit // 2)]
        space = max(window.rfind(" "), window.rfind("\n"), window.rfind("\t"))
        return self.start + (phrases[-1] if phrases else space if space > 0 else self.limit)
