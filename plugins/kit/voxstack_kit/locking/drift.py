"""Comparing the environment with a lock, before anything of a plugin is imported.

Files are compared by hash, distributions by version and record. The files of a distribution that
is not a plugin are compared with its record on request only. Executors are compared last, on the
built voice.
"""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, final

import voxstack
from attrs import frozen
from voxstack import Host, InputError, Voice, VoxstackError
from voxstack.inspection import Deployment, PluginLists

from voxstack_kit.checking.provenance import distribution_of, origin_of
from voxstack_kit.checking.reinstall import install_version
from voxstack_kit.locking.command import Asked, command
from voxstack_kit.locking.lock import (
    Edits,
    Lock,
    LockedAddon,
    LockedComponent,
    LockedDistribution,
    file_hash,
    networks_of,
)
from voxstack_kit.locking.sources import package_of, record_hash

MOST_NAMED = 3  # changed files of a distribution


@final
@frozen
class Drift:
    """One difference from a lock."""

    what: str
    locked: str
    found: str
    advice: str

    def __str__(self) -> str:
        return f"{self.what}: locked {self.locked}, found {self.found}: {self.advice}"


def locked_host(lock: Lock) -> Host:
    """Return a host with the settings of a lock and no others."""
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
        again = f"\nor lock it as it is now: {_again(lock, path)}" if _complete(host, lock) else ""
        raise InputError(f"{path}: the environment differs from the lock:\n{listed}{again}")
    name, edits = _build(lock, path)
    return host.voice(name, edits=edits)


def is_voice_of(lock: Lock, path: str, voice: str) -> bool:
    """Return whether a voice, a name or a path, is the one locked in ``path``."""
    locked = _located(Path(path), lock.voice)
    return voice == locked or (
        "/" in lock.voice and Path(voice).resolve() == Path(locked).resolve()
    )


def _complete(host: Host, lock: Lock) -> bool:
    """Return whether all parts of a lock are installed, so that it can be locked again."""
    parts = [key.split(" ", 1) for key in lock.components]
    parts += [["addon", name] for name, addon in lock.addons.items() if addon.distribution]
    try:
        for namespace, name in parts:
            host.registry.find(name, namespace)
    except VoxstackError:
        return False
    return True


def _again(lock: Lock, path: str) -> str:
    """Return the command that makes this lock again, with the options that it was made with."""
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


def all_drifts(host: Host, lock: Lock, path: str, every_file: bool = False) -> list[Drift]:
    """Return all differences from a lock; the voice is built if there are no others.

    ``every_file``: also compare the files of distributions that are not plugins, which takes time.
    """
    found = list(drifts(host, lock, Path(path)))
    found += _changed(lock) if every_file else ()
    if found:
        return found
    name, edits = _build(lock, path)
    voice = host.voice(name, edits=edits, load=False)
    return list(_network_drifts(lock.networks, networks_of(voice)))


def _build(lock: Lock, path: str) -> tuple[str, Edits]:
    edits: Edits = [(pointer, value, path) for pointer, value in lock.config.edits]
    return _located(Path(path), lock.voice), edits


def drifts(host: Host, lock: Lock, place: Path) -> Iterator[Drift]:
    """Yield the differences that can be found without importing a plugin."""
    python = platform.python_version()
    if python != lock.python:
        yield Drift("Python", lock.python, python, f"run it with Python {lock.python}")
    if voxstack.__version__ != lock.voxstack:
        step = install_version("voxstack", lock.voxstack)
        yield Drift("voxstack", lock.voxstack, voxstack.__version__, step)
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
    blocked = _blocked(host, lock)
    for (reason, step), names in blocked.items():
        yield Drift(", ".join(names), "as used", reason, step)
    other |= {name for names in blocked.values() for name in names}
    for key, component in lock.components.items():
        yield from _component_drifts(host, key, component, other)
    for name, addon in lock.addons.items():
        yield from _addon_drifts(host, name, _located(place, name), addon, other)


def _distribution_drift(name: str, locked: LockedDistribution) -> Drift | None:
    found = distribution_of(name)
    version = found.version if found else None
    if version != locked.version:
        step = install_version(name, locked.version)
        return Drift(name, locked.version, version or "none", step)
    digest = record_hash(found) if found else None
    if digest == locked.sha256:
        return None
    then, now = (_short(d) if d else "an editable install" for d in (locked.sha256, digest))
    step = install_version(name, locked.version, again=True, editable=locked.sha256 is None)
    return Drift(f"{name} {version}, its files", then, now, f"another build of it: {step}")


def _changed(lock: Lock) -> Iterator[Drift]:
    """Compare the files of distributions that are not plugins with their records."""
    plugins = {component.distribution for component in lock.components.values()}
    for name, locked in lock.distributions.items():
        found = distribution_of(name)
        if name in plugins or found is None or found.version != locked.version:
            continue
        if changed := origin_of(name, locked.version, found).changed:
            more = f" and {len(changed) - MOST_NAMED} more" if len(changed) > MOST_NAMED else ""
            there = f"changed: {', '.join(changed[:MOST_NAMED])}{more}"
            step = install_version(name, locked.version, again=True)
            yield Drift(f"{name} {locked.version}, its files", "as installed", there, step)


def _blocked(host: Host, lock: Lock) -> dict[tuple[str, str], list[str]]:
    """Return the locked distributions that are blocked here, by the reason and the next step."""
    used = {component.distribution for component in lock.components.values()}
    used |= {addon.distribution for addon in lock.addons.values() if addon.distribution}
    found: dict[tuple[str, str], list[str]] = {}
    for one in host.registry.registrations:
        if one.distribution in used and one.status == "blocked":
            names = found.setdefault((one.reason or "", one.next_step or ""), [])
            names += [] if one.distribution in names else [one.distribution]
    return found


def _located(place: Path, name: str) -> str:
    """Resolve a path relative to the lock file's folder; a name stays as it is."""
    return os.path.normpath(place.parent.resolve() / name) if "/" in name else name


def _component_drifts(
    host: Host, key: str, locked: LockedComponent, other: set[str]
) -> Iterator[Drift]:
    namespace, _, name = key.partition(" ")
    whose = f"that of {locked.distribution} {locked.version}"
    try:
        found = host.registry.find(name, namespace)
    except VoxstackError as error:
        if locked.distribution not in other:
            clash = _clash(host, name, namespace, locked.distribution)
            there, fix = clash or (f"none that can be used ({error})", _reinstall(locked))
            yield Drift(key, whose, there, fix)
        return
    if found.distribution != locked.distribution:
        there = f"that of {found.distribution} {found.version}"
        yield Drift(key, whose, there, f"pip uninstall {found.distribution}")
    elif locked.distribution not in other and found.target != locked.target:
        yield Drift(key, locked.target, found.target, _reinstall(locked))


def _clash(host: Host, name: str, namespace: str, distribution: str) -> tuple[str, str] | None:
    """Return which other packages provide the name of ``distribution``, and how to choose."""
    rivals = [r for r in host.registry.candidates(name, namespace) if r.status == "ambiguous"]
    others = sorted({r.distribution for r in rivals} - {distribution})
    if len(others) == len({r.distribution for r in rivals}):
        return None
    owners = ", ".join(sorted({r.owner for r in rivals if r.distribution in others}))
    return f"one of {owners} as well", (
        f"pip uninstall {' '.join(others)}, or add {','.join(others)!r} to VOXSTACK_BLOCK, "
        f"or lock again with {f'{name}@{distribution}'!r} in place of {name!r}"
    )


def _addon_drifts(
    host: Host, name: str, located: str, locked: LockedAddon, other: set[str]
) -> Iterator[Drift]:
    fix = "put back the files that were locked"
    if locked.distribution:
        fix = install_version(locked.distribution, locked.version, again=True)
    if locked.distribution in other:
        return
    try:
        document, files = host.document(located)
        version = str(document.value.get("version"))
    except VoxstackError as error:
        clash = locked.distribution and _clash(host, name, "addon", locked.distribution)
        there, fix = clash or (f"none that can be used ({error})", fix)
        yield Drift(f"addon {name}", locked.version, there, fix)
        return
    if version != locked.version:
        yield Drift(f"addon {name}", locked.version, version, fix)
    for path, digest in locked.files.items():
        try:
            found = file_hash(files, path)
        except VoxstackError as error:
            yield Drift(f"addon {name}, {path}", _short(digest), f"none ({error})", fix)
            continue
        if found != digest:
            yield Drift(f"addon {name}, {path}", _short(digest), _short(found), fix)


def _network_drifts(locked: Mapping[str, Any], found: Mapping[str, Any]) -> Iterator[Drift]:
    for name in sorted({*locked, *found}):
        then, now = locked.get(name), found.get(name)
        if then != now:
            yield Drift(
                f"network {name}",
                json.dumps(then) if then else "none",
                json.dumps(now) if now else "none",
                "voxstack executors lists what can run here",
            )


def _reinstall(locked: LockedComponent) -> str:
    return install_version(locked.distribution, locked.version, again=True)


def _short(digest: str | None) -> str:
    return f"sha256 {digest[:12]}..." if digest else "no file"
