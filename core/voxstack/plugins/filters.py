"""Which distributions may provide plugins: lists of patterns for their names."""

from __future__ import annotations

import os
from fnmatch import fnmatchcase
from typing import final

from attrs import frozen

from voxstack.plugins.discovery import normalized

ALLOW, BLOCK = "VOXSTACK_ALLOW", "VOXSTACK_BLOCK"


@final
@frozen
class Blocked:
    """Why a distribution may provide nothing, and what changes that."""

    reason: str
    next_step: str


@final
@frozen
class Filter:
    """Patterns for distribution names such as "acme-*", compared as PEP 503 normalizes names."""

    allow: tuple[str, ...] = ("*",)
    block: tuple[str, ...] = ()
    origin: str = "the host's settings"  # where the lists were given

    def judge(self, distribution: str) -> Blocked | None:
        """Return why a distribution is blocked, or None."""
        for pattern in self.block:
            if fnmatchcase(distribution, normalized(pattern)):
                reason = f"blocked by {pattern!r} in {self.origin}"
                return Blocked(reason, f"to use it, remove {pattern!r} from {self.origin}")
        if any(fnmatchcase(distribution, normalized(pattern)) for pattern in self.allow):
            return None
        reason = f"not allowed by {self.origin}"
        return Blocked(reason, f"to use it, add {distribution!r} to {self.origin}")


def site_filters() -> tuple[Filter, ...]:
    """Return the lists of VOXSTACK_ALLOW and VOXSTACK_BLOCK, separated by commas or spaces.

    They hold for every registry of a process, that of the command line's own commands included,
    in addition to the lists that a host is given.
    """
    allow, block = (
        tuple(os.environ.get(name, "").replace(",", " ").split()) for name in (ALLOW, BLOCK)
    )
    return Filter(block=block, origin=BLOCK), Filter(allow or ("*",), origin=ALLOW)
