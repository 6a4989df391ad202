"""The built stack of a voice as a tree."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import attrs
import click

from voxstack.blocks import AudioFormat, Block, Frontend, Symbols, options_of
from voxstack.cli.output import unicode_wanted
from voxstack.containers import StreamableStack
from voxstack.executors import Buckets, Executor
from voxstack.plugins import Registry
from voxstack.running import HostedProgram, Voice, buckets_of, chosen
from voxstack.schedule import DOUBLING, Schedule

PLAIN: dict[type, Callable[[Any], Any]] = {
    Schedule: lambda schedule: list(schedule.sizes),
    Buckets: lambda buckets: dict(buckets.sizes),
    AudioFormat: attrs.asdict,
    Symbols: lambda symbols: {n: f"{len(table)} symbols" for n, table in symbols.tables.items()},
}


def stack_tree(voice: Voice, registry: Registry) -> dict[str, Any]:
    """Return a built voice in plain values."""
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
        "once_an_utterance": [f"/stack/{i}" for i in range(len(voice.built.head), len(planned))],
    }


def _part(value: Any, pointer: str, origin: dict[Any, Any]) -> dict[str, Any]:
    registration = origin.get(type(value))
    held = {o.name: getattr(value, o.name) for o in options_of(value)}
    return {
        "pointer": pointer,
        "type": registration.name if registration else type(value).__name__,
        "distribution": registration.distribution if registration else None,
        "options": {name: _value(held[name], f"{pointer}/{name}", origin) for name in held},
    }


def _value(value: Any, pointer: str, origin: dict[Any, Any]) -> Any:
    if isinstance(value, HostedProgram):
        return _network(value, pointer, origin)
    if isinstance(value, Executor):
        held = {a.name: getattr(value, a.name) for a in options_of(value)}
        return {"type": type(value).__name__, **{n: _value(held[n], pointer, origin) for n in held}}
    if isinstance(value, Block | Frontend):
        return _part(value, pointer, origin)
    if isinstance(value, list | tuple):
        return [_value(v, f"{pointer}/{i}", origin) for i, v in enumerate(value)]
    return PLAIN[type(value)](value) if type(value) in PLAIN else value


def _network(program: HostedProgram, pointer: str, origin: dict[Any, Any]) -> dict[str, Any]:
    network, executor = program.network, program.executor
    shown: dict[str, Any] = {"network": network.qualified_name, "role": network.role}
    shown["inputs"] = {n: list(network.inputs[n].shape) for n in network.consumes}
    shown["outputs"] = {n: list(network.outputs[n].shape) for n in network.produces}
    if network.context:
        shown["context"] = attrs.asdict(network.context)
    if network.state:
        shown["delay"] = network.delay
    shown["executor"] = _value(executor, pointer, origin)
    shown["passed_over"] = list(program.passed_over)
    if executor.static:
        sizes = chosen(network, buckets_of(executor))
        shown["buckets"] = {name: list(sizes[name]) for name in sizes}
    return shown


# For people -------------------------------------------------------------------------------------

Node = tuple[list[str], list["Node"]]  # its lines, and the nodes below it


def tree_lines(tree: dict[str, Any]) -> Iterator[str]:
    """Yield the lines of the description for people."""
    yield f"{click.style(tree['voice'], bold=True)} {tree['version']}, {tree['sample_rate']} Hz"
    notes = dict.fromkeys(tree["once_an_utterance"], " (one stream over all sentences)")
    parts = [tree["frontend"], *tree["stack"]]
    yield from _branches([_part_node(part, notes.get(part["pointer"], "")) for part in parts], "")


def _branches(nodes: list[Node], before: str) -> Iterator[str]:
    """Yield the lines of nodes, with the branches that lead to them."""
    fork, end, on = ("├── ", "└── ", "│   ") if unicode_wanted() else ("|-- ", "`-- ", "|   ")
    for number, ((first, *more), below) in enumerate(nodes, start=1):
        last = number == len(nodes)
        inner = before + ("    " if last else on)
        yield before + (end if last else fork) + first
        yield from (inner + line for line in more)
        yield from _branches(below, inner)


def _part_node(part: dict[str, Any], note: str = "") -> Node:
    options = part["options"].items()
    words = [f"{k}={v}" for k, v in options if v not in ([], None) and not _dicts(v)]
    of = click.style(f"{part['distribution'] or ''}{note}", dim=True)
    pointer = click.style(part["pointer"], dim=True)
    below: list[Node] = []
    for value in (v for _, option in options for v in _dicts(option)):
        if "network" in value:
            below.append((_network_lines(value), []))
        elif "type" in value:
            below.append(_part_node(value))
    return [" ".join((click.style(part["type"], bold=True), pointer, *words, of))], below


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [v for v in (value if isinstance(value, list) else [value]) if isinstance(v, dict)]


def _network_lines(network: dict[str, Any]) -> list[str]:
    form = [network["executor"]["type"]]
    if "context" in network:
        form.append("context {left}+{right} frames".format(**network["context"]))
    if "delay" in network:
        form.append(f"state, delay {network['delay']} frames")
    if "buckets" in network:
        form.append(f"fixed to {', '.join(f'{n} {s}' for n, s in network['buckets'].items())}")
    name = click.style(network["network"], fg="cyan")
    shapes = ", ".join(f"{n} {shape}" for n, shape in network["outputs"].items())
    passed_over = (f"not on {reason}" for reason in network["passed_over"])
    styled = (click.style(line, fg="yellow") for line in passed_over)
    return [f"{name} on {', '.join(form)} -> {shapes}", *styled]
