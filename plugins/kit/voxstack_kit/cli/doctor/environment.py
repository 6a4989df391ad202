"""Python, the platform, voxstack itself and its dependencies."""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import voxstack
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from voxstack import VoxstackError

from voxstack_kit.checking.reinstall import install_again, install_newer, source_of
from voxstack_kit.cli.doctor.findings import ERROR, OK, WARNING, Finding


def environment() -> Iterator[Finding]:
    """Yield findings on Python, the platform, voxstack itself and its dependencies."""
    here = f"Python {platform.python_version()}"
    try:
        own = metadata.distribution("voxstack")
        needs, version = own.requires or [], own.version
        python = own.metadata["Requires-Python"] or ""
    except metadata.PackageNotFoundError:
        yield Finding(
            "environment", ERROR, "voxstack", "not installed: its own blocks are missing",
            install_newer("voxstack"),
        )  # fmt: skip
        needs, version, python = [], voxstack.__version__, ""
    if satisfies(platform.python_version(), python):
        yield Finding("environment", OK, here, f"{sys.executable} on {platform.platform()}")
    else:
        yield Finding(
            "environment", ERROR, here, f"voxstack needs Python {python}",
            "make an environment with a newer Python",
        )  # fmt: skip
    if version == voxstack.__version__:
        yield Finding("environment", OK, f"voxstack {version}", str(Path(voxstack.__file__).parent))
    else:
        yield Finding(
            "environment", WARNING, f"voxstack {voxstack.__version__}",
            f"it runs from {Path(voxstack.__file__).parent}, and version {version} is installed",
            f"{install_again('voxstack')}, or remove the folder from PYTHONPATH",
        )  # fmt: skip
    for requirement in needs:
        yield from dependency("environment", ERROR, requirement, "voxstack")
    yield _player()


def _player() -> Finding:
    from voxstack.cli import check_place

    try:
        check_place(None)
    except VoxstackError as error:
        message, _, step = str(error).partition(": ")
        return Finding("environment", WARNING, "audio player", message, step)
    return Finding("environment", OK, "audio player", "voxstack say can play")


def dependency(check: str, status: str, requirement: str, owner: str) -> Iterator[Finding]:
    """Compare one Requires-Dist with what is installed; yield a finding."""
    try:
        parsed = Requirement(requirement)
    except InvalidRequirement:
        return
    if parsed.url or (parsed.marker and not parsed.marker.evaluate({"extra": ""})):
        return
    name, wanted = parsed.name, str(parsed.specifier)
    step = source_of(name) or f"pip install --upgrade {f'{name}{wanted}'!r}"
    try:
        version = metadata.version(name)
    except metadata.PackageNotFoundError:
        yield Finding(check, status, name, f"{owner} needs it, and it is not installed", step)
        return
    if not satisfies(version or "", wanted):
        message = f"it is outdated: {owner} needs {wanted}, {version} is installed"
        yield Finding(check, status, f"{name} {version}", message, step)
    elif check == "environment":
        yield Finding(check, OK, f"{name} {version}", f"{owner} needs {wanted or 'any'}")


def satisfies(version: str, wanted: str) -> bool:
    """Return whether a version meets a requirement; one that cannot be read is met."""
    try:
        return SpecifierSet(wanted).contains(version, prereleases=True)
    except InvalidSpecifier:
        return True
