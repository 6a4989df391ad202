"""Is the environment that of a lock? Compared before anything of a plugin is imported.

Files are compared by their hash, distributions by version and record. What each network runs on
is compared last, when the voice is built.
"""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, final

from attrs import frozen

import voxstack
from voxstack.addon import read_document
from voxstack.deployment import Deployment, PluginLists
from voxstack.errors import InputError, VoxstackError
from voxstack.host import Host
from voxstack.lock import (
    Edits,
    Lock,
    LockedAddon,
    LockedComponent,
    LockedDistribution,
    file_hash,
    networks_of,
)
from voxstack.lock_again import Asked, command
from voxstack.sources import distribution_of, package_of, record_hash
from voxstack.voice import Voice


@final
@frozen
class Drift:
    """One thing that is not as it was locked."""

    what: str
    locked: str
    found: str
    advice: str

    def __str__(self) -> str:
        return f"{self.what}: locked {self.locked}, found {self.found}: {self.advice}"


def locked_host(lock: Lock) -> Host:
    """Make the host that a lock asks for; its settings are those of the lock alone."""
    config = lock.config
    return Host(
        deploy=Deployment(
            executor=config.default_executor,
            executors=dict(config.executors),
            controls=dict(config.controls),
            plugins=PluginLists(config.allow, config.block),
        ),
        executor=config.executor,
    )


def locked_voice(host: Host, lock: Lock, path: str) -> Voice:
    """Build and load the voice of a lock; InputError with all drifts if there are any."""
    if found := all_drifts(host, lock, path):
        listed = "\n".join(f"  {drift}" for drift in found)
        raise InputError(
            f"{path}: this is not the environment that was locked:\n{listed}\n"
            f"or lock it as it is now: {_again(lock, path)}"
        )
    name, edits = _build(lock, path)
    return host.voice(name, edits=edits)


def _again(lock: Lock, path: str) -> str:
    """Give the command that makes this lock again, with the options that it was made with."""
    config = lock.config
    asked = lock.asked or Asked(  # of an older lock: what the deployment file set is unknown
        executor=config.executor,
        edits=config.edits,
        allow=() if config.allow == ("*",) else config.allow,
        block=config.block,
    )
    voice = lock.voice
    if "/" in voice:
        voice = os.path.normpath(Path(path).parent / voice)
        voice = voice if os.sep in voice else f".{os.sep}{voice}"
    text = command(asked, voice, path)
    if asked.deploy is None and (config.controls or config.executors or config.default_executor):
        text += " --deploy FILE.toml (with the file that it was made with)"
    return text


def all_drifts(host: Host, lock: Lock, path: str) -> list[Drift]:
    """Give all that is not as it was locked; the voice is built if nothing else is amiss."""
    if found := list(drifts(host, lock, Path(path))):
        return found
    name, edits = _build(lock, path)
    voice = host.voice(name, edits=edits, load=False)
    return list(_network_drifts(lock.networks, networks_of(voice)))


def _build(lock: Lock, path: str) -> tuple[str, Edits]:
    edits: Edits = [(pointer, value, path) for pointer, value in lock.config.edits]
    return _located(Path(path), lock.voice), edits


def drifts(host: Host, lock: Lock, place: Path) -> Iterator[Drift]:
    """Give all that is not as it was locked, without importing a plugin."""
    python = platform.python_version()
    if python != lock.python:
        yield Drift("Python", lock.python, python, f"run it with Python {lock.python}")
    if voxstack.__version__ != lock.voxstack:
        yield Drift(
            "voxstack",
            lock.voxstack,
            voxstack.__version__,
            f"pip install voxstack=={lock.voxstack}",
        )
    other = set()  # distributions that differ: their files and components do too
    for name, locked in lock.distributions.items():
        if (found := _distribution_drift(name, locked)) is None:
            continue
        other.add(name)
        if name != "voxstack" or voxstack.__version__ == lock.voxstack:
            yield found
    drifted = {c.package for c in lock.components.values() if c.distribution in other}
    for package, digest in lock.sources.items():
        if package not in drifted and (now := package_of(package)[1]) != digest:
            advice = "put its files back as they were, or install it again"
            yield Drift(f"the code of {package}", _short(digest), _short(now), advice)
    for key, component in lock.components.items():
        yield from _component_drifts(host, key, component, other)
    for name, addon in lock.addons.items():
        yield from _addon_drifts(host, name, _located(place, name), addon, other)


def _distribution_drift(name: str, locked: LockedDistribution) -> Drift | None:
    found = distribution_of(name)
    version = found.version if found else None
    if version != locked.version:
        return Drift(
            name, locked.version, version or "none", f"pip install {name}=={locked.version}"
        )
    digest = record_hash(found) if found else None
    if digest == locked.sha256:
        return None
    then, now = (_short(d) if d else "an editable install" for d in (locked.sha256, digest))
    what = f"{name} {version}, its files"
    return Drift(what, then, now, f"another build of it: {_reinstall(name, locked.version)}")


def _located(place: Path, name: str) -> str:
    """Find a path that was spelled from the lock file's folder; a name is itself."""
    return os.path.normpath(place.parent.resolve() / name) if "/" in name else name


def _component_drifts(
    host: Host, key: str, locked: LockedComponent, other: set[str]
) -> Iterator[Drift]:
    namespace, _, name = key.partition(" ")
    reinstall = _reinstall(locked.distribution, locked.version)
    whose = f"{locked.distribution} {locked.version}"
    try:
        found = host.registry.find(name, namespace)
    except VoxstackError as error:
        yield Drift(key, f"that of {whose}", f"none that can be used ({error})", reinstall)
        return
    if found.distribution != locked.distribution:
        there = f"that of {found.distribution} {found.version}"
        yield Drift(key, f"that of {whose}", there, f"pip uninstall {found.distribution}")
    elif locked.distribution not in other and found.target != locked.target:
        yield Drift(key, locked.target, found.target, reinstall)


def _addon_drifts(
    host: Host, name: str, located: str, locked: LockedAddon, other: set[str]
) -> Iterator[Drift]:
    mend = "put back the files that were locked"
    if locked.distribution:
        mend = _reinstall(locked.distribution, locked.version)
    if locked.distribution in other:
        return
    try:
        files = host.files(located)
        version = str(read_document(files).value.get("version"))
    except VoxstackError as error:
        yield Drift(f"addon {name}", locked.version, f"none that can be used ({error})", mend)
        return
    if version != locked.version:
        yield Drift(f"addon {name}", locked.version, version, mend)
    for path, digest in locked.files.items():
        try:
            found = file_hash(files, path)
        except VoxstackError as error:
            yield Drift(f"addon {name}, {path}", _short(digest), f"none ({error})", mend)
            continue
        if found != digest:
            yield Drift(f"addon {name}, {path}", _short(digest), _short(found), mend)


def _network_drifts(locked: Mapping[str, Any], found: Mapping[str, Any]) -> Iterator[Drift]:
    for name in sorted({*locked, *found}):
        then, now = locked.get(name), found.get(name)
        if then != now:
            yield Drift(
                f"network {name}",
                json.dumps(then) if then else "none",
                json.dumps(now) if now else "none",
                "voxstack executors says what can run here",
            )


def _reinstall(distribution: str, version: str) -> str:
    return f"pip install --force-reinstall --no-deps {distribution}=={version}"


def _short(digest: str | None) -> str:
    return f"sha256 {digest[:12]}..." if digest else "no file"
