"""Check a plugin's own requirement on voxstack, ">=0.1,<1" (the numeric part of PEP 440)."""

from __future__ import annotations

import re

_CLAUSE = re.compile(r"(~=|===?|!=|<=|>=|<|>)\s*([0-9]+(?:\.[0-9]+)*)(\.\*)?[^,]*")


def satisfies(version: str, requirement: str) -> bool:
    """Tell whether ``version`` meets every clause; a clause that cannot be read is met."""
    mine = _numbers(version)
    for operator, text, star in _CLAUSE.findall(requirement):
        theirs = _numbers(text)
        width = max(len(mine), len(theirs))
        a, b = _filled(mine, width), _filled(theirs, width)
        prefix = mine[: len(theirs)] == theirs
        met = {
            ">=": a >= b,
            "<=": a <= b,
            ">": a > b,
            "<": a < b,
            "==": prefix if star else a == b,
            "===": a == b,
            "!=": not (prefix if star else a == b),
            "~=": a >= b and mine[: len(theirs) - 1] == theirs[:-1],
        }[operator]
        if not met:
            return False
    return True


def _numbers(version: str) -> tuple[int, ...]:
    release = re.match(r"[0-9.]*", version)
    return tuple(int(n) for n in release[0].strip(".").split(".") if n) if release else ()


def _filled(numbers: tuple[int, ...], width: int) -> tuple[int, ...]:
    return numbers + (0,) * (width - len(numbers))
