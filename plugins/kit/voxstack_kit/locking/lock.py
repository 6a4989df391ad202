"""Lock files: the configuration of a voice and the environment that it was built in."""

from __future__ import annotations

import hashlib
import json
import os
import platform
from collections.abc import Iterator
from pathlib import Path
from typing import Any, final

import attrs
import voxstack
from attrs import field, frozen
from packaging.utils import canonicalize_name
from voxstack import Addon, Buckets, Executor, Frontend, Host, InputError, Program, Voice
from voxstack.inspection import (
    MANIFEST,
    MAX_FILE,
    MAX_MANIFEST,
    Block,
    Files,
    Registration,
    options_of,
    parse_json,
    structured,
)

from voxstack_kit.locking.command import Asked
from voxstack_kit.locking.sources import needed, package_of, record_hash

FORMAT = 1  # the format of lock files that this version writes and reads

Edits = list[tuple[str, Any, str]]


@final
@frozen
class Config:
    """The request: enough to build the voice again."""

    edits: tuple[tuple[str, Any], ...] = ()  # JSON pointer and value, in order
    executor: Any = None  # for all networks
    executors: dict[str, Any] = field(factory=dict)  # by network name or role
    default_executor: Any = None  # for networks that nothing else assigns
    controls: dict[str, str | float] = field(factory=dict)
    allow: tuple[str, ...] = ("*",)
    block: tuple[str, ...] = ()


@final
@frozen
class LockedAddon:
    """An addon that the voice uses."""

    version: str
    distribution: str | None  # None: a folder or a zip
    files: dict[str, str]  # path in the addon -> sha256


@final
@frozen
class LockedComponent:
    """A component that the voice uses."""

    distribution: str
    version: str
    target: str  # of the entry point
    package: str  # whose code it is; the target may only pass it on


@final
@frozen
class LockedDistribution:
    """A distribution that the voice uses, or a dependency of one."""

    version: str
    sha256: str | None  # of pip's record of its files; None for an editable install


@final
@frozen
class Lock:
    """The contents of a lock file."""

    lock: int
    voice: str  # its name, or the path of the addon from the lock file's folder
    python: str
    voxstack: str
    config: Config
    addons: dict[str, LockedAddon]  # by the name that the host finds them by
    components: dict[str, LockedComponent]  # "block Gain"
    sources: dict[str, str | None]  # package -> sha256 of all its files
    networks: dict[str, Any]  # qualified name -> the executor that runs it
    distributions: dict[str, LockedDistribution]  # those used and all that they need
    asked: Asked | None = None  # None: the lock is of a version that did not write it


# Making a lock ----------------------------------------------------------------------------------


def make_lock(host: Host, name: str | None, edits: Edits, executor: Any, place: Path) -> Lock:
    """Lock a voice as ``host`` builds it; ``place`` is where the lock file will lie."""
    name = host.choose_voice(name)
    voice = host.voice(name, edits=edits, load=False)
    settings = host.deployment.settings(name.partition("@")[0])
    made = [*settings.set.items(), *((pointer, value) for pointer, value, _ in edits)]
    lists = host.deployment.plugins
    components = {_key(r): _component(r) for r in _components(host, voice)}
    addons = {n: _addon(host, n) for n in _addon_names(name, voice)}
    used = {"voxstack", *(c.distribution for c in components.values())}
    used |= {a.distribution for a in addons.values() if a.distribution}
    return Lock(
        FORMAT,
        _spelled_from(place, name) if _is_path(host, name) else name,
        platform.python_version(),
        voxstack.__version__,
        Config(
            tuple(made),
            executor,
            dict(settings.executors),
            settings.executor,
            dict(settings.controls),
            host.allow or lists.allow,
            (*lists.block, *host.block),
        ),
        {(_spelled_from(place, n) if _is_path(host, n) else n): a for n, a in addons.items()},
        components,
        dict(sorted(package_of(package) for package in {c.package for c in components.values()})),
        networks_of(voice),
        {
            canonicalize_name(d.name): LockedDistribution(d.version or "", record_hash(d))
            for d in needed(used)
        },
        _asked(host, edits, executor, place),
    )


def _asked(host: Host, edits: Edits, executor: Any, place: Path) -> Asked:
    return Asked(
        None if host.deploy_file is None else _spelled_from(place, host.deploy_file),
        executor,
        tuple((pointer, value) for pointer, value, _ in edits),
        host.allow,
        host.block,
    )


def lock_text(lock: Lock) -> str:
    """Return a lock as JSON."""
    return json.dumps(attrs.asdict(lock), indent=2, ensure_ascii=False) + "\n"


def _components(host: Host, voice: Voice) -> list[Registration]:
    """Return the registrations of all components of a voice, sorted."""
    parts: list[Any] = [voice.built.frontend, *voice.built.blocks]
    classes = {type(part) for root in parts for part in _parts(root)}
    found: dict[tuple[str, str], Registration] = {}
    for registration in host.registry.registrations:
        if registration.loaded in classes and registration.status in ("ok", "ambiguous"):
            found.setdefault((registration.kind, registration.target), registration)
    return sorted(found.values(), key=_key)


def _parts(value: Any) -> Iterator[Any]:
    """Yield all components in a value, and the executors of its programs."""
    if isinstance(value, list | tuple):
        for item in value:
            yield from _parts(item)
    elif isinstance(value, Program):
        yield from _parts(getattr(value, "executor", None))
    elif isinstance(value, Block | Frontend | Executor):
        yield value
        for option in options_of(value):
            yield from _parts(getattr(value, option.name))


def _key(registration: Registration) -> str:
    whose = f"@{registration.distribution}" if registration.status == "ambiguous" else ""
    return f"{registration.namespace} {registration.name}{whose}"


def _component(registration: Registration) -> LockedComponent:
    return LockedComponent(
        registration.distribution,
        registration.version,
        registration.target,
        package_of(registration.loaded.__module__)[0],
    )


def _addon_names(name: str, voice: Voice) -> list[str]:
    """Return the names of the voice's addon and of those whose networks it shares."""
    others = {p.network.addon for p in voice.programs} - {voice.addon.name}
    return [name, *sorted(others)]


def _addon(host: Host, name: str) -> LockedAddon:
    addon = host.addon(name)
    distribution = None
    if not _is_path(host, name):
        distribution = host.registry.find(name, "addon").distribution
    paths = sorted({MANIFEST, *_data_of(addon)})
    return LockedAddon(
        addon.manifest.version,
        distribution,
        {path: file_hash(addon.files, path) for path in paths},
    )


def _data_of(addon: Addon) -> Iterator[str]:
    """Yield the files that speech depends on: networks and symbols."""
    for network in addon.manifest.networks.values():
        yield from network.files.values()
    if addon.manifest.symbols is not None:
        yield addon.manifest.symbols


def file_hash(files: Files, path: str) -> str:
    """Return the sha256 of an addon's file."""
    limit = MAX_MANIFEST if path == MANIFEST else MAX_FILE
    return hashlib.sha256(files.read(path, limit)).hexdigest()


def networks_of(voice: Voice) -> dict[str, Any]:
    """Return which executor runs each network, with its options."""
    return {
        program.network.qualified_name: _executor(program.executor)
        for program in sorted(voice.programs, key=lambda p: p.network.qualified_name)
    }


def _executor(executor: Executor) -> dict[str, Any]:
    """Return an executor with its options, in plain values."""
    options: dict[str, Any] = {"type": type(executor).__name__}
    for option in options_of(executor):
        value = getattr(executor, option.name)
        if isinstance(value, Executor):
            value = _executor(value)
        elif isinstance(value, Buckets):
            value = dict(value.sizes)
        options[option.name] = value
    plain: dict[str, Any] = json.loads(json.dumps(options, default=repr))
    return plain


def _is_path(host: Host, name: str) -> bool:
    return not host.registry.candidates(name, "addon")


def _spelled_from(place: Path, name: str) -> str:
    """Return a path relative to the lock file's folder, so that both can be moved together."""
    try:
        path = Path(os.path.relpath(name, place.resolve().parent)).as_posix()
    except ValueError:  # on another drive
        path = Path(name).resolve().as_posix()
    return path if "/" in path else f"./{path}"


# Using a lock -----------------------------------------------------------------------------------


def read_lock(path: str | os.PathLike[str]) -> Lock:
    """Read a lock file; InputError or ConfigError if it cannot be used."""
    try:
        text = Path(path).read_text("utf-8-sig")
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 text (byte {error.start})") from None
    document = parse_json(text, str(path))
    version = document.value.get("lock") if isinstance(document.value, dict) else None
    if type(version) is not int or version < 1:
        raise InputError(
            f'{path} is not a lock file: it has no "lock": {FORMAT}; '
            f"make one: voxstack stack lock VOICE -o {path}"
        )
    if version > FORMAT:
        raise InputError(
            f"{path}: lock format {version} is newer than this voxstack reads ({FORMAT}): "
            f"upgrade voxstack, or lock again"
        )
    lock: Lock = structured(document, Lock)
    return lock
