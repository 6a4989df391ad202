"""Analyze a graph: the layout and facts of tensors, the effect of nodes, the masks it needs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import numpy as np
import onnx
from attrs import evolve, frozen
from onnx import numpy_helper

from voxstack_pack.delayed.elementwise import keeps_zeros
from voxstack_pack.delayed.errors import DelayedError
from voxstack_pack.delayed.facts import Effect, Fact
from voxstack_pack.delayed.layouts import Layout, layouts
from voxstack_pack.delayed.nodes import NodeView
from voxstack_pack.delayed.rules import effect

# Operations on a length before it is used as a shape: the result stays valid for a step.
_SIZE_OPERATORS = (
    "Add Cast Concat ConstantOfShape Div Expand Gather Identity Mul Reshape Shape Slice Squeeze "
    "Sub Unsqueeze"
)
SIZE_OPERATORS = frozenset(_SIZE_OPERATORS.split())
SIZED = frozenset(["Expand", "Reshape", "Resize", "Slice"])  # may read a length and frames


@frozen(eq=False)
class Analysis:
    """The result: what the rewriter needs to know of a whole-utterance graph."""

    layouts: Mapping[str, Layout]
    facts: Mapping[str, Fact]  # of the tensors with a time axis
    effects: Mapping[str, Effect]  # by the first output of each node that has frames
    gates: Mapping[str, bool]  # tensors to mask -> whether they are finite outside
    zero_functions: frozenset[str]  # first outputs of nodes that map zeros to zeros


def analyze(model: onnx.ModelProto, time: str, mask: str) -> Analysis:
    """Analyze a prepared graph; DelayedError if it cannot be stepped."""
    found = layouts(model, time)
    _check_inputs(model.graph, found, time, mask)
    constants = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
    uses = Counter(name for node in model.graph.node for name in node.input)
    uses.update(value.name for value in model.graph.output)
    gates: dict[str, bool] = {}
    while True:
        walk = _Walk(found, constants, gates, uses, mask)
        walk.run(model.graph)
        needed = {name: known for name, known in gates.items() if name not in walk.needless}
        if walk.wanted.keys() <= needed.keys() and needed == gates:
            break
        gates = needed | walk.wanted
    _check_outputs(model.graph, found, walk.facts)
    return Analysis(found, walk.facts, walk.effects, gates, frozenset(walk.zero_functions))


class _Walk:
    """One pass over the graph with the masks found so far."""

    def __init__(
        self,
        found: Mapping[str, Layout],
        constants: Mapping[str, np.ndarray],
        gates: Mapping[str, bool],
        uses: Mapping[str, int],
        mask: str,
    ) -> None:
        self.layouts, self.constants, self.gates = found, constants, gates
        self.uses, self.mask = uses, mask
        self.facts: dict[str, Fact] = {}
        self.effects: dict[str, Effect] = {}
        self.sizes: set[str] = set()  # tensors that hold lengths
        self.makers: dict[str, NodeView] = {}
        self.zero_functions: set[str] = set()
        self.wanted: dict[str, bool] = {}
        self.needless: set[str] = set()

    def run(self, graph: onnx.GraphProto) -> None:
        for value in graph.input:
            if self.layouts[value.name].axis is not None:
                is_mask = value.name == self.mask
                least = 0.0 if is_mask else -np.inf
                self._know(value.name, Fact(zero=is_mask, mask=is_mask, least=least))
        for node in graph.node:
            self._node(node)

    def _node(self, node: onnx.NodeProto) -> None:
        view = NodeView(node, self.layouts, self.facts, self.constants)
        for attribute in node.attribute:
            if attribute.type in (onnx.AttributeProto.GRAPH, onnx.AttributeProto.GRAPHS):
                view.refuse("it contains a graph", "Export without control flow")
        sizes = self.sizes.intersection(node.input)
        outputs = [name for name in node.output if name]
        if node.op_type == "Shape" and view.framed:
            if view.layout.extra:
                view.refuse("a padded length is used as a shape", "Use -1 in the shape")
            self.sizes.update(outputs)
            return
        for name in outputs:
            if name not in self.layouts:
                view.refuse("its shape cannot be inferred", "Export with static channels", name)
            if self.layouts[name].crossed:
                view.mixes(
                    "it compares all frames (attention over time) or merges them with the batch"
                )
        timed = [name for name in outputs if self.layouts[name].axis is not None]
        if sizes and not (node.op_type in SIZED and view.framed):
            if node.op_type not in SIZE_OPERATORS or view.framed:
                view.refuse(
                    "it computes with the length of the utterance, which is unknown to a step",
                    "Make it a per-frame input, or keep this network on windows",
                    min(sizes),
                )
            if not timed:
                self.sizes.update(outputs)
                return
        elif not view.framed:
            if timed:
                view.refuse(
                    "it makes frames that do not come from an input", "Make them an input", timed[0]
                )
            return
        if not view.framed:  # spread over time
            self._done(view, timed, Effect(Fact(steady=True)))
            return
        done = effect(view)
        if not timed or len(timed) != len(outputs):
            view.mixes("one of its outputs has no time axis")
        for name in timed:
            layout = self.layouts[name]
            if layout.rate != view.layouts[view.framed[0]].rate * done.factor:
                view.refuse("it changes the rate", "Only whole factors upwards can be stepped")
        if done.gate:
            self._want(view)
        if keeps_zeros(view):
            self.zero_functions.add(node.output[0])
        self._done(view, timed, done)

    def _done(self, view: NodeView, timed: list[str], done: Effect) -> None:
        self.effects[view.node.output[0]] = done
        for name in timed:
            self.makers[name] = view
            self._know(name, done.fact)

    def _know(self, name: str, fact: Fact) -> None:
        if name in self.gates:
            if fact.zero:
                self.needless.add(name)
            fact = evolve(fact, zero=True, steady=False, finite=True, least=min(fact.least, 0.0))
        self.facts[name] = fact

    def _want(self, view: NodeView) -> None:
        """Record that the first input must read as zeros outside, and the best place to mask it."""
        name = view.node.input[0]
        if self.facts[name].zero:
            return
        if self.layouts[name].extra:
            view.refuse(
                "it reads a tensor that is longer or shorter than the frames and not zero outside",
                "Let each convolution keep the length (padding and trimming in sum)",
            )
        while (maker := self.makers.get(name)) and keeps_zeros(maker):
            before = maker.node.input[0]
            # ONNX Runtime can only fuse an activation with the mask after it; before it, one mask
            # serves all readers.
            if self.uses[before] == 1 or not self.facts[before].finite:
                break
            name = before
        self.wanted[name] = self.facts[name].finite


def _check_inputs(
    graph: onnx.GraphProto, found: Mapping[str, Layout], time: str, mask: str
) -> None:
    framed = [value.name for value in graph.input if found[value.name].axis is not None]
    if not framed:
        raise DelayedError(
            f"no input has a dimension named {time!r}", "Name the time dimension in the export"
        )
    for name in framed:
        layout = found[name]
        if layout.axis != len(layout.shape) - 1 or layout.batched not in ((), (0,)):
            raise DelayedError(
                "the first axis is not the batch or the last is not time",
                "Use frames of shape [B, C, T] or [B, T]",
                tensor=name,
            )
    if mask in framed and (
        len(found[mask].shape) != 2 or found[mask].dtype != onnx.TensorProto.FLOAT
    ):
        raise DelayedError("the mask is not float32 [B, T]", "Unsqueeze it inside", tensor=mask)


def _check_outputs(
    graph: onnx.GraphProto, found: Mapping[str, Layout], facts: Mapping[str, Fact]
) -> None:
    for value in graph.output:
        layout = found.get(value.name)
        if value.name not in facts or layout is None:
            raise DelayedError(
                "this output has no time axis",
                "Leave it out, or make it in another network",
                tensor=value.name,
            )
        if layout.axis != len(layout.shape) - 1:
            raise DelayedError("time is not its last axis", "Transpose it", tensor=value.name)
        if layout.extra:
            raise DelayedError(
                f"it has {layout.extra:+d} samples beside the {layout.rate} per frame",
                "Pad the convolutions so that the length is kept",
                tensor=value.name,
            )
    rates = {value.name: found[value.name].rate for value in graph.output}
    if len(set(rates.values())) > 1:
        raise DelayedError(
            f"its outputs have different rates: {rates}", "Split it: one network per rate"
        )
