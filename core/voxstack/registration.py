"""A registration: one name that a package announces, and whether it can be used.

Names that several packages bring are ambiguous: neither wins by accident.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, final

from attrs import define, field

from voxstack.components import KINDS
from voxstack.discovery import Package, well_formed
from voxstack.filters import Blocked


@final
@define(eq=False)
class Registration:
    """One name that a package announces, and whether it can be used."""

    kind: str
    name: str
    target: str
    distribution: str
    version: str
    status: str = "ok"  # ok, dynamic, blocked, ambiguous, broken or incompatible
    reason: str | None = None
    next_step: str | None = None  # for one that is blocked
    options: Mapping[str, Any] = field(factory=dict)
    package: Package | None = field(default=None, repr=False)
    loaded: Any = field(default=None, repr=False)  # the target, once it was imported

    @property
    def namespace(self) -> str:
        """Names are unique within it."""
        return KINDS[self.kind].namespace if self.kind in KINDS else "module"

    @property
    def usable(self) -> bool:
        """Tell whether a stack may name it as it stands."""
        return self.status == "ok"

    @property
    def owner(self) -> str:
        """Name its distribution, with the version."""
        return f"{self.distribution} {self.version}".rstrip()

    def refusal(self) -> str:
        """Say why it cannot be used."""
        told = self.status == "blocked" or (self.reason or "").startswith(self.status)
        status = "" if told else f"{self.status}: "
        return f"{self.name!r} of {self.owner} cannot be used: {status}{self.reason}"

    def block(self, why: Blocked) -> None:
        """Let nobody use it."""
        self.status, self.reason, self.next_step = "blocked", why.reason, why.next_step

    def listing(self) -> dict[str, str | None]:
        """Give the row that ``voxstack plugins --json`` prints."""
        names = ("kind", "name", "target", "distribution", "version", "status", "reason")
        return {name: getattr(self, name) for name in names}


def is_target(target: str, kind: str) -> bool:
    """Tell a package from a name in one; to locate a package in another would import that."""
    if kind == "addons":
        return well_formed(target) and not {":", "."} & {*target}
    return well_formed(target) and ":" in target


def mark_ambiguous(registrations: Iterable[Registration]) -> None:
    """Mark the names that several packages bring."""
    by_name: dict[tuple[str, str], list[Registration]] = {}
    for registration in registrations:
        if registration.status in ("ok", "ambiguous") and registration.kind in KINDS:
            key = (registration.namespace, registration.name)
            by_name.setdefault(key, []).append(registration)
    for (namespace, name), rivals in by_name.items():
        if len({(r.distribution, r.target) for r in rivals}) < 2:
            continue
        for rival in rivals:
            rival.status, rival.reason = "ambiguous", _clash(namespace, name, rivals)


def _clash(namespace: str, name: str, rivals: Sequence[Registration]) -> str:
    """Say who brings one name, and how to choose."""
    places = sorted({f"{r.distribution} {r.version}" for r in rivals})
    if len(places) == 1:  # a name with its distribution does not tell them apart
        targets = " and ".join(sorted(repr(r.target) for r in rivals))
        return (
            f"{places[0]} brings the {namespace} {name!r} twice, as {targets}: "
            "tell its authors, and uninstall it or install another version"
        )
    choice = " or ".join(sorted({repr(f"{name}@{r.distribution}") for r in rivals}))
    newcomer = min(rivals, key=lambda r: (r.distribution.startswith("voxstack"), r.distribution))
    return (
        f"{' and '.join(places)} both bring the {namespace} {name!r}: name {choice}, or keep one "
        f"out: --block {newcomer.distribution}"
    )
