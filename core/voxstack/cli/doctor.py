"""``voxstack doctor``: what is wrong here, and what to do about it.

Plugins, executors and voices are tried out in child processes (``voxstack.doctor``), so that one
which hangs, prints or ends its process is a finding and not the end of the examination.
"""

from __future__ import annotations

import os
import platform
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from importlib import metadata
from pathlib import Path
from typing import Any, final

import attrs
import click

import voxstack
from voxstack.cli.options import json_option
from voxstack.cli.output import print_json
from voxstack.errors import VoxstackError, did_you_mean
from voxstack.versions import satisfies

OK, WARNING, ERROR = "ok", "warning", "error"
_WORST_FIRST = (ERROR, WARNING, OK)
_COLOURS = {ERROR: "red", WARNING: "yellow", OK: "green"}
_PLAIN = ("ok", "dynamic", "ambiguous")  # the status of registrations that can be tried out


@final
@attrs.frozen
class Finding:
    """One thing that was looked at."""

    check: str  # environment, plugin, executor, voice or deployment
    status: str  # ok, warning or error
    subject: str
    message: str
    next_step: str | None = None


@click.command(short_help="Find what is wrong here, and what to do about it.")
@click.option("--deploy", metavar="FILE.toml", help="Examine this deployment file too.")
@click.option("--all", "everything", is_flag=True, help="Show what is in order too.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=30.0,
    show_default=True,
    metavar="SECONDS",
    envvar="VOXSTACK_IMPORT_TIMEOUT",
    help="How long one plugin may take to import, or one executor to list its devices.",
)
@json_option
@click.pass_context
def doctor(
    ctx: click.Context, deploy: str | None, everything: bool, timeout: float, as_json: bool
) -> None:
    """Examine Python, the plugins, executors and voices, and the deployment file.

    Tries each plugin out in a child process; works with broken ones. Exit code 2 if something
    must be mended.
    """
    findings = sorted(examine(deploy, timeout), key=lambda f: _WORST_FIRST.index(f.status))
    if as_json:
        print_json([attrs.asdict(finding) for finding in findings])
    else:
        _print(findings, everything)
    if any(finding.status == ERROR for finding in findings):
        ctx.exit(2)


def _print(findings: list[Finding], everything: bool) -> None:
    shown = [f for f in findings if everything or f.status != OK]
    for f in shown:
        colour = _COLOURS[f.status] if sys.stdout.isatty() else None
        click.echo(click.style(f.status, fg=colour) + _plain(f": {f.check}: {f.subject}"))
        for line in _plain(f.message).splitlines():
            click.echo(f"    {line}")
        if f.next_step and f.status != OK:
            click.echo(_plain(f"    next: {f.next_step}"))
    count = {status: sum(f.status == status for f in findings) for status in _WORST_FIRST}
    more = "" if everything or not count[OK] else " (--all shows them)"
    click.echo(
        f"{count[ERROR]} to mend, {count[WARNING]} to know of, {count[OK]} in order{more}",
    )


def _plain(text: str) -> str:
    """Take out what would steer a terminal: plugins' words are not ours."""
    return re.sub(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]", "?", text)


# All of it ------------------------------------------------------------------------------------


def examine(deploy: str | None, timeout: float) -> Iterator[Finding]:
    """Look at everything; a check that fails itself is a finding."""
    yield from environment()
    try:
        usable = list(deployment_file(deploy))
        yield from usable
        place = None if any(f.status == ERROR for f in usable) else deploy
        yield from installed(place, timeout)
    except Exception as error:
        yield Finding(
            "environment",
            ERROR,
            "voxstack",
            f"the examination broke off: {type(error).__name__}: {error}",
            "pip install --force-reinstall voxstack; if it stays, report it with "
            "voxstack --debug doctor",
        )


def installed(deploy: str | None, timeout: float) -> Iterator[Finding]:
    """Look at all that the installed packages bring."""
    from voxstack.host import Host

    with Host(deploy=deploy) as host:
        registry = host.registry
        yield from packages(registry)
        tried = list(plugins(registry, deploy, timeout))
        yield from (finding for _, finding in tried)
        yield from blocked(registry)
        bad = {id(r) for r, finding in tried if finding.status == ERROR}
        usable = [
            r
            for r in registry.registrations
            if r.kind == "executors" and r.status in _PLAIN and id(r) not in bad
        ]
        rows = executor_rows(usable, deploy, timeout)
        yield from executors(rows)
        yield from voices(registry, rows, deploy, timeout)
        yield from deployment(host)


# Environment ----------------------------------------------------------------------------------


def environment() -> Iterator[Finding]:
    """Look at Python, the platform, voxstack itself and what it depends on."""
    here = f"Python {platform.python_version()}"
    try:
        own = metadata.distribution("voxstack")
        needs, version = own.requires or [], own.version
        python = own.metadata["Requires-Python"] or ""
    except metadata.PackageNotFoundError:
        yield Finding(
            "environment", ERROR, "voxstack", "it is not installed: its own blocks are missing",
            "pip install voxstack",
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
            "pip install --force-reinstall voxstack, or take the folder off PYTHONPATH",
        )  # fmt: skip
    for requirement in needs:
        yield from _dependency("environment", ERROR, requirement, "voxstack")
    yield _player()


def _player() -> Finding:
    from voxstack.cli.sinks import check_place

    try:
        check_place(None)
    except VoxstackError as error:
        message, _, step = str(error).partition(": ")
        return Finding("environment", WARNING, "audio player", message, step)
    return Finding("environment", OK, "audio player", "voxstack say can play")


def _dependency(check: str, status: str, requirement: str, owner: str) -> Iterator[Finding]:
    """Compare one Requires-Dist with what is installed."""
    text, _, marker = requirement.partition(";")
    found = re.match(r"\s*([\w.-]+)\s*(?:\[[^]]*\])?\s*\(?([^)]*)\)?", text)
    # What a marker says (an extra, another platform) is for pip to judge.
    if found is None or marker or found[2].lstrip().startswith("@"):
        return
    name, wanted = found[1], found[2].strip()
    step = f"pip install --upgrade {f'{name}{wanted}'.replace(' ', '')!r}"
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


# Packages and plugins -------------------------------------------------------------------------


def packages(registry: Any) -> Iterator[Finding]:
    """Look at the metadata of the packages that announce something."""
    for package in registry.packages.values():
        if package.name == "voxstack":
            continue
        subject = f"{package.name} {package.version}"
        again = f"pip install --force-reinstall {package.name}"
        try:
            text = package.distribution.read_text("METADATA")
        except (OSError, UnicodeDecodeError) as error:
            text, why = None, str(error)
        else:
            why = "there is none"
        if not text:
            message = f"its METADATA cannot be read: {why}"
            yield Finding("plugin", WARNING, subject, message, again)
            continue
        for requirement in re.findall(r"(?im)^Requires-Dist:\s*(.+)$", text):
            if not re.match(r"voxstack(?![\w.-])", requirement):
                yield from _dependency("plugin", WARNING, requirement, subject)
        yield from _twice(package.name, subject)
    yield from _unreadable()


def _twice(name: str, subject: str) -> Iterator[Finding]:
    """Tell of a distribution that lies on sys.path more than once, editable and normal say."""
    places: dict[Path, str] = {}
    for one in metadata.distributions(name=name):
        places.setdefault(Path(str(one.locate_file(""))).resolve(), _folder(one))
    if len(places) > 1:
        first, *others = (f"{folder} in {place}" for place, folder in places.items())
        message = f"it is installed more than once: {first} is used, not {', '.join(others)}"
        step = f"pip uninstall {name} until none is left, and install it once"
        yield Finding("plugin", WARNING, subject, message, step)


def _unreadable() -> Iterator[Finding]:
    """Tell of entry points that are no text: such a package announces nothing to anybody."""
    seen: set[Path] = set()  # a folder may be on sys.path twice
    for one in metadata.distributions():
        place = Path(str(one.locate_file(_folder(one)))).resolve()
        if place in seen:
            continue
        seen.add(place)
        try:
            one.read_text("entry_points.txt")
        except UnicodeDecodeError as error:
            name = _folder(one)
            message = f"its entry_points.txt is not UTF-8 text (byte {error.start})"
            step = "pip install --force-reinstall the package"
            yield Finding("plugin", ERROR, name, message, step)
        except OSError:
            continue


def _folder(distribution: metadata.Distribution) -> str:
    return Path(str(getattr(distribution, "_path", "?"))).name


def plugins(registry: Any, deploy: str | None, timeout: float) -> list[tuple[Any, Finding]]:
    """Try out every plugin that may be used; voices are looked at elsewhere."""
    from voxstack.doctor import Job, run_apart

    found: list[tuple[Any, Finding]] = []
    jobs, tried = [], []
    for registration in registry.registrations:
        if registration.status == "blocked":
            continue
        refused = _refused(registry, registration)
        if refused is not None:
            found.append((registration, refused))
            continue
        if registration.status == "ambiguous":
            found.append((registration, _ambiguous(registration)))
        if registration.kind == "addons":
            continue
        names = ("kind", "name", "distribution", "target")
        arguments = {name: getattr(registration, name) for name in names}
        jobs.append(Job("voxstack.doctor:import_plugin", {"deploy": deploy, **arguments}))
        tried.append(registration)
    outcomes = run_apart(jobs, timeout)
    for registration, outcome in zip(tried, outcomes, strict=True):
        found += [(registration, finding) for finding in _tried(registration, outcome)]
    return found


def _refused(registry: Any, registration: Any) -> Finding | None:
    """Judge what can be judged without running anything."""
    if registration.status in _PLAIN:
        try:
            registry.require(registration)
        except VoxstackError:
            pass
        except UnicodeDecodeError as error:  # METADATA: told of with its package
            registration.status, registration.reason = "broken", f"METADATA: {error}"
    of = registration.distribution
    step = {
        "incompatible": f"pip install --upgrade voxstack {of}",
        "broken": f"pip install --force-reinstall {of}, or pip uninstall {of}",
    }.get(registration.status)
    if step is None:
        return None
    message = registration.reason or registration.status
    if not message.startswith(registration.status):
        message = f"{registration.status}: {message}"
    return Finding("plugin", ERROR, _subject(registration), message, step)


def blocked(registry: Any) -> Iterator[Finding]:
    """Tell of the packages that the lists keep out, each once."""
    kept_out: dict[tuple[str, str, str], list[str]] = {}
    for r in registry.registrations:
        if r.status == "blocked":
            kept_out.setdefault((r.distribution, r.version, r.reason), []).append(r.name)
    for (of, version, reason), names in kept_out.items():
        message = f"{reason}; it brings {', '.join(names)}"
        step = (
            f"if it is wanted, let it in: the allow and block lists in [plugins] decide on {of!r}"
        )
        yield Finding("plugin", WARNING, f"{of} {version}", message, step)


def _ambiguous(registration: Any) -> Finding:
    message, _, choice = (registration.reason or "").rpartition(": ")
    step = f"{choice} in the configuration, or uninstall one of them"
    return Finding("plugin", WARNING, _subject(registration), f"ambiguous: {message}", step)


def _tried(registration: Any, outcome: Any) -> Iterator[Finding]:
    subject, of = _subject(registration), registration.distribution
    block = f"or keep it out: block = [{of!r}] in [plugins] of the deployment file"
    if outcome.skipped:
        yield Finding(
            "plugin", WARNING, subject, "not tried out: the time for all plugins is spent",
            "mend those that hang, or give a shorter --timeout",
        )  # fmt: skip
    elif outcome.failure:
        what = f"broken: importing {registration.target!r}: "
        told = "importing" in outcome.failure or registration.target in outcome.failure
        message = f"broken: {outcome.failure}" if told else what + outcome.failure
        yield Finding("plugin", ERROR, subject, message, f"pip install --upgrade {of}, {block}")
    else:
        announced = f"; it brings {', '.join(outcome.value)}" if outcome.value else ""
        yield Finding("plugin", OK, subject, f"it can be imported{announced}")
    report = f"tell its authors, {block}"
    if outcome.printed:
        message = f"it prints to stdout when it is imported: {outcome.printed!r}"
        yield Finding("plugin", WARNING, subject, message, report)
    if outcome.forked:
        message = "it forks the process when it is imported"
        yield Finding("plugin", WARNING, subject, message, report)


def _subject(registration: Any) -> str:
    return f"{registration.name} of {registration.distribution} {registration.version}".rstrip()


# Executors ------------------------------------------------------------------------------------


def executor_rows(
    registrations: list[Any], deploy: str | None, timeout: float
) -> list[dict[str, Any]]:
    """Ask each executor what it is and what it finds here, each in a process of its own."""
    rows = _ask(registrations, None, deploy, timeout)
    within = next((r["name"] for r in rows if r["available"] and not r.get("wraps")), None)
    wrapping = [i for i, row in enumerate(rows) if row.get("wraps")] if within else []
    again = _ask([registrations[i] for i in wrapping], within, deploy, timeout)
    for i, row in zip(wrapping, again, strict=True):
        rows[i] = row
    return rows


def _ask(
    registrations: list[Any], within: str | None, deploy: str | None, timeout: float
) -> list[dict[str, Any]]:
    from voxstack.doctor import Job, run_apart

    asked: list[dict[str, Any]] = [
        {"deploy": deploy, "name": r.name, "distribution": r.distribution, "within": within}
        for r in registrations
    ]
    jobs = [Job("voxstack.cli.doctor:ask_executor", arguments) for arguments in asked]
    rows = []
    for arguments, outcome in zip(asked, run_apart(jobs, timeout, share=False), strict=True):
        why = "not asked: the time is spent" if outcome.skipped else outcome.failure
        unknown = {"formats": [], "devices": [], "available": False, "reason": why}
        rows.append(outcome.value or {**arguments, **unknown, "failed": True})
    return rows


def ask_executor(
    deploy: str | None, name: str, distribution: str, within: str | None
) -> dict[str, Any]:
    """In the child: describe an executor, as ``voxstack executors`` does."""
    from voxstack.cli.executors import _row
    from voxstack.doctor import shared_host

    host = shared_host(deploy)
    for r in host.registry.registrations:
        if (r.kind, r.name, r.distribution) == ("executors", name, distribution):
            if r.status == "ambiguous":
                r.status = "ok"  # it is told already
            return _row(host, r, within)
    raise VoxstackError(f"{name!r} of {distribution} is no longer installed")


def executors(rows: list[dict[str, Any]]) -> Iterator[Finding]:
    """Say which executors can run networks here."""
    for row in rows:
        subject = f"{row['name']} of {row['distribution']}"
        if row["available"]:
            devices = f"; devices: {', '.join(row['devices'])}" if row["devices"] else ""
            yield Finding("executor", OK, subject, f"takes {', '.join(row['formats'])}{devices}")
            continue
        # One whose device is not in this machine is in order; one that fails is not.
        failed = row.get("failed") or str(row["reason"]).startswith(("its probe", "its devices"))
        of = row["distribution"]
        step = f"pip install --upgrade {of}, or pip uninstall {of} if this machine needs none"
        yield Finding(
            "executor", ERROR if failed else WARNING, subject,
            f"cannot run networks here: {row['reason']}", step,
        )  # fmt: skip
    if not any(row["available"] for row in rows):
        yield Finding(
            "executor", ERROR, "executors", "none that is installed can run networks here",
            "pip install voxstack-onnxruntime",
        )  # fmt: skip


# Voices ---------------------------------------------------------------------------------------


def voices(
    registry: Any, rows: list[dict[str, Any]], deploy: str | None, timeout: float
) -> Iterator[Finding]:
    """Read the addons, and build each voice without loading it."""
    from voxstack.doctor import Job, run_apart

    formats = sorted({f for row in rows if row["available"] for f in row["formats"]})
    addons = [r for r in registry.registrations if r.kind == "addons" and r.status in _PLAIN]
    jobs = [
        Job(
            "voxstack.cli.doctor:read_voice",
            {"deploy": deploy, "name": f"{r.name}@{r.distribution}", "formats": formats},
        )
        for r in addons
    ]
    for registration, outcome in zip(addons, run_apart(jobs, timeout), strict=True):
        subject = _subject(registration)
        again = f"pip install --force-reinstall {registration.distribution}"
        if outcome.skipped:
            message = "not read: the time is spent"
            yield Finding("voice", WARNING, subject, message, "give a shorter --timeout")
        elif outcome.failure:
            yield Finding("voice", ERROR, subject, outcome.failure, again)
        else:
            problems = outcome.value["problems"]
            yield from (Finding("voice", ERROR, subject, m, s or again) for m, s in problems)
            if not problems:
                yield Finding("voice", OK, subject, outcome.value["summary"])
    if not addons:
        yield Finding(
            "voice", WARNING, "voices", "no voice can be used", "pip install voxstack-voice-en-us"
        )


def read_voice(deploy: str | None, name: str, formats: list[str]) -> dict[str, Any]:
    """In the child: read an addon, look at its files, build its stack and load nothing."""
    from voxstack.doctor import shared_host

    host = shared_host(deploy)
    addon = host.addon(name)
    problems: list[tuple[str, str | None]] = []
    for path, entry in addon.manifest.files.items():
        there = _size(addon.files, path)
        if there is not None and there != entry.bytes:
            says = f"{path} has {there} bytes, addon.json says {entry.bytes}"
            problems.append((says if there >= 0 else f"{path} is missing", None))
    for network in addon.networks.values():
        if not set(network.files) & set(formats):
            offered, taken = ", ".join(network.files), ", ".join(formats) or "nothing"
            message = f"network {network.name!r} is {offered}; executors that can run take {taken}"
            problems.append((message, "install an executor for it, such as voxstack-onnxruntime"))
    if not problems and addon.manifest.speaks:
        try:
            host.voice(name, load=False)
        except VoxstackError as error:
            problems.append((str(error), "install what it names, or upgrade the voice"))
    count = len(addon.networks)
    total = sum(entry.bytes for entry in addon.manifest.files.values()) / 1e6
    return {"problems": problems, "summary": f"{count} networks, {total:.1f} MB"}


def _size(files: Any, path: str) -> int | None:
    """Give the size of an addon's file; -1 if it is missing, None for what lies in no folder."""
    folder = getattr(files, "folder", None)
    if folder is None:
        return None
    try:
        return int((folder / path).stat().st_size)
    except OSError:
        return -1


# Deployment -----------------------------------------------------------------------------------


def deployment_file(deploy: str | None) -> Iterator[Finding]:
    """Read the deployment file."""
    from voxstack.deployment import read_deployment

    if deploy is None:
        return
    try:
        read_deployment(deploy)
    except VoxstackError as error:
        step = "mend the file; the rest was examined without it"
        yield Finding("deployment", ERROR, deploy, str(error), step)
    else:
        yield Finding("deployment", OK, deploy, "it can be read")


def deployment(host: Any) -> Iterator[Finding]:
    """Look for names that the deployment file and VOXSTACK_VOICE use, and nobody brings."""
    settings = host.deployment
    dynamic = any(r.status == "dynamic" and r.kind == "module" for r in host.registry.registrations)
    worst = WARNING if dynamic else ERROR  # a module with hooks may bring it
    voice, said = settings.voice, "voice"
    if not voice:
        voice, said = os.environ.get("VOXSTACK_VOICE"), "VOXSTACK_VOICE"
    if voice and not re.search(r"[/\\.]", voice):
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


def _unmatched(patterns: Iterable[str], listed: str, installed: set[str]) -> Iterator[Finding]:
    from voxstack.registry import Filter

    for pattern in patterns:
        matches: Callable[[str], Any] = Filter(block=(pattern,)).reason
        if pattern != "*" and not any(matches(distribution) for distribution in installed):
            message = f"{pattern!r} matches no installed package"
            hint = did_you_mean(pattern, installed) or "remove it, if it is not for later"
            yield Finding("deployment", WARNING, f"[plugins] {listed}", message, hint)


def _named(host: Any, namespace: str, name: str, place: str, status: str) -> Iterator[Finding]:
    if host.registry.candidates(name, namespace):
        return
    known = host.registry.names(namespace)
    called = "voice" if namespace == "addon" else namespace
    hint = did_you_mean(name, known) or f"there: {', '.join(known) or 'none'}"
    yield Finding("deployment", status, place, f"no {called} {name!r} is installed", hint)


def _types(config: Any) -> list[str]:
    """Give the names of executors in a setting: one, or several in order of preference."""
    if isinstance(config, list | tuple):
        return [name for one in config for name in _types(one)]
    name = config.get("type") if isinstance(config, dict) else config
    return [name] if isinstance(name, str) else []
