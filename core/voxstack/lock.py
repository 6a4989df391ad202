"""Lock files: a voice's configuration, and all of the environment that it was built in.

A lock is compared before anything of a plugin is imported: files by their hash, distributions by
their version. What each network runs on is compared last, when the voice is built.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
from collections.abc import Iterable, Iterator, Mapping
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec
from pathlib import Path
from typing import Any, final

import attrs
import importlib_metadata
from attrs import field, frozen

import voxstack
from voxstack.addon import MANIFEST, MAX_FILE, MAX_MANIFEST, Addon, Files, read_document
from voxstack.blocks import Block, Frontend, options_of
from voxstack.buckets import Buckets
from voxstack.deployment import Deployment, PluginLists
from voxstack.discovery import normalised
from voxstack.documents import parse_json
from voxstack.errors import InputError, VoxstackError
from voxstack.executors import Executor, Program
from voxstack.host import Host
from voxstack.registry import Registration
from voxstack.structure import Structurer, structure
from voxstack.voice import Voice

FORMAT = 1  # the format of lock files that this version writes and reads

Edits = list[tuple[str, Any, str]]


@final
@frozen
class Config:
    """What was asked for: enough to build the voice again."""

    edits: tuple[tuple[str, Any], ...] = ()  # JSON pointer and value, in order
    executor: Any = None  # for all networks
    executors: dict[str, Any] = field(factory=dict)  # by network name or role
    default_executor: Any = None  # where nothing nearer to a network says one
    controls: dict[str, str | float] = field(factory=dict)
    allow: tuple[str, ...] = ("*",)
    block: tuple[str, ...] = ()


@final
@frozen
class LockedAddon:
    """An addon that the voice is made of."""

    version: str
    distribution: str | None  # None: a folder or a zip
    files: dict[str, str]  # path in the addon -> sha256


@final
@frozen
class LockedComponent:
    """A component that the voice is made of."""

    distribution: str
    version: str
    target: str  # of the entry point
    module: str  # that defines it; the target may only pass it on
    sha256: str | None  # of that module's source file; None if it has none


@final
@frozen
class Lock:
    """What a lock file says."""

    lock: int
    voice: str  # its name, or the path of the addon from the lock file's folder
    python: str
    voxstack: str
    config: Config
    addons: dict[str, LockedAddon]  # by the name that the host finds them by
    components: dict[str, LockedComponent]  # "block Gain"
    networks: dict[str, Any]  # qualified name -> the executor that runs it
    distributions: dict[str, str]  # those used and all that they need -> version


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


# Making a lock ----------------------------------------------------------------------------------


def make_lock(host: Host, name: str | None, edits: Edits, executor: Any, place: Path) -> Lock:
    """Lock a voice as ``host`` builds it; ``place`` is where the lock file will lie."""
    name = host.choose_voice(name)
    voice = host.voice(name, edits=edits, load=False)
    settings = host.settings(name)
    made = [*settings.set.items(), *((pointer, value) for pointer, value, _ in edits)]
    filter_ = host.registry.filter
    components = {_key(r): _component(r) for r in _components(host, voice)}
    addons = {n: _addon(host, n) for n in _addon_names(name, voice)}
    used = {"voxstack", *(c.distribution for c in components.values())}
    used |= {a.distribution for a in addons.values() if a.distribution}
    return Lock(
        FORMAT,
        _voice_from(place, name) if _is_path(host, name) else name,
        platform.python_version(),
        voxstack.__version__,
        Config(
            tuple(made),
            executor,
            dict(settings.executors),
            settings.executor,
            dict(settings.controls),
            filter_.allow,
            filter_.block,
        ),
        {(_voice_from(place, n) if _is_path(host, n) else n): a for n, a in addons.items()},
        components,
        _networks(voice),
        dict(sorted(_needed(used))),
    )


def lock_text(lock: Lock) -> str:
    """Write a lock as JSON."""
    return json.dumps(attrs.asdict(lock), indent=2, ensure_ascii=False) + "\n"


def _components(host: Host, voice: Voice) -> list[Registration]:
    """Give the registrations of all that the voice is built of, sorted."""
    parts: list[Any] = [voice.built.frontend, *voice.built.head, *voice.built.tail]
    classes = {type(part) for root in parts for part in _parts(root)}
    found: dict[tuple[str, str], Registration] = {}
    for registration in host.registry.registrations:
        if registration.loaded in classes and registration.status in ("ok", "ambiguous"):
            found.setdefault((registration.kind, registration.target), registration)
    return sorted(found.values(), key=_key)


def _parts(value: Any) -> Iterator[Any]:
    """Give all components that a value is or holds, and the executors of its programs."""
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
        registration.loaded.__module__,
        source_hash(registration.loaded.__module__),
    )


def _addon_names(name: str, voice: Voice) -> list[str]:
    """Give the voice's addon and those whose networks it shares."""
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
        {path: _file_hash(addon.files, path) for path in paths},
    )


def _data_of(addon: Addon) -> Iterator[str]:
    """Give the files that speech depends on: networks and symbols."""
    for network in addon.manifest.networks.values():
        yield from network.files.values()
    if addon.manifest.symbols is not None:
        yield addon.manifest.symbols


def _file_hash(files: Files, path: str) -> str:
    limit = MAX_MANIFEST if path == MANIFEST else MAX_FILE
    return hashlib.sha256(files.read(path, limit)).hexdigest()


def _networks(voice: Voice) -> dict[str, Any]:
    return {
        program.network.qualified_name: _executor(program.executor)
        for program in sorted(voice.programs, key=lambda p: p.network.qualified_name)
    }


def _executor(executor: Executor) -> dict[str, Any]:
    """Describe an executor by its options, in plain values."""
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


def _voice_from(place: Path, name: str) -> str:
    """Spell a path from the lock file's folder, so that both can be moved together."""
    path = Path(os.path.relpath(name, place.resolve().parent)).as_posix()
    return path if "/" in path else f"./{path}"


# Distributions and sources ----------------------------------------------------------------------


def _needed(names: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Give each distribution and all that it needs, with their versions; extras are left out."""
    waiting, seen = sorted(names), set[str]()
    while waiting:
        name = normalised(waiting.pop())
        if name in seen:
            continue
        seen.add(name)
        try:
            distribution = importlib_metadata.distribution(name)
        except importlib_metadata.PackageNotFoundError:
            continue  # a marker leaves it out here
        yield name, distribution.version or ""
        for requirement in distribution.requires or ():
            needed = re.match(r"[A-Za-z0-9][\w.-]*", requirement)
            if needed and not re.search(r";.*\bextra\s*==", requirement):
                waiting.append(needed[0])


def _version(name: str) -> str | None:
    try:
        return importlib_metadata.version(name)
    except importlib_metadata.PackageNotFoundError:
        return None


def source_hash(module: str) -> str | None:
    """Give the sha256 of a module's source file, without importing it."""
    top, *below = module.split(".")
    try:
        spec: ModuleSpec | None = find_spec(top)
        for part in below:
            if spec is None:
                return None
            spec = PathFinder.find_spec(f"{spec.name}.{part}", spec.submodule_search_locations)
        if spec is None or spec.origin is None:
            return None
        return hashlib.sha256(Path(spec.origin).read_bytes()).hexdigest()
    except (OSError, ValueError, ImportError):
        return None


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
            f'{path} is no lock file: it has no "lock": {FORMAT}; '
            f"make one: voxstack stack lock VOICE -o {path}"
        )
    if version > FORMAT:
        raise InputError(
            f"{path}: lock format {version} is newer than this voxstack reads ({FORMAT}): "
            f"upgrade voxstack, or lock again"
        )
    lock: Lock = structure(Structurer(), document, "", Lock)
    return lock


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


def locked_voice(host: Host, lock: Lock, path: str, load: bool = True) -> Voice:
    """Build the voice of a lock; InputError with all drifts if the environment is another."""
    place = Path(path)
    found = list(drifts(host, lock, place))
    name = _located(place, lock.voice)
    edits: Edits = [(pointer, value, path) for pointer, value in lock.config.edits]
    if not found:
        voice = host.voice(name, edits=edits, load=False)
        found = list(_network_drifts(lock.networks, _networks(voice)))
    if found:
        listed = "\n".join(f"  {drift}" for drift in found)
        raise InputError(
            f"{path}: this is not the environment that was locked:\n{listed}\n"
            f"or lock it as it is now: voxstack stack lock {lock.voice} -o {path}"
        )
    return host.voice(name, edits=edits, load=load)


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
    other = set()  # distributions of another version: their files differ, which is no news
    for name, version in lock.distributions.items():
        found = _version(name)
        if found == version:
            continue
        other.add(name)
        if name != "voxstack" or voxstack.__version__ == lock.voxstack:
            yield Drift(name, version, found or "none", f"pip install {name}=={version}")
    for key, component in lock.components.items():
        yield from _component_drifts(host, key, component, other)
    for name, addon in lock.addons.items():
        yield from _addon_drifts(host, name, _located(place, name), addon, other)


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
    elif locked.distribution in other:
        return
    elif found.target != locked.target:
        yield Drift(key, locked.target, found.target, reinstall)
    elif (digest := source_hash(locked.module)) != locked.sha256:
        what = f"{key}, the source of {locked.module}"
        yield Drift(what, _short(locked.sha256), _short(digest), reinstall)


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
            found = _file_hash(files, path)
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
