"""The files that are present in an addon's folder or zip, listed or not."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import final

from attrs import frozen
from voxstack.inspection import Files, FolderFiles, ZipFiles


@final
@frozen
class Present:
    """A file that is present."""

    path: str
    bytes: int
    kind: str = "file"  # or "link", "device"


def present(files: Files) -> Iterator[Present]:
    """Yield what is present, in order of path; nothing is opened and no link followed."""
    if isinstance(files, FolderFiles):
        yield from _in_folder(files.folder, "")
    elif isinstance(files, ZipFiles):
        yield from _in_zip(files)


def _in_folder(folder: Path, below: str) -> Iterator[Present]:
    try:
        with os.scandir(folder / below) as entries:
            found = sorted(entries, key=lambda entry: entry.name)
    except OSError:
        return  # what cannot be listed is not read either
    for entry in found:
        path = below + entry.name
        if entry.is_symlink():
            yield Present(path, 0, "link")
        elif entry.is_dir():
            yield from _in_folder(folder, path + "/")
        elif entry.is_file():
            yield Present(path, entry.stat().st_size)
        else:
            yield Present(path, 0, "device")


def _in_zip(files: ZipFiles) -> Iterator[Present]:
    for entry in sorted(files.zip.infolist(), key=lambda entry: entry.filename):
        if not entry.is_dir():
            inside = entry.filename.startswith(files.prefix)
            path = entry.filename[len(files.prefix) :] if inside else f"../{entry.filename}"
            yield Present(path, entry.file_size)
