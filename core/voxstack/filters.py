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
class Blocked:
    """Why a distribution may bring nothing, and what lets it in."""

    reason: str
    next_step: str


@final
@frozen
class Filter:
    """Which plugins may be used: patterns for distribution names, "acme-*"."""

    allow: tuple[str, ...] = ("*",)
    block: tuple[str, ...] = ()
    origin: str = "the host's settings"  # where the lists were given

    def judge(self, distribution: str) -> Blocked | None:
        """Say why a distribution is blocked, or None."""
        if distribution == OWN:
            return None
        for pattern in self.block:
            if fnmatchcase(distribution, normalised_pattern(pattern)):
                return Blocked(
                    f"blocked by {pattern!r} in {self.origin}",
                    f"if it is wanted, take {pattern!r} out of {self.origin}",
                )
        if any(fnmatchcase(distribution, normalised_pattern(p)) for p in self.allow):
            return None
        return Blocked(
            f"not allowed by {self.origin}",
            f"if it is wanted, add {distribution!r} to {self.origin}",
        )


def site_filters() -> tuple[Filter, ...]:
    """Read what VOXSTACK_ALLOW and VOXSTACK_BLOCK say, patterns with commas or spaces between.

    It holds for every registry of a process, that of the command line's own commands too, over
    whatever lists the host is given.
    """
    allow, block = (
        tuple(os.environ.get(name, "").replace(",", " ").split()) for name in (ALLOW, BLOCK)
    )
    return Filter(block=block, origin=BLOCK), Filter(allow or ("*",), origin=ALLOW)


def asked_filters(allow: tuple[str, ...], block: tuple[str, ...]) -> tuple[Filter, ...]:
    """Give the lists that a command, or a program, was told beside the deployment file."""
    return Filter(block=block, origin="--block"), Filter(allow or ("*",), origin="--allow")


def normalised_pattern(pattern: str) -> str:
    """Spell a pattern as distribution names are compared."""
    return pattern.replace("_", "-").lower()
