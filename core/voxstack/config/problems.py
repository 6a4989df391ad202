"""What does not fit its place in a configuration, and how it becomes a Problem."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any, cast

import attrs

from voxstack.config.documents import Document
from voxstack.errors import Problem

MOST_OF_A_KIND = 50  # problems of one kind that are listed in full

# From the first name, value or number in a message to the last.
_NAMES = re.compile(r"""['"{\[0-9](.*['"}\]0-9])?""", re.DOTALL)

Suggestion = str | Callable[[], str | None] | None  # a function if it takes time to find


class Invalid(Exception):  # noqa: N818 - internal: becomes a Problem
    """A value that does not fit its option; ``pointer`` is relative to where it was asked for."""

    def __init__(self, message: str, suggestion: Suggestion = None, pointer: str = "") -> None:
        super().__init__(message)
        self.message, self.suggestion, self.pointer = message, suggestion, pointer

    def below(self, pointer: str) -> Invalid:
        """Return the same at a place below ``pointer``."""
        return Invalid(self.message, self.suggestion, pointer + self.pointer)


class Invalids(Exception):  # noqa: N818 - internal: carries several
    """Several values that do not fit, below one place."""

    def __init__(self, problems: Iterable[Invalid]) -> None:
        self.problems = list(problems)
        super().__init__(*self.problems)


def invalids_of(error: BaseException, pointer: str = "") -> Iterator[Invalid]:
    """Yield what an exception carries, below ``pointer``."""
    problems = error.problems if isinstance(error, Invalids) else [error]
    for problem in cast("list[Any]", problems):
        if isinstance(problem, Invalid):
            yield problem.below(pointer)
        else:
            yield Invalid(str(problem) or repr(problem), None, pointer)


def problems_of(document: Document, error: BaseException, pointer: str = "") -> list[Problem]:
    """Return what an exception carries as problems of the document.

    The first of many problems of one kind are listed in full, the others are counted.
    """
    problems: list[Problem] = []
    found: Counter[str] = Counter()
    first: dict[str, str] = {}
    for invalid in invalids_of(error, pointer):
        kind = _NAMES.sub("...", invalid.message, count=1)
        found[kind] += 1
        first.setdefault(kind, invalid.pointer)
        if found[kind] <= MOST_OF_A_KIND:
            hint = invalid.suggestion() if callable(invalid.suggestion) else invalid.suggestion
            problems.append(document.problem(invalid.pointer, invalid.message, hint))
    for kind, count in found.items():
        if (more := count - MOST_OF_A_KIND) > 0:
            text = f"and {more} more {'problems' if more > 1 else 'problem'} like {first[kind]}"
            problems.append(attrs.evolve(document.problem("", text), count=more))
    return problems
