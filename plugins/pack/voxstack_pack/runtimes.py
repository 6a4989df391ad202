"""Find the installed executors, and load a network on them as a voice does."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, final

import attrs
from attrs import frozen
from voxstack import Host, InputError, Program, VoxstackError
from voxstack.inspection import Registry, did_you_mean

from voxstack_pack.addons import MANIFEST, file_entry, pretty

ROOM = 64  # fixed shapes are rounded up to a multiple of it


@final
@frozen
class Runtime:
    """An executor that is usable here."""

    name: str
    formats: tuple[str, ...]
    static: bool
    takes_buckets: bool
    distribution: str  # that provides it


def runtimes(only: Sequence[str] = ()) -> tuple[list[Runtime], dict[str, str]]:
    """Return the executors that are usable here, and why the others are not.

    ``only`` these, if any are named: InputError for an unknown one.
    """
    registry = Registry()
    names = registry.names("executor")
    for name in only:
        if name not in names:
            hint = did_you_mean(name, names) or f"there: {', '.join(names) or 'none'}"
            raise InputError(f"no executor {name!r} is installed ({hint})")
    usable, reasons = [], {}
    for name in only or names:
        try:
            registration = registry.find(name, "executor")
            cls = registry.load(registration)
            if reason := cls().available():
                reasons[name] = reason
                continue
        except VoxstackError as error:
            reasons[name] = str(error)
            continue
        except TypeError:  # it wraps another executor, which is checked itself
            reasons[name] = "needs options"
            continue
        except Exception as error:
            reasons[name] = f"its probe failed: {type(error).__name__}: {error}"
            continue
        options = {option.name for option in attrs.fields(cls)}
        usable.append(
            Runtime(
                name,
                tuple(cls.formats),
                cls.static,
                "buckets" in options,
                registration.distribution,
            )
        )
    return usable, reasons


def recorded(formats: Sequence[str], only: Sequence[str] = ()) -> dict[str, str]:
    """Return the manifest entry for the distribution whose executor an addon is packed with.

    The host runs the addon on it where nobody names an executor. It is the first one, dynamic
    before static and then by name, that takes the first possible of ``formats``.
    """
    usable, _ = runtimes(only)
    for format in formats:
        able = [(one.static, one.name, one.distribution) for one in usable if format in one.formats]
        if able:
            return {"packed_with": min(able)[2]}
    return {}


@contextmanager
def loaded(
    runtime: Runtime,
    name: str,
    entry: Mapping[str, Any],
    files: Mapping[str, bytes],
    fixed: Mapping[str, int],
) -> Iterator[Program]:
    """Load a network on an executor; the host is closed afterwards.

    ``fixed`` maps each dimension to its largest size, for executors of fixed shapes.
    """
    executor: dict[str, Any] = {"type": runtime.name}
    if runtime.static and runtime.takes_buckets and fixed:
        executor["buckets"] = {n: [-(-size // ROOM) * ROOM] for n, size in fixed.items()}
    folder = Path(tempfile.mkdtemp(prefix="voxstack-pack-"))
    try:
        for path, data in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(data)
        manifest = {
            "format": 1,
            "name": "packing",
            "version": "1",
            "language": "mul",
            "license": "none",
            "audio": {"sample_rate": 16000, "hop": 1},
            "networks": {name: entry},
            "files": {path: file_entry(data) for path, data in files.items()},
        }
        (folder / MANIFEST).write_text(pretty(manifest), "utf-8")
        with Host(executor=executor) as host:
            (program,) = host.load_networks(str(folder))
            yield program
    finally:
        shutil.rmtree(folder, ignore_errors=True)
