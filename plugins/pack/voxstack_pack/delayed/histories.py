"""Find what each node reads of its inputs, and how much of each tensor must be remembered."""

from __future__ import annotations

from collections import defaultdict

import onnx
from attrs import field, frozen

from voxstack_pack.delayed.analysis import Analysis
from voxstack_pack.delayed.schedule import Schedule


@frozen
class Reading:
    """A node's access to an input: its stream delayed by `lag`, with `past` samples before."""

    tensor: str
    past: int
    lag: int

    @property
    def reach(self) -> int:
        """The number of past samples that must be kept for it."""
        return self.past + self.lag


@frozen(eq=False)
class Histories:
    """The number of past samples of each tensor to keep: one state serves all its readers."""

    analysis: Analysis
    schedule: Schedule
    renumbered: dict[str, tuple[str, int]] = field(factory=dict)  # another tensor, its lag
    needs: dict[str, int] = field(factory=lambda: defaultdict(int))
    # Functions of one tensor that are computed on its history and have none of their own.
    recomputed: dict[str, str] = field(factory=dict)

    def reading(self, name: str, past: int, late: int) -> Reading:
        """Return what a node reads of `name` if it needs it at lateness `late`."""
        lag = late - self.schedule.late[name]
        while name in self.renumbered:
            name, more = self.renumbered[name]
            lag += more
        return Reading(name, past, lag)

    def own(self, name: str) -> bool:
        """Return whether a tensor can have a history: masks and steady tensors need none."""
        fact = self.analysis.facts.get(name)
        return fact is not None and not fact.mask and not fact.steady


def histories(graph: onnx.GraphProto, analysis: Analysis, schedule: Schedule) -> Histories:
    """Collect the readings of all nodes and outputs."""
    found = Histories(analysis, schedule)
    nodes = [node for node in graph.node if node.output[0] in analysis.effects]
    for node in nodes:
        effect, at = analysis.effects[node.output[0]], schedule.nodes[node.output[0]]
        if effect.vanishes and node.output[0] not in analysis.gates and found.own(node.input[0]):
            reading = found.reading(node.input[0], 0, at)
            found.renumbered[node.output[0]] = (reading.tensor, reading.lag)
            continue
        for i, name in enumerate(node.input):
            if found.own(name):
                reading = found.reading(name, effect.past if i == 0 else 0, at)
                found.needs[reading.tensor] = max(found.needs[reading.tensor], reading.reach)
    for value in graph.output:
        late = schedule.delay * analysis.layouts[value.name].rate
        if found.own(value.name):
            reading = found.reading(value.name, 0, late)
            found.needs[reading.tensor] = max(found.needs[reading.tensor], reading.reach)
    for node in reversed(nodes):
        _recompute(node, found)
    return found


def _recompute(node: onnx.NodeProto, found: Histories) -> None:
    """Compute an activation on the history of its input if that is kept anyway."""
    output = node.output[0]
    if (
        output not in found.analysis.zero_functions
        or output in found.analysis.gates
        or not found.needs[output]
        or not found.own(node.input[0])
    ):
        return
    reading = found.reading(node.input[0], 0, found.schedule.nodes[output])
    if found.needs[reading.tensor] and not reading.lag:
        found.recomputed[output] = reading.tensor
        needed = max(found.needs[reading.tensor], found.needs[output])
        found.needs[reading.tensor] = found.needs[output] = needed
