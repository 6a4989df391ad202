"""Convert a network from delayed-state form to the form an author exports for whole utterances.

A host that speaks whole sentences does not need what the committed networks do for streaming
(states in place of padding, a delay, a mask at each convolution): it would pay for the frames
that flush the delay, a third of a one-second sentence. So that the peers are not handicapped,
states become zero padding, and delay and mask are removed. The audio is the same.
"""

from __future__ import annotations

import numpy as np
import onnx
from onnx import helper, numpy_helper

from against.graph import needed

# Zeros before the first frame, in place of a state. The other zeros follow the last frame.
LEFT = {"state_enter": 3, "state_frames": 1, "state_samples": 2, "state_corrected": 1}
BLOCKS = 3  # the same for the states named state_block0, state_block1, ...
EXCITED = 2  # for slices of a buffer longer than the utterance: those of an analysis window
BUFFERS = ("state_excitation", "state_noise", "state_mel", "state_mask")  # read at several delays


def whole(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return ``model`` without states and delay; ValueError for an unknown form."""
    return _Whole(model).model()


class _Whole:
    def __init__(self, model: onnx.ModelProto) -> None:
        self.source = model
        self.values = {i.name: numpy_helper.to_array(i) for i in model.graph.initializer}
        self.masks = {"mask"}  # tensors that are one at every frame
        self.same: dict[str, str] = {}  # tensors that are replaced by another one
        self.buffers: dict[str, tuple[str, int]] = {}  # tensor, frames of its state
        self.nodes: list[onnx.NodeProto] = []
        self.added: list[onnx.TensorProto] = []

    def model(self) -> onnx.ModelProto:
        for node in self.source.graph.node:
            self._node(node)
        made = onnx.ModelProto()
        made.CopyFrom(self.source)
        graph = made.graph
        states = [i for i in graph.input if i.name.startswith("state_")]
        for tensor in states:
            graph.input.remove(tensor)
        for tensor in [o for o in graph.output if o.name.startswith("next_state_")]:
            graph.output.remove(tensor)
        del graph.node[:]
        graph.node.extend(needed(self.nodes, [output.name for output in graph.output]))
        graph.initializer.extend(self.added)
        left = {name for node in graph.node for name in node.input} & {i.name for i in states}
        if left:
            raise ValueError(f"the network still reads {sorted(left)}: unknown form")
        return made

    def _node(self, node: onnx.NodeProto) -> None:
        copy = onnx.NodeProto()
        copy.CopyFrom(node)
        del copy.input[:]
        copy.input.extend(self.same.get(name, name) for name in node.input)
        output = node.output[0]
        state = next((n for n in node.input if n.startswith("state_")), None)
        if node.op_type == "Concat" and state is not None:
            self._joined(node, state, copy.input[1], output)
        elif node.op_type == "Slice" and node.input[0] in self.buffers:
            self._delayed(node, output)
        elif node.op_type == "Mul" and self.masks.intersection(node.input):
            kept = copy.input[0] if node.input[1] in self.masks else copy.input[1]
            self.same[output] = kept
            self.nodes.append(helper.make_node("Identity", [kept], [output]))  # if it is an output
        else:
            if node.op_type in ("Unsqueeze", "Transpose", "Slice") and node.input[0] in self.masks:
                self.masks.add(output)
            self.nodes.append(copy)

    def _joined(self, node: onnx.NodeProto, state: str, tensor: str, output: str) -> None:
        """Join a state and the new frames: padding, or a buffer that is read at delays."""
        axis = helper.get_attribute_value(node.attribute[0])
        frames = next(
            i.type.tensor_type.shape.dim[axis].dim_value
            for i in self.source.graph.input
            if i.name == state
        )
        if state in BUFFERS:
            self.buffers[output] = (tensor, frames)
            if node.input[1] in self.masks:
                self.masks.add(output)
        elif state in LEFT or state.startswith("state_block"):
            left = LEFT.get(state, BLOCKS)
            self._pad(tensor, output, axis % 4, left, frames - left)
        else:
            raise ValueError(f"{state!r} is an unknown state")

    def _delayed(self, node: onnx.NodeProto, output: str) -> None:
        """Slice a buffer: the frames themselves, with zeros if it is longer than they are."""
        tensor, frames = self.buffers[node.input[0]]
        start, end, axis = (int(self.values[name][0]) for name in node.input[1:4])
        if axis % 4 == 1 or node.input[0] in self.masks:
            self.masks.add(output)  # the excitation's last channel is the mask
            self.buffers[output] = (tensor, frames)
            return
        extra = frames - start + end if end < 0 else 0
        if not extra:
            self.same[output] = tensor
        elif extra > 0:
            self._pad(tensor, output, axis % 4, EXCITED, extra - EXCITED)

    def _pad(self, tensor: str, output: str, axis: int, left: int, right: int) -> None:
        pads = np.zeros((2, 4), dtype=np.int64)
        pads[:, axis] = left, right
        name = f"{output}_pads"
        self.added.append(numpy_helper.from_array(pads.reshape(-1), name))
        self.nodes.append(helper.make_node("Pad", [tensor, name], [output]))
