"""Addons: a voice as data, its bytes checked against the sizes and hashes of its manifest.

Nothing of an addon is executed. A file is read once: the bytes that were hashed are those used.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from functools import partial
from typing import final

from attrs import asdict, define, field

from voxstack.addons.files import AGAIN, MANIFEST, MAX_FILE, MAX_MANIFEST, MAX_TEXT, Files
from voxstack.addons.manifest import FileEntry, Manifest, format_problem
from voxstack.blocks import Symbols
from voxstack.config import Document, Invalids, parse_json, problems_of, structured
from voxstack.errors import AddonError, ConfigError
from voxstack.formats import Format, FormatError
from voxstack.networks import Network

MAX_ID = 2**31  # of a symbol; tables of embeddings are far smaller

Formats = Callable[[str], Format]  # name -> the installed provider; PluginError if there is none


@final
@define(eq=False)
class Addon:
    """A voice as data: manifest, networks, symbols."""

    document: Document
    manifest: Manifest
    files: Files = field(repr=False)
    networks: dict[str, Network] = field(factory=dict)

    @property
    def name(self) -> str:
        """The name in the manifest."""
        return self.manifest.name

    def pieces(self, path: str) -> Iterator[bytes]:
        """Read a file that the manifest lists piece by piece; AddonError at its end if it differs.

        The size and the sha256 must be those of the manifest.
        """
        entry = self._entry(path)
        size, digest = 0, hashlib.sha256()
        for piece in self.files.pieces(path, min(entry.bytes, MAX_FILE)):
            size += len(piece)
            digest.update(piece)
            yield piece
        where = f"{self.files.name}: {path}"
        if size != entry.bytes:
            differs = f"{where} has {size} bytes, {MANIFEST} declares {entry.bytes}"
            raise AddonError(f"{differs}; it was truncated or changed{AGAIN}")
        if (found := digest.hexdigest()) != entry.sha256.lower():
            differs = f"{where} has sha256 {found[:12]}..., {MANIFEST} declares {entry.sha256[:12]}"
            raise AddonError(f"{differs}...; it was changed{AGAIN}")

    def read(self, path: str) -> bytes:
        """Read a file that the manifest lists, checked against its size and hash."""
        return b"".join(self.pieces(path))

    def read_text(self, path: str) -> str:
        """Read a text that the manifest lists: symbols, the card."""
        if (size := self._entry(path).bytes) > MAX_TEXT:
            longer = f"{path} has {size} bytes, more than the {MAX_TEXT} of a text"
            raise AddonError(f"{self.files.name}: {longer}")
        return _text(self.read(path), f"{self.files.name}/{path}")

    def symbols(self) -> Symbols:
        """Read the symbol tables; empty ones if the voice has none."""
        path = self.manifest.symbols
        if path is None:
            return Symbols({})
        tables = parse_json(self.read_text(path), f"{self.files.name}/{path}").value
        good = isinstance(tables, dict) and all(
            isinstance(t, dict) and all(type(i) is int and 0 <= i < MAX_ID for i in t.values())
            for t in tables.values()
        )
        if not good:
            expected = "expected {table: {symbol: id}} with whole numbers of 0 or more"
            raise AddonError(f"{self.files.name}: {path}: {expected}")
        return Symbols(tables)

    def _entry(self, path: str) -> FileEntry:
        entry = self.manifest.files.get(path)
        if entry is None:
            raise AddonError(f"{self.files.name}: {path} is not among the files of {MANIFEST}")
        return entry


def read_document(files: Files) -> Document:
    """Read addon.json; ConfigError for another format version, or if it is not JSON."""
    name = f"{files.name}/{MANIFEST}"
    document = parse_json(_text(files.read(MANIFEST, MAX_MANIFEST), name), name)
    if not isinstance(document.value, dict):
        raise ConfigError([document.problem("", "expected an object with the addon's manifest")])
    if problem := format_problem(document.value):
        raise ConfigError([document.problem("/format", *problem)])
    return document


def make_addon(document: Document, files: Files, formats: Formats) -> Addon:
    """Check a manifest and describe its networks; ConfigError with all problems.

    ``formats`` finds the provider of a format when a network is read.
    """
    if problem := format_problem(document.value):
        raise ConfigError([document.problem("/format", *problem)])
    manifest = structured(document, Manifest)
    if invalid := list(manifest.problems()):
        raise ConfigError(problems_of(document, Invalids(invalid)))
    addon = Addon(document, manifest, files)
    for name, declared in manifest.networks.items():
        addon.networks[name] = Network(
            name=name,
            **asdict(declared, recurse=False),
            sizes=manifest.sizes,
            addon=manifest.name,
            place=document.name or "",
            read=partial(_read, addon, name, formats),
            digest=partial(_digest, addon, name),
        )
    return addon


def _read(addon: Addon, network: str, formats: Formats, format: str) -> bytes:
    """Read a network's file; no byte of it leaves here unless its format's provider accepts it."""
    declared = addon.networks[network]
    path, provider = declared.path(format), formats(format)
    data = addon.read(path)
    try:
        provider.check(data, declared)
    except Exception as error:
        reason = str(error)
        if not isinstance(error, FormatError):
            reason = f"the format {format!r} cannot read it: {type(error).__name__}: {error}"
        advice = "ask who made the addon for another file"
        raise AddonError(f"{addon.files.name}: {path}: {reason}; {advice}") from None
    return data


def _digest(addon: Addon, network: str, format: str) -> str:
    return addon.manifest.files[addon.networks[network].path(format)].sha256


def _text(data: bytes, name: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise AddonError(f"{name}: not UTF-8 text (byte {error.start}): not an addon") from None
