"""The errors that voxstack raises on purpose, and the words that their messages share.

Each error names the thing, the place, what was expected and the next step, and carries the objects
that failed as attributes. ``exit_code`` is what the command line returns: 2 for input that the user
can correct, 1 for a fault.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any, final

from attrs import asdict, frozen

# What an executor may raise while it probes or loads without ending the host: sys.exit() of an
# SDK is included.
FAILURES = (Exception, SystemExit)

MOST_SHOWN = 100  # problems that one message lists
MOST_NAMES, LONGEST_NAME = 1000, 200  # a suggestion must not take seconds to find
LONGEST_VALUE = 60  # characters


class VoxstackError(Exception):
    """Base of every error that voxstack raises on purpose."""

    exit_code: int = 1


class InputError(VoxstackError):
    """What the user gave cannot be used: text, a path, an option."""

    exit_code = 2


class PluginError(VoxstackError):
    """A plugin is missing, broken, blocked, ambiguous or made for another voxstack.

    ``component`` is the registration that failed, if there is one.
    """

    exit_code = 2

    def __init__(self, message: str, component: Any = None, suggestion: str | None = None) -> None:
        super().__init__(f"{message} ({suggestion})" if suggestion else message)
        self.message, self.component, self.suggestion = message, component, suggestion


class AddonError(VoxstackError):
    """An addon cannot be read: damaged, unsafe, of a newer format, or not an addon at all."""

    exit_code = 2


@final
@frozen
class Problem:
    """One thing that is wrong in a configuration."""

    pointer: str  # JSON pointer of the place, RFC 6901
    message: str  # what is wrong and what was expected
    suggestion: str | None = None  # the next step, often a did-you-mean
    line: int | None = None  # 1-based, if the place has one
    column: int | None = None  # 1-based
    file: str | None = None  # the file's name as the user knows it
    count: int = 1  # how many problems it stands for: "and 950 more problems"

    def __str__(self) -> str:
        place = ":".join(str(p) for p in (self.file, self.line, self.column) if p is not None)
        where = [place, self.pointer or ("/" if place else "")]
        text = ": ".join([*filter(None, where), self.message])
        return f"{text} ({self.suggestion})" if self.suggestion else text

    def as_dict(self) -> dict[str, Any]:
        """Return the plain form that is printed as JSON."""
        return asdict(self)


class ConfigError(VoxstackError):
    """A configuration has problems: all that could be found in one pass."""

    exit_code = 2

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        lines = [str(problem) for problem in self.problems[:MOST_SHOWN]]
        if more := sum(problem.count for problem in self.problems[MOST_SHOWN:]):
            lines.append(f"and {more} more problems")
        super().__init__("\n".join(lines))


class BlockError(VoxstackError):
    """A block failed while it ran; ``pointer`` is its place in the addon's configuration."""

    def __init__(self, message: str, pointer: str = "") -> None:
        super().__init__(message)
        self.message, self.pointer = message, pointer

    def __str__(self) -> str:
        return f"{self.pointer}: {self.message}" if self.pointer else self.message


class MissingTensorError(BlockError, KeyError):
    """A block asked for a tensor that nothing before it produced."""

    def __init__(self, name: str, available: Iterable[str], of: str = "chunk") -> None:
        self.name, self.available = name, tuple(available)
        there = ", ".join(map(repr, self.available)) or "none"
        hint = did_you_mean(name, self.available)
        super().__init__(
            f"no tensor {name!r} in the {of}, which has: {there}"
            + (f" ({hint})" if hint else "; add a block before this one that produces it")
        )

    __str__ = BlockError.__str__


class NetworkError(BlockError):
    """A network cannot be loaded or called; names the network and its file."""


# Words ------------------------------------------------------------------------------------------


def did_you_mean(name: str, names: Iterable[str], otherwise: str | None = None) -> str | None:
    """Return a suggestion of the nearest of ``names``, ignoring case, or ``otherwise``."""
    import difflib  # only needed for errors

    if len(name) > LONGEST_NAME:
        return otherwise
    by_lower = {n.lower(): n for n in islice(names, MOST_NAMES) if len(n) <= LONGEST_NAME}
    near = difflib.get_close_matches(name.lower(), by_lower, n=1, cutoff=0.6)
    return f"did you mean {by_lower[near[0]]!r}?" if near else otherwise


def escape(key: str) -> str:
    """Return a key as a part of a JSON pointer (RFC 6901)."""
    return key.replace("~", "~0").replace("/", "~1")


def listed(names: Sequence[str]) -> str:
    """Return names as a sentence has them: 'a', 'b' and 'c'."""
    *first, last = map(repr, names)
    return f"{', '.join(first)} and {last}" if first else last


def _date(value: Any) -> str:
    """Return a date or time of TOML as it was written."""
    if hasattr(value, "isoformat"):
        return str(value)
    raise TypeError


_JSON = json.JSONEncoder(ensure_ascii=False, default=_date)


def shown(value: Any) -> str:
    """Return a value of a configuration as JSON, cut short; as ``repr`` if JSON cannot hold it."""
    if isinstance(value, str):
        value = value[: LONGEST_VALUE + 1]
    if hasattr(value, "isoformat"):
        return str(value)
    text = ""
    try:
        for part in _JSON.iterencode(value):
            text += part
            if len(text) > LONGEST_VALUE:
                break
    except (TypeError, ValueError):
        text = repr(value)
    # A terminal would obey characters that do more than print.
    head = text[: LONGEST_VALUE + 1]
    plain = "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in head)
    return plain if len(plain) <= LONGEST_VALUE else plain[: LONGEST_VALUE - 3] + "..."
