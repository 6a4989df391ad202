"""``voxstack addon check``: what an addon is and contains, and whether it works."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from voxstack import ConfigError, InputError, PluginError, VoxstackError
from voxstack.cli import (
    echo,
    host_options,
    json_option,
    make_host,
    parse_edits,
    print_json,
    print_table,
    printable,
)

from voxstack_kit.cli.options import size

EXACT = 1e-5  # max abs difference of streamed and whole audio on one runtime

UNSIGNED = (
    "Hashes prove that bytes are as they were packed, not who packed them: nothing is signed.\n"
    "addon.json, which lists them, has no hash but the one that pip wrote where it installed it."
)


class Checks:
    """The checks so far, in order; none runs after one that fails."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self.error: VoxstackError | None = None  # what the last one failed with

    @property
    def good(self) -> bool:
        """Return whether all have passed."""
        return self.error is None

    def do(self, name: str, work: Callable[[], tuple[str, Any]]) -> Any:
        """Run ``work``, which returns a line to show and a value, unless a check has failed."""
        if not self.good:
            return None
        try:
            detail, value = work()
        except VoxstackError as error:
            self.error, detail, value = error, str(error), None
        self.rows.append({"check": name, "ok": self.good, "detail": detail})
        return value


class Examined:
    """An addon that was read, loaded and played, with the results."""

    def __init__(self, host: Any, name: str, edits: Any, text: str | None) -> None:
        self.checks = Checks()
        self.runs_on: dict[str, str] = {}
        self.elsewhere = False  # other packages here make it fail
        self.found = _look(host, self.checks, name, edits)
        if self.checks.good:
            self.runs_on = _run(host, self.checks, name, edits, text, self.found.addon)
            self.elsewhere = _elsewhere(host, self.checks, self.found)
        if self.elsewhere:
            self.checks.rows[-1]["ok"] = None

    @property
    def unsaid(self) -> VoxstackError | None:
        """The error of a voice that was built and did not speak, or None."""
        return self.checks.error if self.checks.rows[-1]["check"] == "speak" else None


@click.command(short_help="Check an addon: origin, contents, hashes, wiring, chunks.")
@click.argument("addon_", metavar="ADDON")
@click.option("--text", help="What to speak (default: the addon's sample sentence).")
@host_options
@json_option
def check(
    addon_: str,
    text: str | None,
    deploy: str | None,
    executor: str | None,
    sets: tuple[str, ...],
    allow: tuple[str, ...],
    block: tuple[str, ...],
    as_json: bool,
) -> None:
    """Check ADDON: a voice's name, a folder or a zip.

    Every file is checked before anything is loaded, and a bad one is not loaded; then wiring,
    loading, and that streamed audio equals whole audio. Exit code 2 if a check fails, or cannot
    be made because other packages are missing here.
    """
    if text is not None and not text.strip():
        raise InputError("--text is empty; add a word, or omit the option")
    edits = parse_edits(sets)
    with make_host(deploy, executor, allow, block) as host:
        _require(host, addon_)
        examined = Examined(host, addon_, edits, text)
    if text is not None and isinstance(examined.unsaid, InputError):
        raise InputError(f"--text: {examined.unsaid}")
    options = {"--deploy": deploy, "--executor": executor, "--set": sets}
    if not examined.checks.good and any(options.values()):
        examined = _alone(examined, addon_, text, options, (allow, block))
    checks, found, runs_on = examined.checks, examined.found, examined.runs_on
    verdict = _verdict(examined)
    if as_json:
        print_json(
            {"ok": checks.good, "verdict": verdict, "checks": checks.rows}
            | (found.as_dict() if found else {})
            | {"runs_on": runs_on}
        )
    else:
        _print(examined, verdict)
    sys.exit(0 if checks.good else 2)


def _require(host: Any, name: str) -> None:
    """Refuse a name that is not installed or cannot be used: there is nothing to judge."""
    if Path(name).exists():
        return
    if host.registry.candidates(name.partition("@")[0], "addon"):
        host.registry.find(name, "addon").require()
    else:
        host.library.files(name)


def _alone(
    failed: Examined, name: str, text: str | None, options: dict[str, Any], lists: Any
) -> Examined:
    """Examine an addon without options; InputError if it passes, so that the options fail it."""
    with make_host(None, None, *lists) as host:
        alone = Examined(host, name, (), text)
    if alone.checks.good:
        given = ", ".join(option for option, value in options.items() if value)
        raise InputError(
            f"with {given} it fails the check {failed.checks.rows[-1]['check']!r}, and without it "
            f"passes: {failed.checks.error}"
        )
    return failed if alone.elsewhere and failed.unsaid else alone  # it passed more checks with them


def _look(host: Any, checks: Checks, name: str, edits: Any) -> Any:
    """Return the audit of an addon, of which nothing is loaded."""
    from voxstack.inspection import make_addon

    from voxstack_kit.checking.audit import audit

    def manifest() -> tuple[str, Any]:
        document, files = host.document(name, edits)
        opened = make_addon(document, files, host.library.format)
        return f"{opened.name} {opened.manifest.version}", opened

    opened = checks.do("manifest", manifest)
    if opened is None:
        return None
    found = audit(host, name, opened)
    checks.do("files", lambda: _files(found))
    if found.origin:
        checks.do("installed", lambda: _installed(found.origin))
    return found


def _files(found: Any) -> tuple[str, bool]:
    if found.problems:
        raise VoxstackError("\n".join(found.problems))
    listed = [file for file in found.files if file.listed]
    total = sum(file.bytes for file in listed)
    return f"{len(listed)} files, {total} bytes, hashes agree, data only", True


def _installed(origin: Any) -> tuple[str, bool]:
    if origin.changed:
        from voxstack_kit.checking.reinstall import install_version

        step = install_version(origin.distribution, origin.version, again=True)
        raise VoxstackError(f"{origin}; install it again: {step}")
    return str(origin), True


def _run(
    host: Any, checks: Checks, name: str, edits: Any, text: str | None, addon: Any
) -> dict[str, str]:
    """Load it and speak; return the executor of each network."""
    programs: list[Any] = []

    def load() -> tuple[str, Any]:
        programs.extend(host.load_networks(name))
        return f"{len(programs)} networks loaded; it only provides networks for other addons", True

    def build() -> tuple[str, Any]:
        voice = host.voice(name, edits=edits)
        programs.extend(voice.programs)
        return f"{len(voice.programs)} networks loaded", voice

    def speak() -> tuple[str, Any]:
        import numpy as np

        spoken = text or addon.manifest.sample or "a"
        whole = voice.synthesize(spoken).samples
        streamed = np.concatenate(
            [np.asarray(c["audio"])[0] for c in voice.stream(spoken, frames=(1, 7, 32))]
        )
        if whole.shape != streamed.shape:
            raise VoxstackError(f"streamed has {streamed.size} samples, whole {whole.size}")
        difference = float(np.abs(whole - streamed).max(initial=0.0))
        if difference > EXACT:
            raise VoxstackError(f"streamed differs from whole by {difference:.1e} > {EXACT:g}")
        seconds = whole.size / voice.sample_rate
        return f"{seconds:.2f} s, streamed = whole to {difference:.1e}", True

    if addon.manifest.speaks:
        voice = checks.do("build", build)
        checks.do("speak", speak)
    else:
        checks.do("load", load)
    return {p.network.qualified_name: type(p.executor).__name__ for p in programs}


def _elsewhere(host: Any, checks: Checks, found: Any) -> bool:
    """Return whether the failure is not the addon's: a package is missing or broken here."""
    from voxstack_kit.checking.audit import parts_of

    if checks.good:
        return False
    found.parts = list(parts_of(host, found.addon))  # imports have marked what is broken
    missing = [part.pointer for part in found.parts if part.reason]

    def own(problem: Any) -> bool:  # else of a part, or of no place in its addon.json
        places = (problem.pointer == p or problem.pointer.startswith(f"{p}/") for p in missing)
        return problem.file is not None and not any(places)

    if isinstance(checks.error, ConfigError):
        return not any(own(problem) for problem in checks.error.problems)
    return isinstance(checks.error, PluginError)


def _verdict(examined: Examined) -> str:
    checks, found = examined.checks, examined.found
    whose = f"{found.addon.name} {found.addon.manifest.version}" if found else "it"
    good = f"{whose} contains only data, its hashes agree"
    if examined.elsewhere:
        return (
            f"NOT CHECKED HERE: {good}, but packages that it needs cannot be used here; "
            f"see the check {checks.rows[-1]['check']!r}"
        )
    if not checks.good:
        bad = checks.rows[-1]["check"]
        loaded = "; nothing of it was loaded" if bad in ("manifest", "files", "installed") else ""
        return f"BAD: {whose} fails the check {bad!r}{loaded}"
    speaks = "it speaks" if found.addon.manifest.speaks else "its networks load"
    count = len(found.warnings)
    warned = f"; {count} warning{'s' if count > 1 else ''}" if count else ""
    return f"OK: {good}, and {speaks}{warned}"


def _print(examined: Examined, verdict: str) -> None:
    """Print the results for people, the verdict first."""
    checks = examined.checks
    colour = "green" if checks.good else "yellow" if examined.elsewhere else "red"
    click.secho(printable(verdict), bold=True, fg=colour)
    if examined.found:
        _print_audit(examined.found, examined.runs_on)
    _head("Checks")
    words = {True: "yes", False: "no", None: "not here"}
    rows = [(r["check"], words[r["ok"]], printable(r["detail"])) for r in checks.rows]
    print_table(("check", "ok", "detail"), rows, "nothing to check")


def _print_audit(found: Any, runs_on: dict[str, str]) -> None:
    from voxstack_kit.checking.audit import CANNOT

    facts = found.identity()
    _head("What it states about itself")
    for name, value in facts.items():
        text = ", ".join(value) if isinstance(value, list) else value
        echo(f"{name.replace('_', ' '):>14}  {text or '(not stated)'}")
    echo(f"{'package':>14}  {found.origin or 'none: a folder or a zip'}")
    echo(f"\n{UNSIGNED}")
    _head("Files")
    columns: tuple[str, ...] = ("path", "size", "content", "ok", "note")
    _table(columns, [_file(file) for file in found.files])
    _head("Networks")
    columns = ("name", "role", "formats", "parameters", "operators", "written by", "runs on")
    _table(columns, [_network(n, found.addon.name, runs_on) for n in found.networks])
    _head("What it needs of other packages")
    _table(("kind", "name", "package", "place", "why not"), [_part(part) for part in found.parts])
    _head("It cannot")
    for line in CANNOT:
        echo(f"  - {line}")
    if found.warnings:
        _head("Warnings")
        for line in found.warnings:
            echo(f"  - {line}")


def _table(columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    print_table(columns, [[printable(cell) for cell in row] for row in rows], "  none")


def _file(file: Any) -> tuple[str, ...]:
    return file.path, size(file.bytes), file.content, "yes" if file.ok else "no", file.note


def _part(part: Any) -> tuple[str, ...]:
    package = f"{part.distribution} {part.version}" if part.distribution else "no"
    return part.kind, part.name, package, part.pointer, part.reason or ""


def _network(network: Any, addon: str, runs_on: dict[str, str]) -> tuple[str, ...]:
    first = [f"{name} x{count}" for name, count in list(network.operators.items())[:3]]
    more = len(network.operators) - len(first)
    return (
        network.name,
        network.role,
        ", ".join(network.files),
        "" if network.parameters is None else f"{network.parameters:,}",
        ", ".join(first) + (f" and {more} more kinds" if more > 0 else ""),
        network.producer or "",
        runs_on.get(f"{addon}:{network.name}", ""),
    )


def _head(text: str) -> None:
    click.secho(f"\n{text}", bold=True)
