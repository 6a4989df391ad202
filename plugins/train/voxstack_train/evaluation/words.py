"""Classify word errors: dropped, repeated, mumbled, added."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import final

from attrs import frozen


@final
@frozen
class Words:
    """The number of words of a text, and of those that a recognizer misheard.

    The sum of the four kinds of error is the word error.
    """

    count: int
    dropped: int = 0  # not heard
    repeated: int = 0  # a neighbor heard in its place, or again
    mumbled: int = 0  # another word heard in its place
    added: int = 0  # heard in addition to the text

    @property
    def errors(self) -> int:
        """The number of all errors."""
        return self.dropped + self.repeated + self.mumbled + self.added


def words_of(text: str) -> list[str]:
    """Return the words of a text as a recognizer writes them."""
    return re.findall(r"[a-z']*[a-z][a-z']*", text.lower())


def compared(said: Sequence[str], heard: Sequence[str]) -> Words:
    """Compare the words of a text, at least one, with those that were heard."""
    import jiwer

    dropped = repeated = mumbled = added = 0
    for chunk in jiwer.process_words(" ".join(said), " ".join(heard)).alignments[0]:
        first, after = chunk.ref_start_idx, chunk.ref_end_idx
        other = heard[chunk.hyp_start_idx : chunk.hyp_end_idx]
        if chunk.type == "delete":
            dropped += after - first
        elif chunk.type == "insert":
            around = said[max(0, first - len(other)) : first + len(other)]
            again = sum(word in around for word in other)
            repeated += again
            added += len(other) - again
        elif chunk.type == "substitute":
            for place, word in enumerate(other, first):
                again = word in (*said[max(0, place - 1) : place], *said[place + 1 : place + 2])
                repeated += again
                mumbled += not again
    return Words(len(said), dropped, repeated, mumbled, added)


def errors(said: Sequence[str], heard: Sequence[str]) -> int:
    """Return the edit distance between two sequences of symbols."""
    import jiwer

    made = jiwer.process_words(" ".join(said), " ".join(heard))
    return made.substitutions + made.deletions + made.insertions
