"""Build the stepped graph."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx
from onnx import helper, numpy_helper

END = np.iinfo(np.int64).max  # the end of a slice that reaches to the end
TIME = -1  # stands for time in a state's shape until its length is known


class Emitter:
    """The nodes, constants and states of a graph, in the order in which they are added."""

    def __init__(self, batch: str | int) -> None:
        self.batch = batch
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, onnx.TensorProto] = {}
        self.inputs: list[onnx.ValueInfoProto] = []
        self.outputs: list[onnx.ValueInfoProto] = []
        self.state: dict[str, str] = {}

    def add(self, kind: str, inputs: Sequence[str], output: str, **attributes: object) -> str:
        """Append a node; return the name of its output."""
        self.nodes.append(helper.make_node(kind, list(inputs), [output], **attributes))
        return output

    def integers(self, values: Sequence[int]) -> str:
        """Add a constant of int64; return its name."""
        name = "integers_" + "_".join(str(v) if v != END else "end" for v in values)
        return self.constant(name, np.asarray(values, np.int64))

    def constant(self, name: str, value: np.ndarray) -> str:
        """Add a constant; an existing one with this name must be equal."""
        self.constants.setdefault(name, numpy_helper.from_array(value, name))
        return name

    def slice(self, tensor: str, start: int, end: int, axis: int, output: str) -> str:
        """Cut `tensor` along an axis; return the name of the result."""
        ranges = (self.integers([start]), self.integers([end]), self.integers([axis]))
        return self.add("Slice", (tensor, *ranges), output)

    def history(
        self, name: str, tensor: str, shape: Sequence[int], dtype: int, axis: int, length: int
    ) -> str:
        """Prepend to `tensor` its last `length` samples, kept as a state `state_NAME`.

        shape: of the tensor; its first axis is the batch.
        """
        before, after = f"state_{name}", f"next_state_{name}"
        dims = [self.batch, *shape[1:]]
        dims[axis] = length
        self.inputs.append(helper.make_tensor_value_info(before, dtype, dims))
        self.outputs.append(helper.make_tensor_value_info(after, dtype, dims))
        self.state[before] = after
        joined = self.add("Concat", (before, tensor), f"history_{name}", axis=axis)
        return self.slice(joined, -length, END, axis, after) and joined
