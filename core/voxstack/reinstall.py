"""How an installed distribution is to be had again: from where pip got it.

No package index has voxstack's own packages, so that ``pip install NAME`` would not find them.
"""

from __future__ import annotations

import json
import shlex
from importlib import metadata
from pathlib import Path
from typing import Any, final
from urllib.parse import urlsplit, urlunsplit
from urllib.request import url2pathname

from attrs import frozen

from voxstack.advice import repository_folder

AGAIN = "pip install --force-reinstall --no-deps"


@final
@frozen
class _Source:
    """Where a distribution was installed from."""

    given: str  # as pip takes it
    editable: bool = False  # its files are those of that folder


def install_again(name: str) -> str:
    """Tell how to get the files of a distribution as they were."""
    source = _source(name)
    if source and source.editable:
        return f"restore its files in {source.given}, the folder that it is installed from"
    if source:
        return f"{AGAIN} {source.given}"
    return f"install {name} again from where you got it"


def install_newer(name: str) -> str:
    """Tell how to get another version of a distribution, or one that is not installed."""
    source = _source(name)
    if source and source.editable:
        return f"mend or update {name} in {source.given}, the folder that it is installed from"
    if source and source.given == name:
        return f"pip install --upgrade {name}"
    if folder := repository_folder(name):
        return f"pip install {folder} in a newer copy of voxstack's repository"
    return f"install a newer version of {name} from where you got it"


def _source(name: str) -> _Source | None:
    """Read what pip wrote (PEP 610): a folder, a file or an address; else it was an index."""
    try:
        distribution = metadata.distribution(name)
        text = distribution.read_text("direct_url.json")
        direct = json.loads(text) if text else {}
        installer = distribution.read_text("INSTALLER")
    except (metadata.PackageNotFoundError, OSError, ValueError, RecursionError):
        return None
    if isinstance(direct, dict) and isinstance(direct.get("url"), str):
        return _direct(direct["url"], direct)
    if folder := repository_folder(name):
        return _Source(f"{folder} in voxstack's repository")
    return _Source(name) if installer else None


def _direct(url: str, direct: dict[str, Any]) -> _Source | None:
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    if parts.scheme == "file" and "vcs_info" not in direct:
        path = Path(url2pathname(parts.path))
        how = direct.get("dir_info")
        editable = isinstance(how, dict) and bool(how.get("editable"))
        return _Source(shlex.quote(str(path)), editable) if path.exists() else None
    bare = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))  # no password
    vcs = direct.get("vcs_info")
    if isinstance(vcs, dict):
        bare = f"{vcs.get('vcs')}+{bare}@{vcs.get('commit_id')}"
    if isinstance(direct.get("subdirectory"), str):
        bare += f"#subdirectory={direct['subdirectory']}"
    return _Source(shlex.quote(bare))
