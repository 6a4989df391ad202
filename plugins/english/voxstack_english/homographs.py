"""Words that sound otherwise as a verb: a first few, told by the word before them.

The lexicon has the noun; "use+verb" names the other form in ``pronounce.EXCEPTIONS``.
"""

from __future__ import annotations

VERBS = frozenset(
    "use record object present lead live read project produce conduct contrast".split()
)
BEFORE_A_VERB = frozenset(
    "to will would can could shall should may might must cannot can't won't don't doesn't didn't"
    " wouldn't couldn't shouldn't let's please i'll we'll you'll they'll".split()
)


def resolve(words: list[str]) -> list[str]:
    """Give ``words`` with ``+verb`` after those that are verbs in their place."""
    chosen = list(words)
    for index, word in enumerate(words):
        if word in VERBS and index and words[index - 1] in BEFORE_A_VERB:
            chosen[index] = f"{word}+verb"
    return chosen
