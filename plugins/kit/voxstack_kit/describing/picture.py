"""The built stack of a voice as a tree."""

from __future__ import annotations

from typing import Any

import attrs
from voxstack import AudioFormat, Buckets, Executor, Frontend, Schedule, Symbols, Voice
from voxstack.inspection import (
    DOUBLING,
    Block,
    HostedProgram,
    Registry,
    buckets_of,
    chosen,
    options_of,
)


def stack_tree(voice: Voice, registry: Registry) -> dict[str, Any]:
    """Return a description of a built voice in plain values."""
    from voxstack import StreamableStack

    blocks = (*voice.built.head, *voice.built.tail)
    head, _ = StreamableStack(voice.built.head).planned(Schedule(DOUBLING))
    planned = (*head.stack, *voice.built.tail)
    origin = {r.loaded: r for r in registry.registrations if r.loaded is not None}
    return {
        "voice": voice.name,
        "version": voice.addon.manifest.version,
        "sample_rate": voice.sample_rate,
        "controls": {name: attrs.asdict(c) for name, c in voice.controls.items()},
        "frontend": _part(voice.built.frontend, "/frontend", origin),
        "stack": [_part(b, f"/stack/{i}", origin) for i, b in enumerate(planned)],
        "once_an_utterance": [f"/stack/{i}" for i in range(len(voice.built.head), len(blocks))],
    }


def _part(value: Any, pointer: str, origin: dict[Any, Any]) -> dict[str, Any]:
    registration = origin.get(type(value))
    part: dict[str, Any] = {
        "pointer": pointer,
        "type": registration.name if registration else type(value).__name__,
        "distribution": registration.distribution if registration else None,
        "options": {},
    }
    for option in options_of(value):
        part["options"][option.name] = _value(
            getattr(value, option.name), f"{pointer}/{option.name}", origin
        )
    return part


def _value(value: Any, pointer: str, origin: dict[Any, Any]) -> Any:
    if isinstance(value, HostedProgram):
        network = value.network
        shown: dict[str, Any] = {"network": network.qualified_name, "role": network.role}
        shown["inputs"] = {n: list(network.inputs[n].shape) for n in network.consumes}
        shown["outputs"] = {n: list(network.outputs[n].shape) for n in network.produces}
        if network.context:
            shown["context"] = attrs.asdict(network.context)
        if network.state:
            shown["delay"] = network.delay
        shown["executor"] = _executor(value.executor)
        shown["passed_over"] = list(value.passed_over)
        if value.executor.static:
            shown["buckets"] = {
                name: list(sizes)
                for name, sizes in chosen(network, buckets_of(value.executor)).items()
            }
        return shown
    if isinstance(value, Block | Frontend):
        return _part(value, pointer, origin)
    if isinstance(value, list | tuple):
        return [_value(v, f"{pointer}/{i}", origin) for i, v in enumerate(value)]
    if isinstance(value, Schedule):
        return list(value.sizes)
    if isinstance(value, AudioFormat):
        return attrs.asdict(value)
    if isinstance(value, Symbols):
        return {name: f"{len(table)} symbols" for name, table in value.tables.items()}
    return value


def _executor(executor: Executor) -> dict[str, Any]:
    options = {a.name: getattr(executor, a.name) for a in options_of(executor)}
    for name, value in options.items():
        if isinstance(value, Executor):  # one that wraps another
            options[name] = _executor(value)
        elif isinstance(value, Buckets):
            options[name] = dict(value.sizes)
    return {"type": type(executor).__name__, **options}


def tree_of(tree: dict[str, Any]) -> Any:
    """Return the description as a rich tree."""
    from rich.markup import escape
    from rich.tree import Tree

    def add(branch: Any, part: dict[str, Any], note: str = "") -> None:
        plain = {
            k: v
            for k, v in part["options"].items()
            if not _nested(v) and k not in ("audio", "symbols")
        }
        options = " ".join(escape(f"{k}={v}") for k, v in plain.items() if v not in ((), [], None))
        where = escape(part["distribution"] or "")
        node = branch.add(
            f"[bold]{part['type']}[/] [dim]{part['pointer']}[/] {options} [dim]{where}{note}[/]"
        )
        for value in part["options"].values():
            for item in value if isinstance(value, list) else [value]:
                if isinstance(item, dict) and "network" in item:
                    node.add(_network_line(item))
                elif isinstance(item, dict) and "type" in item:
                    add(node, item)

    root = Tree(f"[bold]{tree['voice']}[/] {tree['version']}, {tree['sample_rate']} Hz")
    add(root, tree["frontend"])
    for part in tree["stack"]:
        once = part["pointer"] in tree["once_an_utterance"]
        add(root, part, " (one stream over all sentences)" if once else "")
    return root


def _nested(value: Any) -> bool:
    if isinstance(value, list):
        return any(isinstance(v, dict) for v in value)
    return isinstance(value, dict)


def _network_line(network: dict[str, Any]) -> str:
    from rich.markup import escape

    form = ""
    if "context" in network:
        form = f", context {network['context']['left']}+{network['context']['right']} frames"
    if "delay" in network:
        form = f", state, delay {network['delay']} frames"
    shapes = ", ".join(f"{n} {shape}" for n, shape in network["outputs"].items())
    executor = network["executor"]["type"]
    if "buckets" in network:
        fixed = ", ".join(f"{name} {sizes}" for name, sizes in network["buckets"].items())
        form += f", fixed to {escape(fixed)}"
    line = f"[cyan]{network['network']}[/] on {executor}{form} -> {escape(shapes)}"
    for reason in network["passed_over"]:
        line += f"\n[yellow]not on {escape(reason)}[/]"
    return line
