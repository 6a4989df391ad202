"""Where an installed distribution comes from, as its installer recorded it.

Hashes prove that bytes are unchanged, not who made them: nothing is signed.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import json
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast, final
from urllib.parse import urlsplit, urlunsplit

import attrs
import importlib_metadata
from attrs import frozen

PIECE = 1 << 20  # bytes read at once


@final
@frozen
class Origin:
    """An installed distribution and its source."""

    distribution: str
    version: str
    installer: str | None  # "pip", "uv"; None: not recorded
    source: str | None  # where it was installed from, an address; None: a package index
    editable: bool  # its files are those of a working folder
    recorded: int  # files whose hash the installer wrote down
    changed: tuple[str, ...]  # those of them that are changed or gone

    def __str__(self) -> str:
        by = f"installed by {self.installer}" if self.installer else "installed"
        if self.editable:
            how = f"{by}, editable, from {self.source}; its files have no recorded hashes"
        else:
            whence = self.source or "a package index, or a wheel of an older installer"
            state = f"its {self.recorded} recorded files are as they were installed"
            if self.changed:
                state = f"{len(self.changed)} of its {self.recorded} recorded files changed: "
                state += ", ".join(self.changed[:3])
            how = f"{by} from {whence}; {state}"
            if not self.recorded:
                how = f"{by} from {whence}; no hashes of its files were recorded"
        return f"{self.distribution} {self.version}, {how}"

    def as_dict(self) -> dict[str, Any]:
        """Return the plain form that ``--json`` prints."""
        return attrs.asdict(self)


def origin_of(name: str, version: str, distribution: Any) -> Origin:
    """Return the origin of an importlib distribution; nothing is imported."""
    installer = (_read(distribution, "INSTALLER") or "").strip() or None
    direct, recorded, changed = direct_url(distribution), 0, []
    for path, digest in _record(distribution):
        recorded += 1
        if not _agrees(Path(distribution.locate_file(path)), digest):
            changed.append(path)
    return Origin(
        name, version, installer, _source(direct), is_editable(direct), recorded, tuple(changed)
    )


def distribution_of(name: str) -> importlib_metadata.Distribution | None:
    """Return an installed distribution, or None."""
    try:
        return cast(importlib_metadata.Distribution, importlib_metadata.distribution(name))
    except importlib_metadata.PackageNotFoundError:
        return None


def direct_url(distribution: Any) -> dict[str, Any]:
    """Return direct_url.json (PEP 610), empty for a distribution from an index."""
    return _json(_read(distribution, "direct_url.json"))


def is_editable(direct: dict[str, Any]) -> bool:
    """Return whether the installed files are those of a working folder."""
    return bool(_table(direct, "dir_info").get("editable"))


def requirement(direct: dict[str, Any], editable: bool = False) -> str | None:
    """Return what to pass to pip, quoted for a shell, to install from direct_url.json."""
    from urllib.request import url2pathname

    url = _bare(direct)
    if url is None:
        return None
    version_control = _table(direct, "vcs_info")
    if isinstance(commit := version_control.get("commit_id"), str):
        inner = direct.get("subdirectory")
        folder = f"#subdirectory={inner}" if isinstance(inner, str) else ""
        return shlex.quote(f"{version_control.get('vcs', 'git')}+{url}@{commit}{folder}")
    if url.startswith("file:"):
        url = url2pathname(urlsplit(url).path)
    return ("-e " if editable and "dir_info" in direct else "") + shlex.quote(url)


def _source(direct: dict[str, Any]) -> str | None:
    """Return the address of direct_url.json and the commit."""
    bare = _bare(direct)
    commit = _table(direct, "vcs_info").get("commit_id")
    return f"{bare} at commit {commit}" if bare and isinstance(commit, str) else bare


def _bare(direct: dict[str, Any]) -> str | None:
    """Return the address of direct_url.json without its credentials."""
    url = direct.get("url")
    if not isinstance(url, str):
        return None
    try:
        parts = urlsplit(url)
        return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
    except ValueError:
        return None


def _record(distribution: Any) -> Iterator[tuple[str, str]]:
    """Yield (path, digest) of the files that RECORD has a hash of."""
    for row in csv.reader((_read(distribution, "RECORD") or "").splitlines()):
        if len(row) == 3 and row[1].startswith("sha256="):
            yield row[0], row[1].removeprefix("sha256=")


def _agrees(path: Path, digest: str) -> bool:
    found = hashlib.sha256()
    try:
        if not path.is_file():  # a pipe would be waited for
            return False
        with path.open("rb") as file:
            while piece := file.read(PIECE):
                found.update(piece)
    except OSError:
        return False
    return base64.urlsafe_b64encode(found.digest()).rstrip(b"=").decode() == digest


def _read(distribution: Any, name: str) -> str | None:
    try:
        text: str | None = distribution.read_text(name)
    except (OSError, UnicodeDecodeError):
        return None
    return text


def _json(text: str | None) -> dict[str, Any]:
    try:
        value = json.loads(text or "{}")
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _table(value: dict[str, Any], name: str) -> dict[str, Any]:
    inner = value.get(name)
    return inner if isinstance(inner, dict) else {}
