"""Words that sound different as a verb, recognized by the word before them (a small set).

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
    """Return ``words`` with ``+verb`` appended to those that are verbs here."""
    chosen = list(words)
    for index, word in enumerate(words):
        if word in VERBS and index and words[index - 1] in BEFORE_A_VERB:
            chosen[index] = f"{word}+verb"
    return chosen
