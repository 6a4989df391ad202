"""A registration: one name that a package announces, whether it can be used, and its import."""

from __future__ import annotations

import importlib
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, final

from attrs import define, field

import voxstack
from voxstack.errors import PluginError
from voxstack.hookspecs import KINDS
from voxstack.logs import get_logger
from voxstack.plugins.discovery import Package, well_formed
from voxstack.plugins.filters import Blocked

log = get_logger("plugins")

OWN_TARGETS = "voxstack."  # what the host's own modules are called: nothing else is imported by it

_REQUIRES = re.compile(
    r"(?im)^Requires-Dist:\s*voxstack(?![\w.-])\s*(?:\[[^]]*\])?([^;\n]*);?(.*)$"
)


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
        """Whether a stack may name it as it stands."""
        return self.status == "ok"

    @property
    def owner(self) -> str:
        """Its distribution, with the version."""
        return f"{self.distribution} {self.version}".rstrip()

    @property
    def identity(self) -> tuple[str, str]:
        """What it stands for: the host's own components are the same from every distribution."""
        return "" if self.target.startswith(OWN_TARGETS) else self.distribution, self.target

    def refusal(self) -> str:
        """Return why it cannot be used."""
        said = self.status == "blocked" or (self.reason or "").startswith(self.status)
        status = "" if said else f"{self.status}: "
        return f"{self.name!r} of {self.owner} cannot be used: {status}{self.reason}"

    def block(self, why: Blocked) -> None:
        """Mark it as blocked."""
        self.status, self.reason, self.next_step = "blocked", why.reason, why.next_step

    def mark_broken(self, reason: str) -> None:
        """Mark it as broken."""
        self.status, self.reason = "broken", reason
        log.info("plugin broken", name=self.name, reason=reason)

    def require(self) -> None:
        """Check that it can be used with this voxstack; PluginError if not."""
        if self.loaded is None:
            self._check_requirement()
        if self.status in ("blocked", "broken", "incompatible"):
            raise PluginError(self.refusal(), self, self.next_step)

    def _check_requirement(self) -> None:
        """Compare what its package requires of voxstack with this version."""
        distribution = self.package.distribution if self.package else None
        try:
            text = distribution.read_text("METADATA") if distribution else None
        except (OSError, UnicodeDecodeError) as error:
            self.mark_broken(f"METADATA: {error}")
            return
        for given, marker in _REQUIRES.findall(text or ""):
            wanted = given.strip(" ()")
            if not wanted or wanted[0] == "@":  # any version, or one address
                continue
            from packaging.specifiers import SpecifierSet

            try:
                if marker.strip() and not _holds(marker):
                    continue
                fits = SpecifierSet(wanted).contains(voxstack.__version__, prereleases=True)
            except ValueError as error:  # packaging's own are ValueErrors
                self.mark_broken(f"METADATA: {error}")
                return
            if not fits:
                self.status = "incompatible"
                self.reason = (
                    f"it needs voxstack {wanted}, this is {voxstack.__version__}; "
                    f"install another version of {self.distribution}"
                )

    def listing(self) -> dict[str, str | None]:
        """Return the row of a listing."""
        names = ("kind", "name", "target", "distribution", "version", "status", "reason")
        return {name: getattr(self, name) for name in names}


def _holds(marker: str) -> bool:
    from packaging.markers import Marker  # takes as long to import as all else here

    return Marker(marker).evaluate({"extra": ""})


def is_target(target: str, kind: str) -> bool:
    """Return whether a target is of the form that its kind takes.

    An addon is a top-level package: to locate a package in another would import that.
    """
    if kind == "addons":
        return well_formed(target) and not {":", "."} & {*target}
    return well_formed(target) and ":" in target


def imported(registration: Registration) -> Any:
    """Import a target; PluginError if that fails, or if it is not what its kind takes."""
    module, _, attribute = registration.target.partition(":")
    process = os.getpid()
    try:
        target: Any = importlib.import_module(module)
        if os.getpid() != process:
            os._exit(0)  # the plugin forked: only one of the two goes on
        for part in attribute.split(".") if attribute else ():
            target = getattr(target, part)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # SystemExit too: a plugin must not end the host
        raise PluginError(
            f"importing {registration.target!r} failed with {type(error).__name__}: {error}"
        ) from error
    base = KINDS[registration.kind].base if registration.kind in KINDS else None
    if base is not None:
        _check_class(target, base, registration)
    return target


def _check_class(target: Any, base: str, registration: Registration) -> None:
    module, _, name = base.partition(":")
    wanted = getattr(importlib.import_module(module), name)
    configured = name != "Format"  # a format has no options
    if not isinstance(target, type):
        what = f"is a {type(target).__name__}"
    elif not issubclass(target, wanted):
        what = f"is a class that does not extend voxstack.{name}"
    elif configured and not hasattr(target, "__attrs_attrs__"):
        what = "is not an attrs class; decorate it with @attrs.frozen"
    elif isinstance(formats := getattr(target, "formats", None), str):
        what = f'has formats = "{formats}", which is a string; write formats = ("{formats}",)'
    else:
        return
    raise PluginError(
        f"{registration.target!r} {what}; the group {KINDS[registration.kind].group} takes "
        f"{'attrs ' if configured else ''}classes that extend voxstack.{name}"
    )


# Names that several packages provide ------------------------------------------------------------


def mark_ambiguous(registrations: Iterable[Registration]) -> None:
    """Mark the names that several packages provide: none of them wins by accident."""
    by_name: dict[tuple[str, str], list[Registration]] = {}
    for registration in registrations:
        if registration.status in ("ok", "ambiguous") and registration.kind in KINDS:
            key = (registration.namespace, registration.name)
            by_name.setdefault(key, []).append(registration)
    for (namespace, name), rivals in by_name.items():
        if len({r.identity for r in rivals}) > 1:
            for rival in rivals:
                rival.status, rival.reason = "ambiguous", _clash(namespace, name, rivals)


def _clash(namespace: str, name: str, rivals: Sequence[Registration]) -> str:
    owners = sorted({r.owner for r in rivals})
    if len(owners) == 1:  # a name with its distribution does not tell them apart
        targets = " and ".join(sorted(repr(r.target) for r in rivals))
        return (
            f"{owners[0]} provides the {namespace} {name!r} twice, as {targets}; "
            "report it to its authors, and uninstall it or install another version"
        )
    choice = " or ".join(sorted({repr(f"{name}@{r.distribution}") for r in rivals}))
    return (
        f"{' and '.join(owners)} both provide the {namespace} {name!r}; name {choice}, or block "
        "all but one of these distributions"
    )
