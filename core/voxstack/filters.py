"""Which packages may bring plugins: lists of patterns for the names of distributions."""

from __future__ import annotations

import os
from fnmatch import fnmatchcase
from typing import final

from attrs import frozen

ALLOW, BLOCK = "VOXSTACK_ALLOW", "VOXSTACK_BLOCK"
OWN = "voxstack"  # the host's own distribution: the lists of plugins do not touch it


@final
@frozen
class Filter:
    """Which plugins may be used: patterns for distribution names, "acme-*"."""

    allow: tuple[str, ...] = ("*",)
    block: tuple[str, ...] = ()
    origin: str = "the host's settings"  # where the lists were given

    def reason(self, distribution: str) -> str | None:
        """Say why a distribution is blocked, or None."""
        if distribution == OWN:
            return None
        for pattern in self.block:
            if fnmatchcase(distribution, normalised_pattern(pattern)):
                return f"blocked by {pattern!r} in {self.origin}"
        if any(fnmatchcase(distribution, normalised_pattern(p)) for p in self.allow):
            return None
        return f"not in the allow list of {self.origin}"


def site_filter() -> Filter:
    """Read what VOXSTACK_ALLOW and VOXSTACK_BLOCK say, patterns with commas between.

    It holds for every registry of a process, that of the command line's own commands too, over
    whatever lists the host is given.
    """
    given = {
        name: tuple(p.strip() for p in os.environ.get(name, "").split(",") if p.strip())
        for name in (ALLOW, BLOCK)
    }
    return Filter(given[ALLOW] or ("*",), given[BLOCK], f"the variables {ALLOW} and {BLOCK}")


def normalised_pattern(pattern: str) -> str:
    """Spell a pattern as distribution names are compared."""
    return pattern.replace("_", "-").lower()
