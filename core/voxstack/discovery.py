"""Scan the installed distributions for entry points of voxstack; import nothing.

Reads ``entry_points.txt`` alone: name and version come from the name of the dist-info folder.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, final

import importlib_metadata
from attrs import field, frozen

from voxstack.components import GROUPS, KINDS, Component, hookimpl
from voxstack.deprecations import RENAMED_GROUPS
from voxstack.errors import did_you_mean

_TARGET = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*(:[^\W\d]\w*(\.[^\W\d]\w*)*)?")


def normalised(name: str) -> str:
    """Give a distribution's name as PyPI compares it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


@final
@frozen(eq=False)
class Package:
    """An installed distribution that announces something to voxstack."""

    name: str  # normalised
    version: str
    entries: tuple[tuple[str, str, str], ...]  # group, name, value
    damage: str | None = None  # why its entry points cannot be read
    distribution: Any = field(default=None, repr=False)

    def group_of(self, group: str, name: str) -> str:
        """Give the group that an entry point stands in: ``group``, or one that it was."""
        written = {g for g, n, _ in self.entries if n == name and _current(g) == group}
        return group if group in written or not written else written.pop()

    def requirement(self) -> str | None:
        """Read what it asks of voxstack, ">=0.1,<1", or None. The one read of METADATA."""
        text = self.distribution.read_text("METADATA") if self.distribution else None
        text = text or ""
        found = re.search(r"(?im)^Requires-Dist:\s*voxstack(?![\w.-])\s*([^;\n]*)", text)
        return found[1].strip(" ()") or None if found else None

    def components(self) -> Iterator[tuple[str, Component]]:
        """Give (kind, component) of the ordinary entry points."""
        for group, name, value in self.entries:
            kind = _current(group).removeprefix("voxstack.")
            if kind in KINDS:
                yield kind, Component(name, value, distribution=self.name)

    def unread(self) -> Iterator[tuple[str, str, str, str]]:
        """Give (group, name, what is wrong, hint) of entry points in groups that nobody reads."""
        for group, name, _ in self.entries:
            if _current(group) not in GROUPS:
                hint = did_you_mean(group, GROUPS) or f"groups: {', '.join(GROUPS)}"
                yield group, name, f"nobody reads the group {group!r} of entry points", hint

    def modules(self, group: str) -> Iterator[tuple[str, str]]:
        """Give (name, module) of the modules with hooks in ``group``."""
        for entry_group, name, value in self.entries:
            if _current(entry_group) == group:
                yield name, value


def _current(group: str) -> str:
    return RENAMED_GROUPS[group][0] if group in RENAMED_GROUPS else group


def well_formed(target: str) -> bool:
    """Tell whether an entry point's value can name a module or an attribute of one."""
    return _TARGET.fullmatch(target) is not None


def scan(path: Iterable[str] | None = None) -> list[Package]:
    """Find the packages on ``path`` (default: sys.path), each once, the first one found."""
    where = {} if path is None else {"path": list(path)}
    packages, seen = [], set()
    for distribution in importlib_metadata.distributions(**where):
        name, version = _identity(distribution)
        if name in seen:
            continue
        seen.add(name)
        text = _read(distribution)
        if "voxstack" not in text:
            continue
        entries, damage = _entries(text)
        if entries or damage:
            packages.append(Package(name, version, entries, damage, distribution))
    return packages


def _identity(distribution: Any) -> tuple[str, str]:
    """Read name and version off the folder ``acme_voice-1.0.dist-info``."""
    folder = getattr(distribution, "_path", None)
    stem, _, suffix = str(getattr(folder, "name", "")).rpartition(".")
    name, dash, version = stem.partition("-")
    if suffix not in ("dist-info", "egg-info") or not dash:
        return normalised(distribution.name or ""), distribution.version or ""
    if suffix == "egg-info":
        version = version.partition("-py")[0]
    return normalised(name), version


def _read(distribution: Any) -> str:
    try:
        return str(distribution.read_text("entry_points.txt") or "")
    except (OSError, UnicodeDecodeError):
        return ""


def _entries(text: str) -> tuple[tuple[tuple[str, str, str], ...], str | None]:
    """Read the groups of voxstack; an INI of "name = value" lines."""
    entries, group, damage = [], "", None
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.strip()
        if line.startswith("["):
            group = line.strip("[] \t")
        elif line and line[0] not in "#;" and (group + ".").startswith("voxstack."):
            name, equals, value = (part.strip() for part in line.partition("="))
            value = value.partition("[")[0].strip()  # "module:Class [extra]"
            if equals and name and value:
                entries.append((group, name, value))
            else:
                damage = f"entry_points.txt, line {number}: expected 'Name = module:Class'"
    return tuple(entries), damage


class EntryPoints:
    """The host's own plugin: answers the hooks of each kind from the entry points."""

    def __init__(self, packages: Iterable[Package]) -> None:
        self.found: dict[str, list[Component]] = {kind: [] for kind in KINDS}
        for package in packages:
            for kind, component in package.components():
                self.found[kind].append(component)


def _answer(kind: str) -> Any:
    def hook(self: EntryPoints) -> list[Component]:
        return self.found[kind]

    hook.__name__ = KINDS[kind].hook
    hook.__doc__ = f"Give the {kind} that entry points announce."
    return hookimpl(hook)


for _kind in KINDS.values():
    setattr(EntryPoints, _kind.hook, _answer(_kind.name))
