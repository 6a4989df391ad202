"""Find the delay of each tensor, in its own samples.

First every node runs as early as possible, which yields the total delay; then each node runs as
late as the rest allows. A branch that must wait then waits where it forks, and reads from a
history that is kept there anyway.
"""

from __future__ import annotations

from collections.abc import Mapping

import onnx
from attrs import frozen

from voxstack_pack.delayed.analysis import Analysis
from voxstack_pack.delayed.errors import DelayedError


@frozen(eq=False)
class Schedule:
    """`late`: the delay of each tensor; `nodes`: the delay at which a node needs its inputs."""

    delay: int  # of the outputs, in frames
    late: Mapping[str, int]
    nodes: Mapping[str, int]  # by first output


def schedule(graph: onnx.GraphProto, analysis: Analysis) -> Schedule:
    """Compute delays that satisfy every node; inputs have none, all outputs the same."""
    facts, effects = analysis.facts, analysis.effects
    nodes = [node for node in graph.node if node.output[0] in effects]
    late = {value.name: 0 for value in graph.input if value.name in facts}
    earliest: dict[str, int] = {}
    for node in nodes:
        key, effect = node.output[0], effects[node.output[0]]
        timed = [late[name] for name in node.input if name in facts and not _free(analysis, name)]
        at = max(timed, default=0)
        lead = effect.fact.lead if effect.fact.zero else 0  # zeros are not computed
        at = max(at, -(-(-lead - effect.shift) // effect.factor))
        earliest[key] = at
        late.update(dict.fromkeys(node.output, at * effect.factor + effect.shift))
    outputs = [(value.name, analysis.layouts[value.name].rate) for value in graph.output]
    delay = max(-(-max(0, late[name]) // rate) for name, rate in outputs)
    latest: dict[str, int] = {}
    for name, rate in outputs:
        latest[name] = min(delay * rate, latest.get(name, delay * rate))
    for node in reversed(nodes):
        key, effect = node.output[0], effects[node.output[0]]
        wanted = [latest[name] for name in node.output if name in latest]
        at = (min(wanted) - effect.shift) // effect.factor
        if at < earliest[key]:
            raise DelayedError("its delays contradict each other", "Report this graph", node)
        earliest[key] = at
        late.update(dict.fromkeys(node.output, at * effect.factor + effect.shift))
        for name in node.input:
            if name in facts:
                latest[name] = min(latest.get(name, at), at)
    return Schedule(delay, late, earliest)


def _free(analysis: Analysis, name: str) -> bool:
    """Return whether a tensor is available at any delay: steady, or the mask."""
    fact = analysis.facts[name]
    return fact.steady or fact.mask
