"""``voxstack addon``: look into a voice, and check it."""

from __future__ import annotations

import sys
from typing import Any

import click

from voxstack.addon import make_addon
from voxstack.cli.groups import PluginGroup
from voxstack.cli.options import host_options, json_option, make_host, parse_edits
from voxstack.cli.output import print_json, print_table
from voxstack.errors import VoxstackError


@click.group(cls=PluginGroup, prefix="addon.")
def addon() -> None:
    """Look into an addon, and check it."""


@addon.command(short_help="Tell what an addon contains.")
@click.argument("addon_", metavar="ADDON")
@json_option
def inspect(addon_: str, as_json: bool) -> None:
    """Tell what ADDON (a voice's name, a folder or a zip) contains; nothing is loaded."""
    with make_host(None, None, (), ()) as host:
        opened = host.addon(addon_)
        manifest = opened.manifest
        facts: dict[str, Any] = {
            name: getattr(manifest, name)
            for name in ("name", "version", "language", "license", "description", "format")
        }
        facts["place"] = opened.files.name
        facts["sample_rate"] = manifest.audio.sample_rate
        facts["hop"] = manifest.audio.hop
        facts["bytes"] = sum(entry.bytes for entry in manifest.files.values())
        facts["controls"] = {
            n: list(c.values) if c.values else {"min": c.min, "max": c.max, "default": c.default}
            for n, c in manifest.controls.items()
        }
        facts["networks"] = [
            {
                "name": network.name,
                "role": network.role,
                "form": _form(network),
                "inputs": list(network.consumes),
                "outputs": list(network.produces),
                "files": {kind: manifest.files[path].bytes for kind, path in network.files.items()},
            }
            for network in opened.networks.values()
        ]
        facts["card"] = (
            opened.read(manifest.card).decode("utf-8", "replace") if manifest.card else None
        )
    if as_json:
        print_json(facts)
        return
    for name, value in facts.items():
        if name not in ("networks", "card"):
            click.echo(f"{name.replace('_', ' '):>12}  {value}")
    columns = ("name", "role", "form", "inputs", "outputs", "files")
    rows = [
        [", ".join(n[c]) if isinstance(n[c], list) else n[c] for c in columns]
        for n in facts["networks"]
    ]
    print_table(columns, rows, "no networks")
    if facts["card"]:
        click.echo(facts["card"])


def _form(network: Any) -> str:
    if network.state:
        return f"state, delay {network.delay}"
    if network.context:
        return f"context {network.context.left}+{network.context.right}"
    return "whole"


@addon.command(short_help="Check hashes, wiring, loading and chunks.")
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
    """Check ADDON: every file's hash, the wiring, loading, and that streamed equals whole."""
    results: list[dict[str, Any]] = []

    def step(name: str, work: Any) -> Any:
        try:
            detail, value = work()
            results.append({"check": name, "ok": True, "detail": detail})
            return value
        except VoxstackError as error:
            results.append({"check": name, "ok": False, "detail": str(error)})
            return None

    with make_host(deploy, executor, allow, block) as host:
        edits = parse_edits(sets)

        def manifest() -> tuple[str, Any]:
            opened = make_addon(*host.document(addon_, edits))
            return f"{opened.name} {opened.manifest.version}", opened

        def files() -> tuple[str, Any]:
            paths = opened.manifest.files
            total = sum(len(opened.read(path)) for path in paths)
            return f"{len(paths)} files, {total} bytes, hashes agree", True

        def load() -> tuple[str, Any]:
            programs = host.load_networks(addon_)
            return f"{len(programs)} networks loaded; for the stacks of others: it has none", True

        def build() -> tuple[str, Any]:
            voice = host.voice(addon_, edits=edits)
            return f"{len(voice.programs)} networks loaded", True

        def speak() -> tuple[str, Any]:
            import numpy as np

            voice = host.voice(addon_, edits=edits)  # the same one again
            said = text or opened.manifest.sample or "a"
            whole = voice.synthesize(said).samples
            streamed = np.concatenate(
                [np.asarray(c["audio"])[0] for c in voice.stream(said, frames=(1, 7, 32))]
            )
            if whole.shape != streamed.shape:
                raise VoxstackError(f"streamed has {streamed.size} samples, whole {whole.size}")
            difference = float(np.abs(whole - streamed).max(initial=0.0))
            if difference > EXACT:
                raise VoxstackError(f"streamed differs from whole by {difference:.1e} > {EXACT:g}")
            return (
                f"{whole.size / voice.sample_rate:.2f} s, streamed = whole to {difference:.1e}",
                1,
            )

        opened = step("manifest", manifest)
        if opened is not None:
            step("files", files)
            if not opened.manifest.speaks:
                step("load", load)
            elif step("build", build) is not None:
                step("speak", speak)
    good = all(result["ok"] for result in results)
    if as_json:
        print_json({"ok": good, "checks": results})
    else:
        rows = [(r["check"], "yes" if r["ok"] else "no", r["detail"]) for r in results]
        print_table(("check", "ok", "detail"), rows, "nothing to check")
    sys.exit(0 if good else 2)


EXACT = 1e-5  # max abs difference of streamed and whole audio on one runtime
