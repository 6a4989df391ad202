"""PyTorch modules to ONNX graphs, named, stripped and the same bytes each time."""

from __future__ import annotations

import hashlib
import logging
import warnings

import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from voxstack_train.export.running import ExportError

OPSET = 18


def export(
    module: nn.Module, inputs: dict[str, Tensor], outputs: dict[str, str], rate: str
) -> onnx.ModelProto:
    """Export to ONNX.

    rate is the name of the inputs' last dimension; outputs gives that of each output.
    """
    states = [name for name in inputs if name.startswith("state_")]
    dynamic = torch.export.Dim.DYNAMIC
    shapes = []
    for name, value in inputs.items():
        axes = {0: dynamic}
        if name not in states and value.ndim > 1:
            axes[value.ndim - 1] = dynamic
        shapes.append(axes)
    if states:  # they come in as *states
        shapes = [*shapes[: -len(states)], tuple(shapes[-len(states) :])]
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # it misses torchvision, we do not
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of torch, to itself
        program = torch.onnx.export(
            module,
            tuple(inputs.values()),
            input_names=list(inputs),
            output_names=[*outputs, *(f"next_{name}" for name in states)],
            dynamic_shapes=shapes,
            opset_version=OPSET,
            dynamo=True,
            external_data=False,
            verbose=False,
        )
    model = program.model_proto
    flatten(model)
    name_dimensions(model, rate, outputs)
    strip(model)
    return model


def flatten(model: onnx.ModelProto) -> None:
    """Flatten the audio without arithmetic on shapes, which the exporter writes out at length."""
    for node in model.graph.node:
        if node.op_type == "Reshape" and list(node.output) == ["audio"]:
            node.op_type = "Flatten"
            del node.input[1:], node.attribute[:]
            node.attribute.append(onnx.helper.make_attribute("axis", 1))
    nodes = list(model.graph.node)
    used = {value.name for value in model.graph.output}
    for node in reversed(nodes):
        if used.isdisjoint(node.output):
            nodes.remove(node)
        else:
            used.update(node.input)
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    initializers = [tensor for tensor in model.graph.initializer if tensor.name in used]
    del model.graph.initializer[:]
    model.graph.initializer.extend(initializers)


def name_dimensions(model: onnx.ModelProto, rate: str, outputs: dict[str, str]) -> None:
    """Give the dynamic dimensions of inputs and outputs the names that the manifest uses."""
    for value in [*model.graph.input, *model.graph.output]:
        state = "state_" in value.name
        dimensions = value.type.tensor_type.shape.dim
        for axis, dimension in enumerate(dimensions):
            if axis == 0:
                dimension.dim_param = "batch"
            elif axis == len(dimensions) - 1 and not state and not dimension.dim_value:
                dimension.dim_param = outputs.get(value.name, rate)
            elif not dimension.dim_value:
                raise ExportError(f"{value.name}: dimension {axis} is not fixed")


def strip(model: onnx.ModelProto) -> None:
    """Leave only what runs: no notes on where and by what the graph was made, short names."""
    del model.metadata_props[:], model.functions[:], model.graph.metadata_props[:]
    del model.graph.value_info[:]
    model.doc_string = model.graph.doc_string = model.domain = ""
    model.producer_name, model.producer_version = "voxstack", ""
    model.graph.name = "network"
    for item in [*model.graph.initializer, *model.graph.input, *model.graph.output]:
        item.doc_string = ""
        del item.metadata_props[:]
    for index, node in enumerate(model.graph.node):
        node.doc_string = ""
        node.name = f"{node.op_type}_{index}"
        del node.metadata_props[:]
    share_constants(model)


def share_constants(model: onnx.ModelProto) -> None:
    """Keep one of each group of equal constants: the exporter makes one for each use."""
    kept: dict[tuple, str] = {}
    renamed: dict[str, str] = {}
    initializers = list(model.graph.initializer)
    del model.graph.initializer[:]
    for tensor in initializers:
        array = numpy_helper.to_array(tensor)
        key = (tensor.data_type, tuple(tensor.dims), hashlib.sha256(array.tobytes()).digest())
        if key in kept:
            renamed[tensor.name] = kept[key]
        else:
            kept[key] = tensor.name
            model.graph.initializer.append(tensor)
    for node in model.graph.node:
        for i, name in enumerate(node.input):
            node.input[i] = renamed.get(name, name)
