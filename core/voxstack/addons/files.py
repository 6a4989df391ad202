"""The files of an addon, in a folder, a zip or a pip-installed package, read safely.

Nothing is unpacked to disk, nothing outside the addon is opened, and nothing is read beyond what
the reader asked for: a small zip cannot fill the memory, a pipe cannot stop the host.
"""

from __future__ import annotations

import os
import re
import stat
import unicodedata
import weakref
import zlib
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from typing import IO, final

from voxstack.errors import AddonError

MANIFEST = "addon.json"
MAX_MANIFEST = 1 << 20  # bytes
MAX_TEXT = 4 << 20  # bytes of symbols, and of a card
MAX_FILE = 2 << 30  # bytes, unpacked
MAX_TOTAL = 8 << 30  # bytes, unpacked, of all files
MAX_FILES = 4096
MAX_PATH = 240  # characters; Windows ends at 260, the folder included
MAX_RATIO = 100  # unpacked / packed, of a file in a zip; text reaches 10, weights hardly 1.2
MAX_DIRECTORY = 4 << 20  # bytes of a zip's directory

PIECE = 1 << 20  # bytes read at once

AGAIN = ": install the addon again"  # the next step if a file of it is missing or damaged
UNTRUSTED = "do not use this addon unless you trust who made it, and ask them to pack it again"

# What Windows takes for a device, whatever follows the first dot.
_DEVICE = re.compile(
    r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³]) *(\..*)?", re.IGNORECASE | re.DOTALL
)
_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f<>:"|?*\\]')  # in names of files on Windows


def unsafe(path: str) -> str | None:
    """Return why a path does not lie in an addon on every system, or None."""
    pure = PurePosixPath(path)
    if not pure.parts:
        return "it is empty"
    if pure.is_absolute() or ".." in pure.parts:
        return "it leads out of the addon"
    if found := _FORBIDDEN.search(path):
        return f"it holds {found[0]!r}, which leads out of the addon on some systems"
    if str(pure) != path:
        return f"it is written {str(pure)!r}"
    if len(path) > MAX_PATH:
        return f"it is longer than {MAX_PATH} characters"
    try:
        path.encode()
    except UnicodeEncodeError:
        return "it is not valid Unicode"
    for part in pure.parts:
        if _DEVICE.fullmatch(part):
            return f"{part!r} is a device on Windows"
        if part[-1] in ". ":
            return f"{part!r} ends with {part[-1]!r}, which Windows drops"
    return None


def safe_path(path: str, where: str) -> str:
    """Check that a path stays within the addon."""
    if reason := unsafe(path):
        shown = path if len(path) <= MAX_PATH else path[:MAX_PATH] + "..."
        raise AddonError(
            f"{where}: unsafe path {shown!r}: {reason}; files of an addon lie inside it: "
            f"{UNTRUSTED}"
        )
    return path


def twins(paths: Iterable[str]) -> list[tuple[str, str]]:
    """Return the pairs of paths that are one file where case or Unicode's forms do not count."""
    seen: dict[str, str] = {}
    pairs = []
    for path in paths:
        key = unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())
        if (first := seen.setdefault(key, path)) is not path:
            pairs.append((first, path))
    return pairs


class Files(ABC):
    """The files of an addon, read by their path in it."""

    name: str  # as the user knows it

    @abstractmethod
    def _open(self, path: str) -> AbstractContextManager[IO[bytes]]:
        """Open a file by a path that is safe."""

    @abstractmethod
    def _unreadable(self, path: str, error: Exception) -> AddonError:
        """Return the error for a file that could not be read."""

    @contextmanager
    def open(self, path: str) -> Iterator[IO[bytes]]:
        """Open a file; AddonError if it cannot be opened or read."""
        safe_path(path, self.name)
        try:
            with self._open(path) as file:
                yield file
        except AddonError:
            raise
        except Exception as error:  # a damaged zip raises many things
            raise self._unreadable(path, error) from None

    def pieces(self, path: str, limit: int) -> Iterator[bytes]:
        """Read a file of at most ``limit`` bytes piece by piece; AddonError otherwise."""
        size = 0
        with self.open(path) as file:
            while piece := file.read(min(PIECE, limit + 1 - size)):
                size += len(piece)
                if size > limit:
                    more = f"more than the {limit} bytes that were declared"
                    raise AddonError(f"{self.name}: {path}: {more}")
                yield piece

    def read(self, path: str, limit: int) -> bytes:
        """Read a whole file of at most ``limit`` bytes; AddonError otherwise."""
        return b"".join(self.pieces(path, limit))


@final
class FolderFiles(Files):
    """An addon in a folder."""

    def __init__(self, folder: Path) -> None:
        self.name = str(folder)
        self.folder = folder

    def _open(self, path: str) -> AbstractContextManager[IO[bytes]]:
        """Open a file; a link that leads out of the folder is refused, and so is a pipe."""
        target = self.folder / path
        try:
            inside = target.resolve().is_relative_to(self.folder.resolve())
        except RuntimeError:  # Python before 3.13: a link to itself
            inside = False
        if not inside:
            raise AddonError(f"{self.name}: {path} is a link that leads out of the addon")
        # Opening a pipe that nobody writes to would block.
        flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        file = open(target, "rb", opener=lambda p, _: os.open(p, flags))  # noqa: SIM115
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            file.close()
            raise AddonError(f"{self.name}: {path} is a device or a pipe; an addon holds files")
        return file

    def _unreadable(self, path: str, error: Exception) -> AddonError:
        reason = getattr(error, "strerror", None) or str(error)
        step = AGAIN if isinstance(error, FileNotFoundError) and path != MANIFEST else ""
        return AddonError(f"{self.name}: cannot read {path}: {reason}{step}")


@final
class ZipFiles(Files):
    """An addon in a zip: at its root, or in a folder at its root. Read in place.

    A zip that could be read in two ways, or that unpacks to far more than its size, is refused
    before anything is unpacked.
    """

    def __init__(self, path: Path) -> None:
        import zipfile

        self.name = str(path)
        self._damage = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError)
        try:
            file = path.open("rb")
            weakref.finalize(self, file.close)
            _check_end(file, path)
            self.zip = zipfile.ZipFile(file)
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
            raise AddonError(f"{path}: cannot be read as a zip: {error}") from None
        if reason := self._refusal():
            raise AddonError(f"{self.name}: {reason}")
        self.prefix = self._find_prefix()

    def _refusal(self) -> str | None:
        """Return what no addon has in its directory, or None."""
        import zipfile

        entries = self.zip.infolist()
        if len(entries) > MAX_FILES:
            return f"{len(entries)} entries, more than {MAX_FILES}: not an addon"
        for entry in entries:
            name, packed = entry.filename, entry.compress_size
            safe_path(name.removesuffix("/") if entry.is_dir() else name, self.name)
            if "\0" in entry.orig_filename:
                return f"{entry.orig_filename!r} is not the name of a file"
            if stat.S_ISLNK(entry.external_attr >> 16):
                return f"{name} is a link; an addon holds files only"
            if entry.flag_bits & 1:
                return f"{name} is encrypted; pack it without encryption"
            if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                # Others unpack a whole block at once, whatever its size.
                how = f"{name} is packed by method {entry.compress_type}"
                return f"{how}; an addon is stored or deflated: pack it again"
            if entry.file_size > MAX_RATIO * packed + PIECE:
                size = f"{name} unpacks from {packed} to {entry.file_size} bytes"
                return f"{size}, more than {MAX_RATIO} times: not an addon"
        if (total := sum(entry.file_size for entry in entries)) > MAX_TOTAL:
            return f"it unpacks to {total} bytes, more than {MAX_TOTAL}: not an addon"
        counts = Counter(entry.filename for entry in entries)
        for name, count in counts.items():
            if count > 1:
                return f"it holds {name} twice; pack it again"
        for first, second in twins(counts):
            return f"{first!r} and {second!r} are one file on some systems"
        end = 0
        for entry in sorted(entries, key=lambda entry: entry.header_offset):
            if entry.header_offset < end or (end == 0 and entry.header_offset):
                return (
                    f"{entry.filename} does not begin where it should: entries overlap, or "
                    "something precedes them; pack it again"
                )
            end = entry.header_offset + 30 + len(entry.orig_filename) + entry.compress_size
        return None

    def _find_prefix(self) -> str:
        """Return the folder of the manifest: none, or the one at the root that has it."""
        names = {entry.filename for entry in self.zip.infolist()}
        tops = [n.removesuffix(MANIFEST) for n in names if n.endswith(f"/{MANIFEST}")]
        tops = [top for top in tops if top.count("/") == 1]
        return tops[0] if MANIFEST not in names and len(tops) == 1 else ""

    def _open(self, path: str) -> AbstractContextManager[IO[bytes]]:
        return self.zip.open(self.prefix + path)

    def _unreadable(self, path: str, error: Exception) -> AddonError:
        if isinstance(error, KeyError):
            reason = f"it holds no {path}{'' if path == MANIFEST else AGAIN}"
        elif isinstance(error, self._damage):
            reason = f"{path} is damaged: {error}{AGAIN}"
        else:
            reason = f"cannot read {path}: {error}"
        return AddonError(f"{self.name}: {reason}")


def _check_end(file: IO[bytes], path: Path) -> None:
    """Check the end of a zip before its directory is read: it says how long that is."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - 22 - 0xFFFF - 20))
    tail = file.read()
    place = tail.rfind(b"PK\5\6")
    end = tail[place : place + 22]
    if place < 0 or len(end) < 22:
        raise ValueError("not a zip file, or truncated; download it again")
    if place + 22 + int.from_bytes(end[20:22], "little") != len(tail):
        raise ValueError("something follows its end; pack it again")
    if tail[max(0, place - 20) : place].startswith(b"PK\6\7"):
        raise ValueError(
            "it is a zip64, for more than 4 GiB or 65,535 files, which no addon needs; "
            f"pack it again, below 4 GiB and with at most {MAX_FILES} files"
        )
    count, directory = int.from_bytes(end[10:12], "little"), int.from_bytes(end[12:16], "little")
    if count > MAX_FILES or directory > MAX_DIRECTORY:
        raise AddonError(f"{path}: {count} entries, more than {MAX_FILES}: not an addon")


def open_files(where: str | Path) -> Files:
    """Open the folder or zip at ``where``."""
    path = Path(where)
    if path.is_dir():
        return FolderFiles(path)
    if path.is_file():
        if path.suffix == ".json":
            give = f"; name {path.parent}" if path.name == MANIFEST else ""
            raise AddonError(f"{path}: an addon is a folder that holds {MANIFEST}, or a zip{give}")
        return ZipFiles(path)
    raise AddonError(f"{path}: no such folder or zip")


def package_files(package: str) -> Files:
    """Open the addon in a top-level package, which is located and never imported."""
    try:
        # To locate a package in another, Python imports the outer one.
        spec = None if "." in package else find_spec(package)
    except (ImportError, ValueError, AttributeError):
        spec = None
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        if (Path(folder) / MANIFEST).is_file():
            return FolderFiles(Path(folder))
    raise AddonError(
        f"the package {package!r} holds no {MANIFEST}; reinstall the distribution that names it"
    )
