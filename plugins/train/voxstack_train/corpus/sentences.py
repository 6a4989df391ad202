"""Count what sentences cover: phones, pairs of phones, questions, numbers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
from voxstack import Sentence, Symbols
from voxstack_english import English

PHONES = (
    "pau aa ae ah ao aw ax ay b ch d dh eh er ey f g hh ih iy jh k l m n ng ow oy p r s sh t th uh "
    "uw v w y z zh"
)
SYMBOLS = {
    "phone": {
        name: index for index, name in enumerate(["<pad>", "<start>", "<end>", *PHONES.split()])
    },
    "word_position": {"none": 0, "begin": 1, "middle": 2, "end": 3, "single": 4},
}
NAMES = tuple(SYMBOLS["phone"])
INPUTS = ("ids", "stress", "word_position", "function_word")  # of the text, one row each
NUMBERS = re.compile(
    r"\d|\b(one|two|three|four|five|six|seven|eight|nine|ten|\w+teen|twenty|\w+ty|hundred)\b"
)


@cache
def frontend() -> English:
    """Return the frontend of the voices."""
    return English(symbols=Symbols(SYMBOLS))


def sentences_of(text: str) -> list[Sentence]:
    """Return the frontend's sentences of a text."""
    return list(frontend().sentences([text]))


def rows_of(sentence: Sentence) -> np.ndarray:
    """Return the text inputs of one sentence, int64 [len(INPUTS), symbols]."""
    return np.stack([np.asarray(sentence.tensors[name])[0] for name in INPUTS])


def phones_of(text: str) -> list[str]:
    """Return the names of a text's symbols according to the frontend."""
    return [NAMES[i] for s in sentences_of(text) for i in np.asarray(s.tensors["ids"])[0]]


def pairs_of(phones: Sequence[str]) -> list[tuple[str, str]]:
    """Return every two consecutive phones."""
    return list(pairwise(phones))


def plain(text: str) -> str:
    """Return only the letters and digits, which are equal for sentences that sound alike."""
    return re.sub(r"[^a-z0-9]+", " ", text.lower()).strip()


def coverage(texts: Iterable[str]) -> dict[str, Any]:
    """Count what the texts cover; return the numbers of a coverage report."""
    phones: Counter[str] = Counter()
    pairs: Counter[tuple[str, str]] = Counter()
    questions = numbers = words = count = 0
    for text in texts:
        count += 1
        words += len(text.split())
        questions += text.rstrip().endswith("?")
        numbers += bool(NUMBERS.search(text.lower()))
        said = phones_of(text)
        phones.update(said)
        pairs.update(pairs_of(said))
    spoken = [name for name in NAMES if not name.startswith("<")]
    return {
        "sentences": count,
        "words": words,
        "questions": questions,
        "with numbers": numbers,
        "phones": sum(phones[name] > 0 for name in spoken),
        "phones of": len(spoken),
        "rarest phones": {
            name: phones[name] for name in sorted(spoken, key=lambda name: phones[name])[:5]
        },
        "pairs": len(pairs),
        "pairs seen 5 times": sum(n >= 5 for n in pairs.values()),
    }
