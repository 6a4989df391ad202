"""Every error that voxstack raises on purpose.

Each names the thing, the place, what was expected and the next step, and carries the objects
that failed as attributes. ``exit_code`` is what the command line returns: 2 for bad input (the
user can mend it), 1 for a fault.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any, final

from attrs import asdict, frozen

# What an executor may raise while it probes or loads and not end the host with: an SDK's
# sys.exit() too.
FAILURES = (Exception, SystemExit)

MOST_SHOWN = 100  # problems that one message tells
MOST_NAMES, LONGEST_NAME = 1000, 200  # that a hint looks through: it must not take seconds


class VoxstackError(Exception):
    """The base of every error that voxstack raises on purpose."""

    exit_code: int = 1


class InputError(VoxstackError):
    """What the user gave cannot be used: text, a path, an option."""

    exit_code = 2


class PluginError(VoxstackError):
    """A plugin is missing, broken, blocked, ambiguous or made for another voxstack.

    ``component`` is the registration that failed, where there is one.
    """

    exit_code = 2

    def __init__(self, message: str, component: Any = None, suggestion: str | None = None) -> None:
        super().__init__(f"{message} ({suggestion})" if suggestion else message)
        self.message, self.component, self.suggestion = message, component, suggestion


class AddonError(VoxstackError):
    """An addon cannot be read: damaged, unsafe, of a newer format, or not one at all."""

    exit_code = 2


@final
@frozen
class Problem:
    """One thing that is wrong in a configuration."""

    pointer: str  # JSON pointer of the place, RFC 6901
    message: str  # what is wrong and what was expected
    suggestion: str | None = None  # the next step, often a did-you-mean
    line: int | None = None  # 1-based, where the place has one
    column: int | None = None  # 1-based
    file: str | None = None  # the file's name as the user knows it
    count: int = 1  # how many problems it stands for: "and 950 more problems"

    def __str__(self) -> str:
        place = ":".join(str(p) for p in (self.file, self.line, self.column) if p is not None)
        where = [place, self.pointer or ("/" if place else "")]
        text = ": ".join([*filter(None, where), self.message])
        return f"{text} ({self.suggestion})" if self.suggestion else text

    def as_dict(self) -> dict[str, Any]:
        """Give the plain form that ``--json`` prints."""
        return asdict(self)


class ConfigError(VoxstackError):
    """A configuration has problems; all of those that could be found in one pass."""

    exit_code = 2

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        lines = [str(problem) for problem in self.problems[:MOST_SHOWN]]
        if more := sum(problem.count for problem in self.problems[MOST_SHOWN:]):
            lines.append(f"and {more} more problems")
        super().__init__("\n".join(lines))


class BlockError(VoxstackError):
    """A block failed while it ran.

    ``pointer`` is its place in the stack: the containers on the way out put theirs in front.
    """

    def __init__(self, message: str, pointer: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.pointer = pointer
        # The rows of blocks in which the pointer is settled: the error passes through the blocks
        # downstream in the row, which must not put their places in front of it.
        self.settled: list[object] = []

    def __str__(self) -> str:
        return f"{self.pointer}: {self.message}" if self.pointer else self.message


class MissingTensorError(BlockError, KeyError):
    """A block asked for a tensor that nothing before it made."""

    def __init__(self, name: str, available: Iterable[str], of: str = "chunk") -> None:
        self.name = name
        self.available = tuple(available)
        there = ", ".join(repr(n) for n in self.available) or "none"
        hint = did_you_mean(name, self.available)
        super().__init__(
            f"no tensor {name!r} in the {of}; there: {there}"
            + (f" ({hint})" if hint else "; add a block before this one that produces it")
        )

    __str__ = BlockError.__str__


class NetworkError(BlockError):
    """A network cannot be loaded or called; names the network and its file."""


def did_you_mean(name: str, names: Iterable[str]) -> str | None:
    """Suggest the nearest of ``names``, case aside, or None."""
    import difflib  # an error's path only

    if len(name) > LONGEST_NAME:
        return None
    by_lower = {n.lower(): n for n in islice(names, MOST_NAMES) if len(n) <= LONGEST_NAME}
    near = difflib.get_close_matches(name.lower(), by_lower, n=1, cutoff=0.6)
    return f"did you mean {by_lower[near[0]]!r}?" if near else None
