"""Hashes of installed distributions and of their code; nothing is imported."""

from __future__ import annotations

import csv
import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec
from pathlib import Path

import importlib_metadata
from packaging.utils import canonicalize_name

from voxstack_kit.checking.provenance import distribution_of

# Rows of pip's RECORD about how a distribution was installed, not about what it is.
_HOW = ("INSTALLER", "REQUESTED", "RECORD", "direct_url.json")


def needed(names: Iterable[str]) -> Iterator[importlib_metadata.Distribution]:
    """Yield distributions and all their dependencies except extras, sorted by name."""
    waiting, found = list(names), dict[str, importlib_metadata.Distribution | None]()
    while waiting:
        name = canonicalize_name(waiting.pop())
        if name in found:
            continue
        found[name] = distribution = distribution_of(name)
        if distribution is None:
            continue  # a marker leaves it out here
        for requirement in distribution.requires or ():
            required = re.match(r"[A-Za-z0-9][\w.-]*", requirement)
            if required and not re.search(r";.*\bextra\s*==", requirement):
                waiting.append(required[0])
    for _, distribution in sorted(found.items()):
        if distribution is not None:
            yield distribution


def record_hash(distribution: importlib_metadata.Distribution) -> str | None:
    """Return a sha256 of the files that were installed, as pip's RECORD lists them.

    It differs between two builds of one version. None for an editable install, whose RECORD does
    not list its sources, and without a RECORD.
    """
    if _editable(distribution):
        return None
    rows = csv.reader((distribution.read_text("RECORD") or "").splitlines())
    files = sorted(
        (row[0], row[1])
        for row in rows
        # What lies outside (scripts) holds the path of the environment.
        if len(row) > 1 and row[1] and not row[0].startswith("..") and _name(row[0]) not in _HOW
    )
    return hashlib.sha256(json.dumps(files).encode()).hexdigest() if files else None


def _name(path: str) -> str:
    return path.rpartition("/")[2] if ".dist-info/" in path else path


def _editable(distribution: importlib_metadata.Distribution) -> bool:
    try:
        origin = json.loads(distribution.read_text("direct_url.json") or "{}")
        return bool(origin.get("dir_info", {}).get("editable"))
    except (ValueError, AttributeError):
        return False


def package_of(module: str) -> tuple[str, str | None]:
    """Return the package that a module belongs to, and the sha256 of all its files.

    That is the top-level package or module; in a namespace package, which many distributions
    share, what lies directly in it. The hash is None where nothing is found.
    """
    top, *below = module.split(".")
    try:
        spec: ModuleSpec | None = find_spec(top)
        while spec and spec.origin is None and below:
            name = f"{spec.name}.{below.pop(0)}"
            spec = PathFinder.find_spec(name, spec.submodule_search_locations)
        if spec is None or spec.origin is None:
            return module, None
        folders = [Path(folder) for folder in spec.submodule_search_locations or ()]
        return spec.name, _files_hash(folders or [Path(spec.origin)])
    except (OSError, ValueError, ImportError):
        return module, None


def _files_hash(places: Iterable[Path]) -> str:
    """Hash files by their path and content, compiled ones left out."""
    listed = []
    for place in places:
        for path in sorted(place.rglob("*")) if place.is_dir() else [place]:
            if path.is_file() and "__pycache__" not in path.parts:
                digest = hashlib.sha256(path.read_bytes()).hexdigest()
                listed.append((path.relative_to(place.parent).as_posix(), digest))
    return hashlib.sha256(json.dumps(sorted(listed)).encode()).hexdigest()
