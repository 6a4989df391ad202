"""A voice's symbols, and a frontend that uses them."""

import pytest
from voxstack import Symbols
from voxstack_english import English

VOWELS = ("aa", "ae", "ah", "ao", "aw", "ax", "ay", "eh", "er", "ey", "ih", "iy", "ow", "oy")
CONSONANTS = ("b", "ch", "d", "dh", "f", "g", "hh", "jh", "k", "l", "m", "n", "ng", "p", "r", "s")
LATE = ("sh", "t", "th", "uh", "uw", "v", "w", "y", "z", "zh")
PHONES = ("<pad>", "<start>", "<end>", "pau", *sorted((*VOWELS, *CONSONANTS)), *LATE)
POSITIONS = ("none", "begin", "middle", "end", "single")


@pytest.fixture(scope="session")
def symbols() -> Symbols:
    tables = {"phone": PHONES, "word_position": POSITIONS}
    return Symbols(
        {table: {name: i for i, name in enumerate(names)} for table, names in tables.items()}
    )


@pytest.fixture(scope="session")
def english(symbols) -> English:
    return English(symbols=symbols)
