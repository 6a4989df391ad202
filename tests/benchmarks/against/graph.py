"""Build an ONNX graph from operators and from other graphs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any

import numpy as np
import onnx
from onnx import NodeProto, TensorProto, helper, numpy_helper

OPSET, IR_VERSION = 18, 10  # those of the committed networks
TYPES = {"int64": TensorProto.INT64, "float32": TensorProto.FLOAT}


class Graph:
    """A graph under construction; tensors are referred to by name."""

    def __init__(self) -> None:
        self.nodes: list[NodeProto] = []
        self.initializers: dict[str, TensorProto] = {}
        self._numbers = count()

    def constant(self, value: Any, dtype: str = "int64") -> str:
        """Add a constant; return its name."""
        name = f"constant_{next(self._numbers)}"
        self.initializers[name] = numpy_helper.from_array(np.array(value, dtype=dtype), name)
        return name

    def op(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """Add an operator; return the name of its first output."""
        name = f"{kind.lower()}_{next(self._numbers)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], **attributes))
        return name

    def slice(
        self, tensor: str, axis: int, start: int = 0, end: int = 1 << 62, step: int = 1
    ) -> str:
        """Slice one axis."""
        bounds = (self.constant([value]) for value in (start, end, axis, step))
        return self.op("Slice", tensor, *bounds)

    def name(self, tensor: str, name: str) -> None:
        """Give a tensor another name."""
        self.nodes.append(helper.make_node("Identity", [tensor], [name]))

    def include(
        self, model: onnx.ModelProto, prefix: str, inputs: Mapping[str, str]
    ) -> dict[str, str]:
        """Add all of ``model``, fed from ``inputs``; return its outputs by their names in it."""
        for domain in model.opset_import:
            if domain.domain or domain.version != OPSET:
                raise ValueError(
                    f"{prefix} needs opset {domain.domain}:{domain.version}, not {OPSET}"
                )
        names = dict(inputs)

        def renamed(name: str) -> str:
            return names.setdefault(name, f"{prefix}/{name}") if name else ""

        for initializer in model.graph.initializer:
            copy = onnx.TensorProto()
            copy.CopyFrom(initializer)
            copy.name = renamed(initializer.name)
            self.initializers[copy.name] = copy
        for node in model.graph.node:
            copy = onnx.NodeProto()
            copy.CopyFrom(node)
            copy.name = f"{prefix}/{node.name}" if node.name else ""
            del copy.input[:], copy.output[:]
            copy.input.extend(map(renamed, node.input))
            copy.output.extend(map(renamed, node.output))
            self.nodes.append(copy)
        return {output.name: renamed(output.name) for output in model.graph.output}

    def model(
        self,
        inputs: Mapping[str, tuple[str, Sequence[int | str]]],
        outputs: Mapping[str, tuple[str, Sequence[int | str]]],
        metadata: Mapping[str, Any],
    ) -> onnx.ModelProto:
        """Return a checked model of what the outputs need; both are (dtype, shape)."""
        nodes = needed(self.nodes, outputs)
        used = {name for node in nodes for name in node.input}
        graph = helper.make_graph(
            nodes,
            "voice",
            [helper.make_tensor_value_info(n, TYPES[t], s) for n, (t, s) in inputs.items()],
            [helper.make_tensor_value_info(n, TYPES[t], s) for n, (t, s) in outputs.items()],
            [tensor for name, tensor in self.initializers.items() if name in used],
        )
        opset = helper.make_opsetid("", OPSET)
        model = helper.make_model(graph, opset_imports=[opset], ir_version=IR_VERSION)
        helper.set_model_props(model, {key: str(value) for key, value in metadata.items()})
        onnx.checker.check_model(model, full_check=True)
        return model


def needed(
    nodes: Sequence[NodeProto], outputs: Mapping[str, Any] | Sequence[str]
) -> list[NodeProto]:
    """Return the nodes that ``outputs`` depend on; ``nodes`` are in topological order."""
    wanted = set(outputs)
    kept = []
    for node in reversed(nodes):
        if wanted.intersection(node.output):
            wanted.update(node.input)
            kept.append(node)
    return kept[::-1]
