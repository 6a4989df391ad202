"""Write the stepped graph, node by node."""

from __future__ import annotations

import onnx
from onnx import helper

from voxstack_pack.delayed.analysis import Analysis
from voxstack_pack.delayed.emitter import END, Emitter
from voxstack_pack.delayed.errors import DelayedError
from voxstack_pack.delayed.histories import Histories, Reading
from voxstack_pack.delayed.layouts import Layout
from voxstack_pack.delayed.masks import Masks
from voxstack_pack.delayed.schedule import Schedule


class Rewriter:
    """Rewrites each node of a whole-utterance graph so that it can be stepped."""

    def __init__(
        self,
        graph: onnx.GraphProto,
        analysis: Analysis,
        schedule: Schedule,
        histories: Histories,
        mask: str,
        batch: str | int,
    ) -> None:
        self.graph, self.analysis, self.schedule = graph, analysis, schedule
        self.histories = histories
        self.emitter = Emitter(batch)
        self.finals = {value.name for value in graph.output}
        self.names: dict[str, str] = {}  # tensor -> the name of its stream in the new graph
        self.joined: dict[str, str] = {}  # tensor -> its stream with the history in front
        self.readings: dict[Reading, str] = {}
        self.masks = Masks(self.emitter, mask, self._mask_needs())

    def run(self) -> Emitter:
        """Write all nodes, then the outputs under their names."""
        for value in self.graph.input:
            self._made(value.name, value.name)
        for node in self.graph.node:
            self._node(node)
        self._finish()
        return self.emitter

    def _mask_needs(self) -> list[tuple[Layout, int]]:
        """Return every view of the mask: those the graph uses, and those that are inserted."""
        layouts, facts = self.analysis.layouts, self.analysis.facts
        needs = [(layouts[name], self.schedule.late[name]) for name in self.analysis.gates]
        for node in self.graph.node:
            if node.output[0] in self.schedule.nodes and not self._served(node):
                at = self.schedule.nodes[node.output[0]]
                needs += [(layouts[n], at) for n in node.input if n in facts and facts[n].mask]
        for name in self.finals:
            if facts[name].mask:
                needs.append((layouts[name], self.schedule.delay * layouts[name].rate))
        return needs

    def _served(self, node: onnx.NodeProto) -> bool:
        """Return whether a node only makes views of the mask, which are made elsewhere."""
        fact = self.analysis.facts.get(node.output[0])
        return fact is not None and fact.mask

    def _node(self, node: onnx.NodeProto) -> None:
        key = node.output[0]
        if key not in self.analysis.effects:
            copy = onnx.NodeProto()
            copy.CopyFrom(node)
            for i, name in enumerate(node.input):
                copy.input[i] = self.names.get(name, name)
            self.emitter.nodes.append(copy)
            return
        if self._served(node) or key in self.histories.renumbered:
            return
        effect, at = self.analysis.effects[key], self.schedule.nodes[key]
        inputs = [
            self._read(name, effect.past if i == 0 else 0, at) for i, name in enumerate(node.input)
        ]
        if effect.vanishes:
            self._made(key, inputs[0])
            return
        copy = onnx.NodeProto()
        copy.CopyFrom(node)
        for i, name in enumerate(inputs):
            copy.input[i] = name
        for i, value in effect.constants.items():
            copy.input[i] = self.emitter.constant(f"{key}_{i}", value)
        for attribute in [a for a in copy.attribute if a.name in effect.attributes]:
            copy.attribute.remove(attribute)
        copy.attribute.extend(
            helper.make_attribute(name, value) for name, value in effect.attributes.items()
        )
        joined = self.histories.recomputed.get(key)
        if joined is not None:
            copy.input[0] = self._history(joined)
            copy.output[0] = self.joined[key] = f"history_{key}"
            self.emitter.nodes.append(copy)
            return
        for i, name in enumerate(node.output):
            copy.output[i] = f"{name}_early" if name in self.finals else name
        self.emitter.nodes.append(copy)
        for i, name in enumerate(node.output):
            if name:
                self._made(name, copy.output[i])

    def _made(self, name: str, stream: str) -> None:
        """Record a tensor's stream, masked if something reads beyond its edges."""
        finite = self.analysis.gates.get(name)
        if finite is None:
            self.names[name] = stream
            return
        layout, late = self.analysis.layouts[name], self.schedule.late[name]
        masked = f"{name}_masked"
        if finite:
            mask = self.masks.view(layout, late, layout.dtype)
            self.names[name] = self.emitter.add("Mul", (stream, mask), masked)
            return
        mask = self.masks.view(layout, late, onnx.TensorProto.BOOL)  # 0 * inf is not 0
        dtype = helper.tensor_dtype_to_np_dtype(layout.dtype)
        zero = self.emitter.constant(f"zero_{layout.dtype}", dtype.type(0).reshape(()))
        self.names[name] = self.emitter.add("Where", (mask, stream, zero), masked)

    def _read(self, name: str, past: int, late: int) -> str:
        """Return the name under which a node reads a tensor."""
        fact = self.analysis.facts.get(name)
        if fact is None or fact.steady:
            return self.names.get(name, name)
        if fact.mask:
            layout = self.analysis.layouts[name]
            return self.masks.view(layout, late, layout.dtype)
        reading = self.histories.reading(name, past, late)
        length = self.histories.needs[reading.tensor]
        if not reading.reach and reading.tensor not in self.histories.recomputed:
            return self.names[reading.tensor]
        start = length - reading.reach
        joined = self._history(reading.tensor)
        if start == reading.lag == 0:
            return joined
        if reading not in self.readings:
            axis = self.analysis.layouts[reading.tensor].axis
            end = -reading.lag if reading.lag else END
            output = f"{reading.tensor}_late_{reading.lag}_past_{reading.past}"
            self.readings[reading] = self.emitter.slice(joined, start, end, axis, output)
        return self.readings[reading]

    def _history(self, name: str) -> str:
        """Return a tensor's stream with its history in front."""
        if name not in self.joined:
            layout = self.analysis.layouts[name]
            if layout.batched != (0,):
                raise DelayedError(
                    "it must be remembered, but more than the batch (first) and time are dynamic",
                    "Keep [batch, channels, time] around convolutions, with fixed channels",
                    tensor=name,
                )
            self.joined[name] = self.emitter.history(
                str(len(self.emitter.state)),
                self.names[name],
                layout.shape,
                layout.dtype,
                layout.axis,
                self.histories.needs[name],
            )
        return self.joined[name]

    def _finish(self) -> None:
        """Name the outputs, by renaming, or by a copy if two are the same."""
        layouts, delay = self.analysis.layouts, self.schedule.delay
        # Read all of them before renaming any.
        streams = {
            value.name: self._read(value.name, 0, delay * layouts[value.name].rate)
            for value in self.graph.output
        }
        made = {name for node in self.emitter.nodes for name in node.output}
        renamed: dict[str, str] = {}
        for output, stream in streams.items():
            if stream in made and stream not in renamed:
                renamed[stream] = output
            else:
                self.emitter.add("Identity", (stream,), output)
        for node in self.emitter.nodes:
            for names in (node.input, node.output):
                for i, name in enumerate(names):
                    names[i] = renamed.get(name, name)
