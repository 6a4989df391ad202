"""The deployment file, and the names in it that nobody brings."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from voxstack.cli.doctor.findings import ERROR, OK, WARNING, Finding
from voxstack.errors import VoxstackError, did_you_mean


def deployment_file(deploy: str | None) -> Iterator[Finding]:
    """Read the deployment file."""
    from voxstack.deployment import read_deployment

    if deploy is None:
        return
    try:
        read_deployment(deploy)
    except VoxstackError as error:
        step = "mend the file" if Path(deploy).exists() else "give the path of one that is there"
        step += "; the rest was examined without it"
        yield Finding("deployment", ERROR, deploy, str(error), step)
    else:
        yield Finding("deployment", OK, deploy, "it can be read")


def deployment(host: Any) -> Iterator[Finding]:
    """Look for names that the deployment file and VOXSTACK_VOICE use, and nobody brings."""
    settings = host.deployment
    dynamic = any(r.status == "dynamic" and r.kind == "module" for r in host.registry.registrations)
    worst = WARNING if dynamic else ERROR  # a module with hooks may bring it
    voice, said = _voice(settings)
    if voice and not _is_path(voice):
        yield from _named(host, "addon", voice, said, worst)
    for name in settings.voices:
        yield from _named(host, "addon", name, f"[voices.{name}]", WARNING)
    for where, one in (("", settings), *((f"voices.{n}.", v) for n, v in settings.voices.items())):
        configs = [(f"{where}executor", one.executor)]
        configs += [(f"{where}executors.{n}", c) for n, c in one.executors.items()]
        for place, config in configs:
            for name in _types(config):
                yield from _named(host, "executor", name, place, worst)
    installed = {r.distribution for r in host.registry.registrations}
    for listed in ("allow", "block"):
        yield from _unmatched(getattr(settings.plugins, listed), listed, installed)


def speaks_from_a_path(settings: Any) -> bool:
    """Tell whether the voice is one that lies in a folder or zip: none need be installed."""
    return _is_path(_voice(settings)[0])


def _voice(settings: Any) -> tuple[str, str]:
    """Give the voice that is used where none is named, and who says so."""
    if settings.voice:
        return settings.voice, "voice"
    return os.environ.get("VOXSTACK_VOICE", ""), "VOXSTACK_VOICE"


def _is_path(voice: str) -> bool:
    return bool(re.search(r"[/\\.]", voice))


def _unmatched(patterns: Iterable[str], listed: str, installed: set[str]) -> Iterator[Finding]:
    from voxstack.registry import Filter

    for pattern in patterns:
        matches: Callable[[str], Any] = Filter(block=(pattern,)).judge
        if pattern != "*" and not any(matches(distribution) for distribution in installed):
            message = f"{pattern!r} matches no installed package"
            hint = did_you_mean(pattern, installed) or "remove it, if it is not for later"
            yield Finding("deployment", WARNING, f"[plugins] {listed}", message, hint)


def _named(host: Any, namespace: str, name: str, place: str, status: str) -> Iterator[Finding]:
    if host.registry.candidates(name, namespace):
        return
    known = host.voices() if namespace == "addon" else host.registry.names(namespace)
    called = "voice" if namespace == "addon" else namespace
    error = host.registry.unknown(name, namespace, called, known)
    yield Finding("deployment", status, place, error.message, error.suggestion)


def _types(config: Any) -> list[str]:
    """Give the names of executors in a setting: one, or several in order of preference."""
    if isinstance(config, list | tuple):
        return [name for one in config for name in _types(one)]
    name = config.get("type") if isinstance(config, dict) else config
    return [name] if isinstance(name, str) else []
