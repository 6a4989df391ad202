"""Addons: a voice as data, its bytes checked against the sizes and hashes of its manifest.

Nothing of an addon is executed. A file is read once: the bytes that were hashed are those used.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import final

from attrs import define, field

from voxstack.addon_files import MANIFEST, MAX_FILE, MAX_MANIFEST, MAX_TEXT, Files
from voxstack.contents import HEAD, TAIL, check_network
from voxstack.documents import Document, parse_json
from voxstack.errors import AddonError, ConfigError, did_you_mean
from voxstack.manifest import FileEntry, Manifest
from voxstack.networks import Network
from voxstack.provided import Symbols
from voxstack.stability import check_format
from voxstack.structure import Structurer, structure
from voxstack.unfit import Unfits, problems_of

MAX_ID = 2**31  # of a symbol; tables of embeddings are far smaller


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

    def read(self, path: str) -> bytes:
        """Read a file that the manifest lists, checked against its size and hash."""
        entry = self._entry(path)
        data = self.files.read(path, min(entry.bytes, MAX_FILE))
        self._verify(path, len(data), hashlib.sha256(data).hexdigest())
        return data

    def read_text(self, path: str) -> str:
        """Read a text that the manifest lists: symbols, the card."""
        if (size := self._entry(path).bytes) > MAX_TEXT:
            raise AddonError(
                f"{self.files.name}: {path} has {size} bytes; a text of an addon has {MAX_TEXT} "
                "at most"
            )
        return _text(self.read(path), f"{self.files.name}/{path}")

    def verify(self, path: str) -> bytes:
        """Check the size and hash of a file that the manifest lists, piece by piece.

        Gives its beginning and its end, which tell what it is.
        """
        size, digest, head, tail = 0, hashlib.sha256(), b"", b""
        for piece in self.files.pieces(path, min(self._entry(path).bytes, MAX_FILE)):
            size += len(piece)
            digest.update(piece)
            head = head or piece[:HEAD]
            tail = (tail + piece)[-TAIL:]
        self._verify(path, size, digest.hexdigest())
        return head + tail

    def _entry(self, path: str) -> FileEntry:
        entry = self.manifest.files.get(path)
        if entry is None:
            raise AddonError(f"{self.files.name}: {path} is not among the files of {MANIFEST}")
        return entry

    def _verify(self, path: str, size: int, digest: str) -> None:
        entry = self._entry(path)
        if size != entry.bytes:
            raise AddonError(
                f"{self.files.name}: {path} has {size} bytes, {MANIFEST} says {entry.bytes}; "
                "it was cut short or changed: install the addon again"
            )
        if digest != entry.sha256.lower():
            raise AddonError(
                f"{self.files.name}: {path} has sha256 {digest[:12]}..., {MANIFEST} says "
                f"{entry.sha256[:12]}...; it was changed: install the addon again"
            )

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
            raise AddonError(
                f"{self.files.name}: {path}: expected {{table: {{symbol: id}}}} with whole numbers "
                "of 0 or more"
            )
        return Symbols(tables)


def read_document(files: Files) -> Document:
    """Read addon.json; ConfigError for another format, or if it is not JSON."""
    text = _text(files.read(MANIFEST, MAX_MANIFEST), f"{files.name}/{MANIFEST}")
    document = parse_json(text, f"{files.name}/{MANIFEST}")
    if not isinstance(document.value, dict):
        raise ConfigError([document.problem("", "expected an object with the addon's manifest")])
    check_format(document)
    return document


def make_addon(document: Document, files: Files) -> Addon:
    """Check a manifest and describe its networks; ConfigError with all problems."""
    check_format(document)
    manifest: Manifest = structure(Structurer(), document, "", Manifest)
    if unfits := list(manifest.problems()):
        raise ConfigError(problems_of(document, Unfits(unfits)))
    addon = Addon(document, manifest, files)
    for name, declared in manifest.networks.items():
        addon.networks[name] = Network(
            name,
            declared.role,
            declared.inputs,
            declared.outputs,
            declared.files,
            declared.context,
            declared.state,
            declared.delay,
            declared.frame_ratio,
            manifest.name,
            document.name or "",
            sizes=manifest.sizes,
            read=_reader(addon, name),
            digest=_digester(addon, name),
        )
    return addon


def _path_of(addon: Addon, network: str, format_: str) -> str:
    files = addon.manifest.networks[network].files
    if format_ not in files:
        there = ", ".join(files)
        hint = did_you_mean(format_, files)
        raise AddonError(
            f"{addon.files.name}: network {network!r} has no {format_!r} file; there: {there}"
            + (f" ({hint})" if hint else "")
        )
    return files[format_]


def _reader(addon: Addon, network: str) -> Callable[[str], bytes]:
    def read(format_: str) -> bytes:
        path = _path_of(addon, network, format_)
        data = addon.read(path)
        check_network(data, format_, f"{addon.files.name}: {path}", addon.networks[network])
        return data

    return read


def _digester(addon: Addon, network: str) -> Callable[[str], str]:
    return lambda format_: addon.manifest.files[_path_of(addon, network, format_)].sha256


def _text(data: bytes, name: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise AddonError(f"{name}: not UTF-8 text (byte {error.start}): not an addon") from None
