"""What does not fit its place in a configuration, and how it is told."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, cast

import attrs

from voxstack.documents import Document
from voxstack.errors import Problem

MOST_OF_A_KIND = 50  # problems of one kind that are told in full

# From the first name, value or number in a message to the last.
_NAMES = re.compile(r"""['"{\[0-9](.*['"}\]0-9])?""", re.DOTALL)


class Unfit(Exception):  # noqa: N818 - internal: becomes a Problem
    """A value that does not fit its option; ``pointer`` is below the place that asked.

    A ``suggestion`` that takes time to find is a function: it is called if it is told.
    """

    def __init__(
        self,
        message: str,
        suggestion: str | Callable[[], str | None] | None = None,
        pointer: str = "",
    ) -> None:
        super().__init__(message)
        self.message, self.suggestion, self.pointer = message, suggestion, pointer


class Unfits(Exception):  # noqa: N818 - internal: carries problems that have their place
    """Several problems below one place."""

    def __init__(self, problems: list[Unfit]) -> None:
        super().__init__(*problems)
        self.problems = problems


def unfits_of(error: BaseException, pointer: str = "") -> Iterator[Unfit]:
    """Give the problems that an exception carries, below ``pointer``."""
    problems = error.problems if isinstance(error, Unfits) else [error]
    for problem in cast("list[Any]", problems):
        if isinstance(problem, Unfit):
            yield Unfit(problem.message, problem.suggestion, pointer + problem.pointer)
        else:
            yield Unfit(str(problem) or repr(problem), None, pointer)


def problems_of(document: Document, error: BaseException, pointer: str = "") -> list[Problem]:
    """Give what did not fit its place in the document.

    Of many problems of one kind the first are given in full, and the others are counted.
    """
    problems: list[Problem] = []
    found: Counter[str] = Counter()
    first: dict[str, str] = {}
    for unfit in unfits_of(error, pointer):
        kind = _kind(unfit.message)
        found[kind] += 1
        first.setdefault(kind, unfit.pointer)
        if found[kind] <= MOST_OF_A_KIND:
            hint = unfit.suggestion() if callable(unfit.suggestion) else unfit.suggestion
            problems.append(document.problem(unfit.pointer, unfit.message, hint))
    for kind, count in found.items():
        if (more := count - MOST_OF_A_KIND) > 0:
            text = f"and {more} more {'problems' if more > 1 else 'problem'} like {first[kind]}"
            problems.append(attrs.evolve(document.problem("", text), count=more))
    return problems


def _kind(message: str) -> str:
    """Give what problems of one kind have in common: all but the names and values in them."""
    return _NAMES.sub("...", message, count=1)
