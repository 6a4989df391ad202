"""Fold arithmetic on shapes, for a graph whose input shapes are fixed.

Exporters write `flatten` or `view` as long chains of arithmetic, at which shape inference fails.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import onnx
from onnx import numpy_helper
from onnx.reference import ReferenceEvaluator

Shape = tuple[int | None, ...]

_OPERATORS = "Add Cast Concat Div Gather Mul Reshape Slice Squeeze Sub Unsqueeze"
# Arithmetic on lengths only: nodes that make frames are kept.
OPERATORS = frozenset(_OPERATORS.split())
MOST = 16  # elements; a larger tensor is not a shape


def fold(model: onnx.ModelProto, shapes: Mapping[str, Shape]) -> bool:
    """Replace nodes that compute shapes by constants, in place; return whether there were any."""
    graph = model.graph
    known = {t.name: numpy_helper.to_array(t) for t in graph.initializer if np.prod(t.dims) <= MOST}
    kept, folded = [], False
    outputs = {value.name for value in graph.output}
    for node in graph.node:
        plain = outputs.isdisjoint(node.output)
        value = _value(model, node, known, shapes) if plain else None
        if value is None:
            kept.append(node)
            continue
        folded = True
        known[node.output[0]] = value
        graph.initializer.append(numpy_helper.from_array(value, node.output[0]))
    del graph.node[:]
    graph.node.extend(kept)
    return folded


def _value(
    model: onnx.ModelProto,
    node: onnx.NodeProto,
    known: Mapping[str, np.ndarray],
    shapes: Mapping[str, Shape],
) -> np.ndarray | None:
    """Return what a node computes from shapes alone, or None."""
    if node.op_type == "Shape":
        shape = shapes.get(node.input[0])
        if shape is None or None in shape:
            return None
        options = {a.name: a.i for a in node.attribute}
        return np.asarray(shape, np.int64)[options.get("start", 0) : options.get("end")]
    inputs = [name for name in node.input if name]
    if node.op_type not in OPERATORS or not all(name in known for name in inputs):
        return None
    evaluator = ReferenceEvaluator(node, opsets={e.domain: e.version for e in model.opset_import})
    (value, *_) = evaluator.run(None, {name: known[name] for name in inputs})
    return np.asarray(value)
