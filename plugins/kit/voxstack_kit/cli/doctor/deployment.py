"""The deployment file, and unknown names in it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from voxstack import VoxstackError
from voxstack.inspection import Filter, did_you_mean, site_filters, where_to_get

from voxstack_kit.cli.doctor.findings import ERROR, OK, WARNING, Finding


def deployment_file(deploy: str | None) -> Iterator[Finding]:
    """Read the deployment file; yield a finding."""
    from voxstack.inspection import read_deployment

    if deploy is None:
        return
    try:
        read_deployment(deploy)
    except VoxstackError as error:
        step = "fix the file" if Path(deploy).exists() else "use the path of an existing file"
        step += "; the rest was examined without it"
        yield Finding("deployment", ERROR, deploy, str(error), step)
    else:
        yield Finding("deployment", OK, deploy, "it can be read")


def deployment(host: Any, rows: Sequence[Mapping[str, Any]]) -> Iterator[Finding]:
    """Yield findings for unknown names in the deployment file and the variables.

    ``rows`` are those of the executors: of a list, one that can run is enough.
    """
    settings = host.deployment
    dynamic = any(r.status == "dynamic" and r.kind == "module" for r in host.registry.registrations)
    worst = WARNING if dynamic else ERROR  # a module with hooks may provide it
    voice, origin = _voice(settings)
    if voice and not _is_path(voice):
        yield from _named(host, "addon", voice, origin, worst)
    for name in settings.voices:
        yield from _named(host, "addon", name, f"[voices.{name}]", WARNING)
    for where, one in (("", settings), *((f"voices.{n}.", v) for n, v in settings.voices.items())):
        configs = [(f"{where}executor", one.executor)]
        configs += [(f"{where}executors.{n}", c) for n, c in one.executors.items()]
        for place, config in configs:
            names = _types(config)
            several = isinstance(config, list | tuple) and _one_can_run(host, names, rows)
            for name in names:
                yield from _named(host, "executor", name, place, WARNING if several else worst)
    for listed in ("allow", "block"):
        yield from _unmatched(host, getattr(settings.plugins, listed), f"[plugins] {listed}")
    for given in site_filters():
        yield from _unmatched(host, (*given.allow, *given.block), given.origin)


def _one_can_run(host: Any, names: list[str], rows: Sequence[Mapping[str, Any]]) -> bool:
    able = {(row["name"], row["distribution"]) for row in rows if row["available"]}
    found = (r for name in names for r in host.registry.candidates(name, "executor"))
    return any((r.name, r.distribution) in able for r in found)


def speaks_from_a_path(settings: Any) -> bool:
    """Return whether the voice is a folder or a zip, so that none needs to be installed."""
    return _is_path(_voice(settings)[0])


def _voice(settings: Any) -> tuple[str, str]:
    """Return the default voice, and where it is set."""
    if settings.voice:
        return settings.voice, "voice"
    return os.environ.get("VOXSTACK_VOICE", ""), "VOXSTACK_VOICE"


def _is_path(voice: str) -> bool:
    return bool(re.search(r"[/\\.]", voice))


def _unmatched(host: Any, patterns: Iterable[str], place: str) -> Iterator[Finding]:
    installed = [*host.registry.packages]
    for pattern in patterns:
        matching = Filter(block=(pattern,))
        if pattern != "*" and not any(matching.judge(name) for name in installed):
            message = f"{pattern!r} matches no installed package"
            hint = did_you_mean(pattern, installed) or "remove it, unless it is for later"
            yield Finding("deployment", WARNING, place, message, hint)


def _named(host: Any, namespace: str, name: str, place: str, status: str) -> Iterator[Finding]:
    if host.registry.candidates(name, namespace):
        return
    known = host.voices() if namespace == "addon" else host.registry.names(namespace)
    called = "voice" if namespace == "addon" else namespace
    error = host.registry.unknown(name, namespace, called, known)
    step = where_to_get(name.partition("@")[0], namespace)
    fix = f"set {place} to another" if place == "VOXSTACK_VOICE" else "fix the file"
    if step is None:
        step = f"{fix} ({error.suggestion})" if error.suggestion else fix
    else:
        step = f"{step}, or {fix}"
    yield Finding("deployment", status, place, error.message, step)


def _types(config: Any) -> list[str]:
    """Return the names of executors in a setting: one, or several in order of preference."""
    if isinstance(config, list | tuple):
        return [name for one in config for name in _types(one)]
    name = config.get("type") if isinstance(config, dict) else config
    return [name] if isinstance(name, str) else []
