"""An addon's identity, files, networks and parts, found out without loading any of it.

``voxstack addon check`` prints them. A bad file ends the check before an executor reads a byte; an
odd one, such as a file that nothing reads, is a warning.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from itertools import islice
from pathlib import PurePosixPath
from typing import Any, final

import attrs
from attrs import define, field, frozen
from voxstack import Addon, AddonError, Format, FormatError, Host, PluginError, VoxstackError
from voxstack.inspection import (
    MANIFEST,
    MAX_FILE,
    MAX_FILES,
    MAX_MANIFEST,
    MAX_RATIO,
    MAX_TEXT,
    MAX_TOTAL,
    escape,
)

from voxstack_kit.checking.contents import HEAD, TAIL, content_of, is_active
from voxstack_kit.checking.present import Present, present
from voxstack_kit.checking.provenance import Origin, origin_of

LIMITS = {
    "manifest_bytes": MAX_MANIFEST,
    "text_bytes": MAX_TEXT,
    "file_bytes": MAX_FILE,
    "total_bytes": MAX_TOTAL,
    "files": MAX_FILES,
    "zip_ratio": MAX_RATIO,
}
CANNOT = (
    "run code: it holds data, and voxstack imports and unpickles none of it",
    "have other files read: only those that it lists, with their hashes",
    "reach the network: voxstack opens no connection for it",
)
UNLISTED = "not listed: never read"
MOST_NAMED = 3  # unlisted files, in a warning
CODE = (".py", ".pyc", ".pyd", ".so", ".dll", ".dylib", ".exe", ".js", ".sh", ".bat")
LICENSES = re.compile(r"(licen[cs]e|copying|notice)\b.*", re.IGNORECASE)


@final
@frozen
class FileReport:
    """One file of an addon."""

    path: str
    bytes: int
    content: str  # what it is, by its first bytes
    listed: bool  # in the manifest, with its hash
    ok: bool
    note: str = ""  # what is wrong or odd with it


@final
@frozen
class NetworkReport:
    """A network by its manifest and by its file."""

    name: str
    role: str
    files: dict[str, str]  # format -> path
    parameters: int | None = None  # numbers in it; None: its format was not read
    producer: str | None = None
    version: str | None = None  # of the format
    operators: dict[str, int] = field(factory=dict)
    foreign: tuple[str, ...] = ()  # operators that the format does not define


@final
@frozen
class Part:
    """Something of another package that the stack names."""

    pointer: str
    kind: str  # block, frontend, executor or addon
    name: str
    distribution: str | None  # None: none that can be used
    version: str | None
    reason: str | None = None


@final
@define
class Audit:
    """All that is known of an addon without loading it."""

    addon: Addon
    origin: Origin | None  # None: a folder or a zip
    files: list[FileReport] = field(factory=list)
    networks: list[NetworkReport] = field(factory=list)
    parts: list[Part] = field(factory=list)
    warnings: list[str] = field(factory=list)

    @property
    def problems(self) -> list[str]:
        """Return what is wrong with its files; it must not be loaded."""
        return [file.note for file in self.files if not file.ok]

    def identity(self) -> dict[str, Any]:
        """Return what the addon says of itself and of its authors."""
        manifest = self.addon.manifest
        names = ("name", "version", "language", "description", "author", "homepage", "datasets")
        facts: dict[str, Any] = {name: getattr(manifest, name) for name in names}
        facts["datasets"] = list(manifest.datasets)
        facts["license"] = manifest.license
        facts["license_files"] = license_files(self.addon)
        facts["place"] = self.addon.files.name
        return facts

    def as_dict(self) -> dict[str, Any]:
        """Return the plain form that ``--json`` prints."""
        return {
            "identity": self.identity(),
            "origin": self.origin.as_dict() if self.origin else None,
            "files": [attrs.asdict(file) for file in self.files],
            "networks": [attrs.asdict(network) for network in self.networks],
            "parts": [attrs.asdict(part) for part in self.parts],
            "cannot": list(CANNOT),
            "limits": LIMITS,
            "warnings": self.warnings,
        }


def license_files(addon: Addon) -> list[str]:
    """Return the listed files that are licenses or notices by their names."""
    return [p for p in addon.manifest.files if LICENSES.fullmatch(PurePosixPath(p).name)]


def audit(host: Host, name: str, addon: Addon) -> Audit:
    """Check every file of an addon, and what its stack names."""
    found = Audit(addon, _origin(host, name, addon))
    found.networks = [
        NetworkReport(network.name, network.role, dict(network.files))
        for network in addon.networks.values()
    ]
    found.files = [_listed(host, found, path) for path in addon.manifest.files]
    found.files += _others(found)
    found.parts = list(parts_of(host, addon))
    found.warnings += _silences(addon)
    return found


def _origin(host: Host, name: str, addon: Addon) -> Origin | None:
    """Return the distribution that provides an addon; None for a folder or a zip."""
    try:
        provided = host.registry.find(name, "addon")
        same = host.library.files(provided.name).name == addon.files.name
    except VoxstackError:
        return None
    package = provided.package if same else None
    return origin_of(package.name, package.version, package.distribution) if package else None


def _listed(host: Host, found: Audit, path: str) -> FileReport:
    """Check a file that the manifest lists."""
    addon, size = found.addon, found.addon.manifest.files[path].bytes
    where = f"{addon.files.name}: {path}"
    content = "not read"
    try:
        data = _ends(addon, path)
        kind = content_of(data)
        content = kind.name
        if kind.danger:
            raise AddonError(f"{where} is {kind.name}: {kind.danger}; addons hold data only")
        if path.lower().endswith(CODE):
            raise AddonError(f"{where} is code by its name; addons list data only")
        if path == addon.manifest.symbols:
            addon.symbols()
        if path == addon.manifest.card:
            addon.read_text(path)
        _describe_networks(host, found, path)
    except VoxstackError as error:
        return FileReport(path, size, content, True, False, str(error))
    note = ""
    if is_active(data):
        note = "contains what a browser would run; read it as text"
        found.warnings.append(f"{path}: {note}")
    return FileReport(path, size, content, True, True, note)


def _ends(addon: Addon, path: str) -> bytes:
    """Return the beginning and the end of a file, which is checked against its hash."""
    head, tail = b"", b""
    for piece in addon.pieces(path):
        head += piece[: HEAD - len(head)] if len(head) < HEAD else b""
        tail = (tail + piece)[-TAIL:]
    return tail if len(tail) < TAIL else head + tail


def _describe_networks(host: Host, found: Audit, path: str) -> None:
    """Describe the network file at ``path``; AddonError for what no executor must get."""
    addon = found.addon
    for index, network in enumerate(found.networks):
        for name in (f for f, at in network.files.items() if at == path):
            provider, data = _format(host, name), addon.read(path)
            if provider is None:
                continue  # loading it is refused
            try:
                contents = provider.describe(data)
                provider.check(data, addon.networks[network.name])
            except FormatError as error:
                raise AddonError(f"{addon.files.name}: {path}: {error}") from None
            found.networks[index] = attrs.evolve(
                network,
                parameters=contents.parameters,
                producer=contents.producer or None,
                version=contents.version or None,
                operators=_by_count(contents.operators),
                foreign=contents.foreign,
            )
            if contents.foreign:
                found.warnings.append(
                    f"network {network.name!r} uses operators that the format {name!r} does not "
                    f"define: {', '.join(contents.foreign[:5])}; voxstack registers no library for "
                    "them, so it loads only if the runtime has them"
                )


def _format(host: Host, name: str) -> Format | None:
    """Return the provider of a format, or None if it cannot be used."""
    try:
        cls: type[Format] = host.registry.load(host.registry.find(name, "format"))
    except PluginError:
        return None
    return cls()


def _by_count(operators: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(operators.items(), key=lambda item: -item[1]))


def _others(found: Audit) -> Iterator[FileReport]:
    """Yield the files that the manifest does not list: no voice reads them.

    They are classified by their first bytes, for the people who receive them with the addon.
    """
    listed = {*found.addon.manifest.files, MANIFEST}
    there = list(islice(present(found.addon.files), MAX_FILES + 1))
    if len(there) > MAX_FILES:
        found.warnings.append(f"more than {MAX_FILES} files: not all were checked")
    others = [_unlisted(found.addon, f) for f in there[:MAX_FILES] if f.path not in listed]
    yield from others
    if found.origin:  # what every package has
        others = [f for f in others if f.path != "__init__.py" and "__pycache__" not in f.path]
    if others:
        # What runs when it is opened comes first, and what is only there last.
        others.sort(key=lambda f: (not f.note.startswith(f"{UNLISTED};"), f.note == UNLISTED))
        named = ", ".join(f"{file.path} ({file.content})" for file in others[:MOST_NAMED])
        more = f" and {len(others) - MOST_NAMED} more" if len(others) > MOST_NAMED else ""
        found.warnings.append(f"not listed in {MANIFEST}, so no voice reads: {named}{more}")


def _unlisted(addon: Addon, file: Present) -> FileReport:
    """Classify a file that nothing reads by its first bytes."""
    note, content = UNLISTED, "not read"
    if file.kind != "file":
        note, content = f"a {file.kind}, {UNLISTED}", f"a {file.kind}"
    else:
        with suppress(AddonError):
            with addon.files.open(file.path) as opened:
                kind = content_of(opened.read(HEAD))
            content = kind.name
            note += f"; {kind.danger}" if kind.danger else ""
        if file.path.lower().endswith(CODE):
            note = f"code, {UNLISTED}; it runs if something else imports it"
    return FileReport(file.path, file.bytes, content, False, True, note)


def _silences(addon: Addon) -> Iterator[str]:
    """Yield a warning per fact that the addon does not state."""
    if not addon.manifest.author:
        yield 'it does not state its author ("author")'
    if not license_files(addon):
        yield f"it lists no license file; it states the license {addon.manifest.license!r}"


def parts_of(host: Host, addon: Addon) -> Iterator[Part]:
    """Yield what the configuration names that other packages provide."""
    for key in ("frontend", "stack"):
        yield from _named(host, addon, addon.document.value.get(key), f"/{key}", key)


def _named(host: Host, addon: Addon, value: Any, pointer: str, key: str) -> Iterator[Part]:
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _named(host, addon, item, f"{pointer}/{index}", key)
    elif isinstance(value, dict):
        if isinstance(name := value.get("type"), str):
            yield _part(host, key if key in ("frontend", "executor") else "block", name, pointer)
        for inner, item in value.items():
            if inner != "type":
                yield from _named(host, addon, item, f"{pointer}/{escape(inner)}", inner)
    elif isinstance(value, str) and key == "executor":
        yield _part(host, key, value, pointer)
    elif isinstance(value, str) and "network" in key and ":" in value:
        other = value.partition(":")[0]
        if other != addon.name:
            yield _part(host, "addon", other, pointer)


def _part(host: Host, kind: str, name: str, pointer: str) -> Part:
    try:
        found = host.registry.find(name, kind)
        found.require()
    except VoxstackError as error:
        return Part(pointer, kind, name, None, None, str(error))
    return Part(pointer, kind, name, found.distribution, found.version)
