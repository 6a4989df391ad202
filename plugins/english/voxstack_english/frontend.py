"""The English frontend: text to sentences of symbol ids and marks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, final

from attrs import field, frozen
from voxstack import Frontend, InputError, Mark, Sentence, Symbols
from voxstack.logs import get_logger

from voxstack_english.homographs import resolve
from voxstack_english.normalize import PAUSE, Token, normalize
from voxstack_english.pronounce import pronounce
from voxstack_english.sentences import Passage, split

if TYPE_CHECKING:
    import numpy as np

    Tensors = dict[str, np.ndarray]

FUNCTION_WORDS = frozenset(
    "the a an of to in on at by for from with and or but so if as is are was were be been am do"
    " does did has have had will would can could shall should may might must not no it its he she"
    " they we you i me him her them us my your his their our this that these those there than then"
    " into onto up out off about".split()
)
CONJUNCTIONS = frozenset("and or but so because which who that when while where if then".split())
CLOSERS = "\"'”’»)]}*_`~ "
SKIPPED_SHOWN = 20  # words in a warning
CHARACTERS_PER_WORD = 25  # a passage without an end is cut after max_words times this


@final
@frozen
class Spoken:
    """A spoken word; if it is the first of a token, the token too."""

    word: str  # "," is a pause
    token: Token | None = None


@final
@frozen(eq=False)
class English(Frontend):
    """American English text, with some Markdown, to phones; no word is dropped."""

    produces = ("ids", "stress", "word_position", "function_word", "question")

    symbols: Symbols  # the voice's tables "phone" and "word_position"
    max_words: int = 40  # longer sentences are cut, at a phrase boundary if there is one
    # Your own words: {"voxstack": "v aa1 k s t ae1 k"}, phones with 0 or 1 on vowels.
    pronunciations: Mapping[str, str] = field(factory=dict)

    def __attrs_post_init__(self) -> None:
        if self.max_words < 1:
            raise ValueError(f"max_words must be 1 or more, not {self.max_words}")

    def sentences(self, text: Iterable[str]) -> Iterator[Sentence]:
        """Yield the sentences of ``text``, each as soon as its end is certain.

        Words of another script are skipped, with one warning; InputError if nothing is left.
        """
        skipped = _Skipped()
        spoke = False
        for passage in split(text, self.max_words * CHARACTERS_PER_WORD):
            normalized = normalize(passage.text, passage.start)
            skipped.add(normalized.skipped)
            parts = list(divide(spoken_words(normalized.tokens), self.max_words))
            for number, part in enumerate(parts):
                spoke = True
                last = number == len(parts) - 1
                yield self._sentence(_written(passage, part, last), part, last)
        if not spoke:
            raise InputError(skipped.reason())
        skipped.warn()

    def _sentence(self, written: str, spoken: list[Spoken], last: bool) -> Sentence:
        """Build the tensors and marks of one sentence."""
        import numpy as np

        row = _Row(written)
        words = [item.word for item in spoken]
        for item, word in zip(spoken, in_context(words), strict=True):
            if item.token is not None:
                row.mark(item.token)
            row.add(item.word, () if word == PAUSE else self._phones(word))
        row.end()
        question = last and "?" in written.rstrip(CLOSERS)[-3:]
        tensors = {
            "ids": self.symbols.ids("phone", row.phones),
            "stress": np.array([row.stress], dtype=np.int64),
            "word_position": self.symbols.ids("word_position", row.positions),
            "function_word": np.array([row.function], dtype=np.int64),
            "question": np.array([question], dtype=np.int64),
        }
        return Sentence(written, tensors, (*row.marks,), (*row.breaks,))

    def _phones(self, word: str) -> tuple[str, ...]:
        own = self.pronunciations.get(word)
        return tuple(own.split()) if own else pronounce(word)


@final
class _Row:
    """The symbols of a sentence while it is being built."""

    def __init__(self, written: str) -> None:
        self.phones = ["<start>"]
        self.stress = [0]
        self.positions = ["none"]
        self.function = [0]
        self.marks = [Mark(kind="sentence", value=written, start=0)]
        self.breaks: list[int] = []

    def mark(self, token: Token) -> None:
        """Mark the next symbol as the beginning of ``token``."""
        span = (token.start, token.start + len(token.text))
        self.marks.append(Mark(kind="word", value=token.text, start=len(self.phones), span=span))

    def add(self, word: str, phones: tuple[str, ...]) -> None:
        """Add a word, or a pause if it has no phones."""
        if not phones:
            if self.phones[-1] != "pau":
                self._symbol("pau", 0, "none", 0)
                self.breaks.append(len(self.phones))
            return
        last = len(phones) - 1
        function = int(word in FUNCTION_WORDS)
        for place, phone in enumerate(phones):
            position = "begin" if place == 0 else "end" if place == last else "middle"
            stress = int(phone[-1] == "1")
            bare = phone.rstrip("012")
            self._symbol(bare, stress, position if last else "single", function)

    def end(self) -> None:
        """Add the final symbol."""
        self._symbol("<end>", 0, "none", 0)

    def _symbol(self, phone: str, stress: int, position: str, function: int) -> None:
        self.phones.append(phone)
        self.stress.append(stress)
        self.positions.append(position)
        self.function.append(function)


@final
class _Skipped:
    """The words of a text that English cannot read: the first of them, and their scripts."""

    def __init__(self) -> None:
        self.words: list[str] = []
        self.count = 0
        self.scripts: dict[str, None] = {}

    def add(self, words: list[str]) -> None:
        """Record ``words``, in bounded memory."""
        from voxstack_english.characters import script_of

        self.count += len(words)
        for word in words[: SKIPPED_SHOWN - len(self.words)]:
            self.words.append(word[:40])
            self.scripts[script_of(word[0])] = None

    def warn(self) -> None:
        """Log the words that were not spoken, once."""
        if self.count:
            get_logger("english").warning("skipped", words=self.words, count=self.count)

    def reason(self) -> str:
        """Return why there is nothing to speak, and what to do."""
        found = ", ".join(self.scripts)
        wanted = "nothing to speak: the text has no letters or digits that English can read"
        if found:
            return f"{wanted} (found {found}); choose a voice of that language: voxstack voices"
        return f"{wanted} (found only spaces, signs or nothing); add a word or a number"


def spoken_words(tokens: list[Token]) -> list[Spoken]:
    """Return the spoken words of ``tokens``, without pauses at either end."""
    spoken: list[Spoken] = []
    for token in tokens:
        for number, word in enumerate(token.words):
            if word != PAUSE:
                spoken.append(Spoken(word, None if number else token))
            elif spoken and spoken[-1].word != PAUSE:
                spoken.append(Spoken(PAUSE))
    while spoken and spoken[-1].word == PAUSE:
        spoken.pop()
    return spoken


def divide(spoken: list[Spoken], most: int) -> Iterator[list[Spoken]]:
    """Cut a sentence of more than ``most`` words: at a pause, before a conjunction, anywhere."""
    while sum(item.word != PAUSE for item in spoken) > most:
        at = _cut(spoken, most)
        yield spoken[:at]
        spoken = spoken[at:]
        while spoken[0].word == PAUSE:
            spoken = spoken[1:]
    if spoken:
        yield spoken


def _cut(spoken: list[Spoken], most: int) -> int:
    """Return the index at which to cut: the last good one among ``most`` words."""
    pause = conjunction = token = count = 0
    for index, item in enumerate(spoken):
        if item.word == PAUSE:
            pause = index if count > most // 4 else 0
            continue
        if count == most:
            break
        if count > most // 4 and item.token is not None:
            token = index
            conjunction = index if item.word in CONJUNCTIONS else conjunction
        count += 1
    at_most = index if item.token is not None else token or index
    return pause or conjunction or at_most


def _written(passage: Passage, part: list[Spoken], last: bool) -> str:
    """Return the text of the part of a passage that ``part`` speaks."""
    tokens = [item.token for item in part if item.token is not None]
    if not tokens:
        return ""
    first, final_token = tokens[0], tokens[-1]
    end = len(passage.text) if last else final_token.start + len(final_token.text) - passage.start
    return passage.text[first.start - passage.start : end]


def in_context(words: list[str]) -> list[str]:
    """Return ``words`` with a form's name in place of words whose sound depends on neighbors."""
    chosen = resolve(words)
    for index, (word, following) in enumerate(pairwise(words)):
        if word == "the" and following != PAUSE and pronounce(following)[0][0] in "aeiou":
            chosen[index] = "the+vowel"
    return chosen
