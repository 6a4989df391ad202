"""One symbol for everything that the voice's text encoder reads about a phone.

The peers only feed ids. A symbol therefore stands for (phone, stress, word position, function word)
and for whether the sentence is a question; the graph looks up these five. As text, a symbol is a
character of the private use area.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product

import numpy as np
from voxstack import Sentence

FEATURES = ("ids", "stress", "word_position", "function_word", "question")
BLANK, START, END = "_^$"
FIRST = 0xE000  # the private use area
START_PHONE, END_PHONE = "<start>", "<end>"


class Alphabet:
    """The symbols of a voice with these phones and word positions."""

    def __init__(self, phones: Mapping[str, int], positions: int) -> None:
        tuples = list(product(range(len(phones)), range(2), range(positions), range(2), range(2)))
        special = [(phones[name], 0, 0, 0, 0) for name in (START_PHONE, START_PHONE, END_PHONE)]
        self.characters = [BLANK, START, END, *(chr(FIRST + n) for n in range(len(tuples)))]
        self.table = np.array([*special, *tuples], dtype=np.int64).T  # [feature, symbol]
        self._character = dict(zip(tuples, self.characters[3:], strict=True))
        self.ids = {character: n for n, character in enumerate(self.characters)}

    def spelled(self, sentence: Sentence) -> str:
        """Return the symbols of a sentence, including its start and end."""
        rows = [np.asarray(sentence.tensors[name])[0] for name in FEATURES[:-1]]
        asks = int(sentence.tensors["question"][0])
        return "".join(self._character[*map(int, column), asks] for column in zip(*rows))  # noqa: B905

    def piper_ids(self, spelled: str) -> list[int]:
        """Return the ids of the symbols between start and end as Piper's hosts do: ^ _ (p _)* $."""
        between = [number for c in spelled[1:-1] for number in (self.ids[c], self.ids[BLANK])]
        return [self.ids[START], self.ids[BLANK], *between, self.ids[END]]

    def matcha_ids(self, spelled: str) -> list[int]:
        """Return the ids of the symbols as a host of Matcha does: _ (p _)*."""
        between = [number for c in spelled for number in (self.ids[c], self.ids[BLANK])]
        return [self.ids[BLANK], *between]

    def tokens(self) -> str:
        """Return the content of tokens.txt."""
        return "".join(f"{c} {n}\n" for n, c in enumerate(self.characters))
