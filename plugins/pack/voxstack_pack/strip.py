"""Remove from a graph what is not needed to run it, such as notes on its origin."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

import onnx
from onnx import numpy_helper

from voxstack_pack.errors import ExportError

PRIVATE = re.compile(rb"/(work|root|home|tmp|usr|opt|Users)/|[A-Za-z]:\\|\.py\b|Traceback")


def strip(model: onnx.ModelProto) -> None:
    """Remove metadata, notes and long names, in place; equal constants are merged."""
    del model.metadata_props[:], model.functions[:]
    model.doc_string = model.domain = ""
    model.producer_name, model.producer_version = "voxstack", ""
    model.graph.name = "network"
    _strip_graph(model.graph, "")
    _share_constants(model.graph)


def _strip_graph(graph: onnx.GraphProto, prefix: str) -> None:
    del graph.metadata_props[:], graph.value_info[:]
    graph.doc_string = ""
    for item in [*graph.initializer, *graph.input, *graph.output]:
        item.doc_string = ""
        del item.metadata_props[:]
    for index, node in enumerate(graph.node):
        node.doc_string = ""
        node.name = f"{prefix}{node.op_type}_{index}"
        del node.metadata_props[:]
        for inner in _inner(node):
            _strip_graph(inner, f"{node.name}.")


def _inner(node: onnx.NodeProto) -> Iterable[onnx.GraphProto]:
    """Yield the graphs within a node: the branches of an If, the body of a Loop."""
    for attribute in node.attribute:
        if attribute.type == onnx.AttributeProto.GRAPH:
            yield attribute.g
        yield from attribute.graphs


def _share_constants(graph: onnx.GraphProto) -> None:
    """Keep one of each group of equal constants: the exporter makes one for each use."""
    kept: dict[tuple[int, tuple[int, ...], bytes], str] = {}
    renamed: dict[str, str] = {}
    named = {value.name for value in graph.output}  # outputs keep their names
    initializers = list(graph.initializer)
    del graph.initializer[:]
    for tensor in initializers:
        array = numpy_helper.to_array(tensor)
        key = (tensor.data_type, tuple(tensor.dims), hashlib.sha256(array.tobytes()).digest())
        if key in kept and tensor.name not in named:
            renamed[tensor.name] = kept[key]
        else:
            kept.setdefault(key, tensor.name)
            graph.initializer.append(tensor)
    _rename_uses(graph, renamed)


def _rename_uses(graph: onnx.GraphProto, renamed: dict[str, str]) -> None:
    for node in graph.node:
        for i, name in enumerate(node.input):
            node.input[i] = renamed.get(name, name)
        for inner in _inner(node):
            _rename_uses(inner, renamed)


def drop_unused(model: onnx.ModelProto) -> None:
    """Remove the nodes and constants that no output needs, in place."""
    nodes = list(model.graph.node)
    used = {value.name for value in model.graph.output}
    for node in reversed(nodes):
        if used.isdisjoint(node.output):
            nodes.remove(node)
        else:
            used |= _reads(node)
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    initializers = [tensor for tensor in model.graph.initializer if tensor.name in used]
    del model.graph.initializer[:]
    model.graph.initializer.extend(initializers)


def _reads(node: onnx.NodeProto) -> set[str]:
    """Return the names that a node reads, including those in the graphs within it."""
    reads = set(node.input)
    for graph in _inner(node):
        reads |= {value.name for value in graph.output}
        for inner in graph.node:
            reads |= _reads(inner)
    return reads


def require_private(name: str, model: onnx.ModelProto) -> None:
    """Refuse a graph that contains paths of the machine that made it (ExportError)."""
    bare = onnx.ModelProto()
    bare.CopyFrom(model)
    for tensor in bare.graph.initializer:
        tensor.ClearField("raw_data")  # the bytes of weights may resemble text
    for node in bare.graph.node:
        for attribute in node.attribute:
            attribute.t.ClearField("raw_data")
    if found := PRIVATE.search(bare.SerializeToString()):
        raise ExportError(f"{name} contains {found.group()!r}; remove its notes and paths")
