"""Scan the installed distributions for entry points of voxstack; import nothing."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from typing import Any, final

import importlib_metadata
from attrs import field, frozen

from voxstack.errors import did_you_mean
from voxstack.hookspecs import GROUPS, GROUPS_GROUP, KINDS, PREFIX, Component

_TARGET = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*(:[^\W\d]\w*(\.[^\W\d]\w*)*)?")


Entries = tuple[tuple[str, str, str], ...]  # group, name, value


def normalized(name: str) -> str:
    """Return a distribution's name as package indexes compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def well_formed(target: str) -> bool:
    """Return whether an entry point's value can name a module or an attribute of one."""
    return _TARGET.fullmatch(target) is not None


@final
@frozen(eq=False)
class Package:
    """An installed distribution that announces something to voxstack."""

    name: str  # normalized
    version: str
    entries: Entries
    damage: str | None = None  # why its entry points cannot be read
    distribution: Any = field(default=None, repr=False)

    def components(self) -> Iterator[tuple[str, Component]]:
        """Yield (kind, component) of the ordinary entry points."""
        for group, name, value in self.entries:
            kind = group.removeprefix(PREFIX)
            if kind in KINDS:
                yield kind, Component(name, value)

    def modules(self, group: str) -> Iterator[tuple[str, str]]:
        """Yield (name, module) of the modules with hooks in ``group``."""
        for entry_group, name, value in self.entries:
            if entry_group == group:
                yield name, value

    def unread(self, known: Collection[str]) -> Iterator[tuple[str, str, str]]:
        """Yield (group, name, hint) of entry points in groups that are not ``known``."""
        for group, name, _ in self.entries:
            if group not in known:
                yield group, name, did_you_mean(group, known) or f"groups: {', '.join(known)}"


def known_groups(packages: Iterable[Package]) -> list[str]:
    """Return the entry-point groups that the host reads, and those that packages define."""
    own = [PREFIX + name for p in packages for name, _ in p.modules(GROUPS_GROUP)]
    return [*GROUPS, *own]


def scan(path: Iterable[str] | None = None) -> list[Package]:
    """Return the packages on ``path`` (default: sys.path), each once, the first one found.

    Only ``entry_points.txt`` is read: name and version are those of the dist-info folder.
    """
    where = {} if path is None else {"path": list(path)}
    packages, seen = [], set()
    for distribution in importlib_metadata.distributions(**where):
        name, version = _identity(distribution)
        if name in seen or name.startswith("~"):  # "~name" is left over from a failed uninstall
            continue
        seen.add(name)
        try:
            text = distribution.read_text("entry_points.txt") or ""
        except (OSError, UnicodeDecodeError):
            continue
        if "voxstack" not in text:  # parsing all of them would take three times as long
            continue
        entries, damage = _entries(distribution, text)
        if entries or damage:
            packages.append(Package(name, version, entries, damage, distribution))
    return packages


def _identity(distribution: Any) -> tuple[str, str]:
    """Return name and version from the name of the folder ``acme_voice-1.0.dist-info``."""
    folder = getattr(distribution, "_path", None)
    stem, _, suffix = str(getattr(folder, "name", "")).rpartition(".")
    name, dash, version = stem.partition("-")
    if suffix not in ("dist-info", "egg-info") or not dash:
        return normalized(distribution.name or ""), distribution.version or ""
    if suffix == "egg-info":
        version = version.partition("-py")[0]
    return normalized(name), version


def _entries(distribution: Any, text: str) -> tuple[Entries, str | None]:
    """Return the entry points in groups of voxstack, and what is wrong with them."""
    with suppress(Exception):  # of the library's parser, at any damage
        found = tuple(
            (point.group, point.name, point.value.partition("[")[0].strip())
            for point in distribution.entry_points
            if f"{point.group}.".startswith(PREFIX)
        )
        if all(name and value for _, name, value in found):
            return found, None
    return _salvaged(text)


def _salvaged(text: str) -> tuple[Entries, str | None]:
    """Return the good lines of a damaged file, and where the last bad one is."""
    entries, group, damage = [], "", None
    for number, line in enumerate(map(str.strip, text.splitlines()), start=1):
        if line.startswith("["):
            group = line.strip("[] \t")
        elif line and line[0] not in "#;" and f"{group}.".startswith(PREFIX):
            name, _, value = (part.strip() for part in line.partition("="))
            value = value.partition("[")[0].strip()
            if name and value:
                entries.append((group, name, value))
            else:
                damage = f"entry_points.txt, line {number}: expected 'Name = module:Class'"
    return tuple(entries), damage
