"""Simplify a graph before it is analyzed, so that there is one way to write each thing."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import inliner, numpy_helper

SMALL = 256  # elements; smaller constants are shared by value
DRAWS = {"RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Bernoulli"}


def prepare(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return a copy without functions, constant nodes, identities, duplicates and dead nodes."""
    if model.functions:
        model = inliner.inline_local_functions(model)
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    _constants(copy.graph)
    _share(copy.graph)
    remove_dead(copy.graph)
    return copy


def attributes(node: onnx.NodeProto) -> dict[str, object]:
    """Return the attributes of a node as Python values."""
    return {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}


def _constants(graph: onnx.GraphProto) -> None:
    """Turn Constant nodes into initializers."""
    nodes = list(graph.node)
    del graph.node[:]
    for node in nodes:
        if node.op_type != "Constant":
            graph.node.append(node)
            continue
        ((kind, value),) = attributes(node).items()
        if kind == "value":
            tensor = onnx.TensorProto()
            tensor.CopyFrom(value)
        else:
            dtype = np.float32 if "float" in kind else np.int64
            tensor = numpy_helper.from_array(np.asarray(value, dtype))
        tensor.name = node.output[0]
        graph.initializer.append(tensor)


def _share(graph: onnx.GraphProto) -> None:
    """Merge equal small constants and equal nodes; skip identities."""
    renamed: dict[str, str] = {}
    seen: dict[object, list[str]] = {}
    for tensor in graph.initializer:
        array = numpy_helper.to_array(tensor)
        if array.size <= SMALL:
            key = (tensor.data_type, array.shape, array.tobytes())
            renamed[tensor.name] = seen.setdefault(key, [tensor.name])[0]
    outputs = {value.name for value in graph.output}
    nodes = list(graph.node)
    del graph.node[:]
    for node in nodes:
        for i, name in enumerate(node.input):
            node.input[i] = renamed.get(name, name)
        kept = outputs.isdisjoint(node.output)
        if node.op_type in ("Identity", "Dropout") and kept:
            renamed[node.output[0]] = node.input[0]
            continue
        parts = sorted(a.SerializeToString(deterministic=True) for a in node.attribute)
        key = (node.domain, node.op_type, *node.input, len(node.output), *parts)
        if key in seen and kept and node.op_type not in DRAWS:
            renamed.update(zip(node.output, seen[key], strict=True))
            continue
        seen.setdefault(key, list(node.output))
        graph.node.append(node)


def remove_dead(graph: onnx.GraphProto) -> None:
    """Remove nodes and constants that no output needs."""
    used = {value.name for value in graph.output}
    kept = []
    for node in reversed(graph.node):
        if not used.isdisjoint(node.output):
            kept.append(node)
            used.update(node.input)
    del graph.node[:]
    graph.node.extend(reversed(kept))
    tensors = [tensor for tensor in graph.initializer if tensor.name in used]
    del graph.initializer[:]
    graph.initializer.extend(tensors)
