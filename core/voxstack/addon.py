"""Addons: a voice as data - a folder, a zip or a pip-installed package - opened safely.

Nothing of an addon is executed, nothing is unpacked to disk, and every byte that is used is
checked against the size and hash of the manifest.
"""

from __future__ import annotations

import hashlib
import stat
import zlib
from abc import ABC, abstractmethod
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from typing import Any, final

from attrs import define, field

from voxstack.documents import Document, parse_json
from voxstack.errors import AddonError, ConfigError, did_you_mean
from voxstack.manifest import FORMAT, Manifest
from voxstack.networks import Network
from voxstack.provided import Symbols
from voxstack.structure import Structurer, Unfits, problems_of, structure

MANIFEST = "addon.json"
MAX_MANIFEST = 4 << 20  # bytes
MAX_FILE = 2 << 30  # bytes, unpacked
MAX_FILES = 4096


class Files(ABC):
    """The files of an addon, read by their path in it."""

    name: str  # as the user knows it

    @abstractmethod
    def read(self, path: str, limit: int) -> bytes:
        """Read a whole file of at most ``limit`` bytes; AddonError otherwise."""

    def _too_big(self, path: str, limit: int) -> AddonError:
        return AddonError(f"{self.name}: {path}: more than the {limit} bytes that were declared")


def safe_path(path: str, where: str) -> str:
    """Check that a path stays within the addon."""
    pure = PurePosixPath(path)
    if pure.is_absolute() or ".." in pure.parts or "\\" in path or ":" in path or not pure.parts:
        raise AddonError(
            f"{where}: unsafe path {path!r}: files of an addon lie inside it; "
            "do not use this addon unless you trust who made it, and ask them to pack it again"
        )
    return str(pure)


@final
class FolderFiles(Files):
    """An addon that lies in a folder."""

    def __init__(self, folder: Path) -> None:
        self.name = str(folder)
        self.folder = folder

    def read(self, path: str, limit: int) -> bytes:
        """Read a file; a link that leads out of the folder is refused."""
        target = self.folder / safe_path(path, self.name)
        try:
            if not target.resolve().is_relative_to(self.folder.resolve()):
                raise AddonError(f"{self.name}: {path} is a link that leads out of the addon")
            with target.open("rb") as file:
                data = file.read(limit + 1)
        except OSError as error:
            reason = error.strerror or str(error)
            raise AddonError(f"{self.name}: cannot read {path}: {reason}") from None
        if len(data) > limit:
            raise self._too_big(path, limit)
        return data


@final
class ZipFiles(Files):
    """An addon in a zip: at its root, or in the one folder at its root. Read in place."""

    def __init__(self, path: Path) -> None:
        import zipfile

        self.name = str(path)
        self._damage = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError)
        try:
            self._zip = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, OSError) as error:
            raise AddonError(f"{path}: cannot be read as a zip: {error}") from None
        entries = self._zip.infolist()
        if len(entries) > MAX_FILES:
            raise AddonError(f"{path}: {len(entries)} entries, more than {MAX_FILES}: not an addon")
        for entry in entries:
            safe_path(entry.filename, self.name)
            if stat.S_ISLNK(entry.external_attr >> 16):
                raise AddonError(f"{path}: {entry.filename} is a link; an addon holds files only")
        names = {entry.filename for entry in entries}
        tops = {name.partition("/")[0] for name in names}
        self._prefix = "" if MANIFEST in names or len(tops) != 1 else f"{tops.pop()}/"

    def read(self, path: str, limit: int) -> bytes:
        """Read and unpack a file, never more than ``limit`` bytes of it."""
        name = self._prefix + safe_path(path, self.name)
        try:
            with self._zip.open(name) as file:
                data = file.read(limit + 1)
        except KeyError:
            raise AddonError(f"{self.name}: there is no {path} in it") from None
        except self._damage as error:
            raise AddonError(f"{self.name}: {path} is damaged: {error}") from None
        except RuntimeError as error:  # encrypted
            raise AddonError(f"{self.name}: cannot read {path}: {error}") from None
        if len(data) > limit:
            raise self._too_big(path, limit)
        return data


def open_files(where: str | Path) -> Files:
    """Open the folder or zip at ``where``."""
    path = Path(where)
    if path.is_dir():
        return FolderFiles(path)
    if path.is_file():
        return ZipFiles(path)
    raise AddonError(f"{path}: no such folder or zip")


def package_files(package: str) -> Files:
    """Open the addon in a top-level package, which is located and never imported."""
    try:
        spec = find_spec(package)
    except (ImportError, ValueError, AttributeError):
        spec = None
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        if (Path(folder) / MANIFEST).is_file():
            return FolderFiles(Path(folder))
    raise AddonError(
        f"the package {package!r} holds no {MANIFEST}; reinstall the distribution that names it"
    )


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
        entry = self.manifest.files.get(path)
        if entry is None:
            raise AddonError(f"{self.files.name}: {path} is not among the files of {MANIFEST}")
        data = self.files.read(path, min(entry.bytes, MAX_FILE))
        if len(data) != entry.bytes:
            raise AddonError(
                f"{self.files.name}: {path} has {len(data)} bytes, {MANIFEST} says {entry.bytes}; "
                "it was cut short or changed: install the addon again"
            )
        digest = hashlib.sha256(data).hexdigest()
        if digest != entry.sha256.lower():
            raise AddonError(
                f"{self.files.name}: {path} has sha256 {digest[:12]}..., {MANIFEST} says "
                f"{entry.sha256[:12]}...; it was changed: install the addon again"
            )
        return data

    def symbols(self) -> Symbols:
        """Read the symbol tables; empty ones if the voice has none."""
        path = self.manifest.symbols
        if path is None:
            return Symbols({})
        tables = parse_json(_text(self.read(path), f"{self.files.name}/{path}"), path).value
        good = isinstance(tables, dict) and all(
            isinstance(t, dict) and all(type(i) is int for i in t.values()) for t in tables.values()
        )
        if not good:
            raise AddonError(
                f"{self.files.name}: {path}: expected {{table: {{symbol: id}}}} with whole numbers"
            )
        return Symbols(tables)


def read_document(files: Files) -> Document:
    """Read addon.json; AddonError for another format, ConfigError if it is not JSON."""
    text = _text(files.read(MANIFEST, MAX_MANIFEST), f"{files.name}/{MANIFEST}")
    document = parse_json(text, f"{files.name}/{MANIFEST}")
    value = document.value
    if not isinstance(value, dict):
        raise ConfigError([document.problem("", "expected an object with the addon's manifest")])
    version = value.get("format")
    if isinstance(version, int) and version > FORMAT:
        raise AddonError(
            f"{document.name}: addon format {version} is newer than this voxstack reads "
            f"({FORMAT}): upgrade voxstack"
        )
    if "format" in value and (type(version) is not int or version < 1):
        raise ConfigError([document.problem("/format", f"expected {FORMAT}, not {version!r}")])
    return document


def make_addon(document: Document, files: Files) -> Addon:
    """Check a manifest and describe its networks; ConfigError with all problems."""
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


def _reader(addon: Addon, network: str) -> Any:
    return lambda format_: addon.read(_path_of(addon, network, format_))


def _digester(addon: Addon, network: str) -> Any:
    return lambda format_: addon.manifest.files[_path_of(addon, network, format_)].sha256


def _text(data: bytes, name: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise AddonError(f"{name}: not UTF-8 text (byte {error.start}): not an addon") from None
