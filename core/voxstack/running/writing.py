"""Writing files so that a half-written one is never visible."""

from __future__ import annotations

import os
from pathlib import Path

from voxstack.errors import InputError


def beside(target: Path) -> Path:
    """Return where to write before renaming to ``target``; InputError if it cannot be replaced.

    A folder, a device or a pipe cannot: renaming would put a file in its place.
    """
    if target.exists() and not target.is_file():
        what = "a folder" if target.is_dir() else "a device or a pipe"
        raise InputError(f"cannot write {target}: it is {what}; name a file")
    target = Path(os.path.realpath(target))  # a link stays one
    return target.with_name(f".{target.name}.{os.getpid()}.part")


def write_atomically(path: str | os.PathLike[str], data: str | bytes) -> None:
    """Write beside, then rename; InputError if the place cannot be written."""
    target = Path(path)
    part = beside(target)
    try:
        part.write_bytes(data.encode() if isinstance(data, str) else data)
        part.replace(os.path.realpath(target))
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror or error}") from None
    finally:
        part.unlink(missing_ok=True)
