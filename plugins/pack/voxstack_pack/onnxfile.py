"""Read ONNX files, name their tensors as the manifest does, and make examples for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper
from voxstack.inspection import did_you_mean

from voxstack_pack.errors import ExportError
from voxstack_pack.running import Array, Arrays, Program

EXAMPLE = 67  # positions of a random example


def read_onnx(path: Path) -> onnx.ModelProto:
    """Read an ONNX file with its external data; ExportError if it is not one."""
    try:
        model = onnx.load(str(path))
    except FileNotFoundError:
        raise ExportError(f"{path.name}: no such file") from None
    except Exception as error:  # protobuf's DecodeError, and errors of external data
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ExportError(f"{path.name}: cannot be read as ONNX: {reason}") from None
    if not model.graph.output:
        raise ExportError(f"{path.name}: not an ONNX network: it has no outputs")
    weights = {tensor.name for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in weights]
    del model.graph.input[:]
    model.graph.input.extend(inputs)
    return model


def rename(model: onnx.ModelProto, names: Mapping[str, str]) -> None:
    """Rename inputs and outputs, in place; ``names`` maps new names to those in the file."""
    ends = [value.name for value in [*model.graph.input, *model.graph.output]]
    changes: dict[str, str] = {}
    for name, called in names.items():
        if called not in ends:
            hint = did_you_mean(called, ends) or f"there: {', '.join(ends)}"
            raise ExportError(f"the file has no input or output {called!r} ({hint})")
        if called != name:
            changes[called] = name
    # A tensor inside the graph that already has a new name is renamed too.
    taken = {n for node in model.graph.node for n in [*node.input, *node.output]} | set(ends)
    taken |= {tensor.name for tensor in model.graph.initializer}
    for name in list(changes.values()):
        if name in taken and name not in changes:
            changes[name] = f"{name}.inner"
    _rename(model.graph, changes)


def _rename(graph: onnx.GraphProto, changes: Mapping[str, str]) -> None:
    for value in [*graph.input, *graph.output, *graph.initializer, *graph.value_info]:
        value.name = changes.get(value.name, value.name)
    for node in graph.node:
        for names in (node.input, node.output):
            for i, name in enumerate(names):
                names[i] = changes.get(name, name)
        for attribute in node.attribute:
            for inner in [attribute.g, *attribute.graphs]:
                if inner.node:
                    _rename(inner, changes)


def name_inputs(model: onnx.ModelProto, time: str, times: Mapping[str, str | None]) -> None:
    """Name the dimensions of the inputs: the batch, and time if it is dynamic."""
    for value in model.graph.input:
        axes = value.type.tensor_type.shape.dim
        wanted = times.get(value.name)
        for axis, dimension in enumerate(axes):
            last = axis == len(axes) - 1 and axis > 0
            if axis == 0:
                dimension.dim_param = "batch"
            elif last and not dimension.dim_value and wanted != "":
                dimension.dim_param = wanted or time
            elif last and wanted:
                raise ExportError(
                    f"input {value.name!r}: its {wanted} is fixed at {dimension.dim_value} in the "
                    "file; export it with a dynamic one"
                )
            elif not dimension.dim_value:
                raise ExportError(
                    f"input {value.name!r}: dimension {axis} is dynamic; only the batch (the "
                    "first) and time (the last) may vary"
                )


def name_outputs(
    model: onnx.ModelProto, made: Sequence[Arrays], time: str, times: Mapping[str, str | None]
) -> None:
    """Name the dimensions of the outputs by comparing two examples of different lengths."""
    for value in model.graph.output:
        first, second = (outputs[value.name] for outputs in made)
        shape: list[int | str] = ["batch"]
        for axis in range(1, first.ndim):
            size, same = first.shape[axis], first.shape[axis] == second.shape[axis]
            if not same and axis < first.ndim - 1:
                raise ExportError(
                    f"output {value.name!r}: dimension {axis} varies; time must be the last "
                    "dimension (transpose it)"
                )
            shape.append(size if same else (times.get(value.name) or time))
        kind = value.type.tensor_type.elem_type or onnx.helper.np_dtype_to_tensor_dtype(first.dtype)
        named = onnx.helper.make_tensor_value_info(value.name, kind, shape)
        value.CopyFrom(named)


def random_example(model: onnx.ModelProto, seed: int = 0) -> Arrays:
    """Return a random example: floats around 0, and integers that are valid table indices."""
    rng = np.random.default_rng(seed)
    example: Arrays = {}
    for value in model.graph.input:
        kind = value.type.tensor_type
        dtype = onnx.helper.tensor_dtype_to_np_dtype(kind.elem_type)
        shape = [1, *(d.dim_value or EXAMPLE for d in list(kind.shape.dim)[1:])]
        if not kind.shape.dim:
            raise ExportError(f"input {value.name!r} has no batch dimension")
        example[value.name] = _values(model, value.name, dtype, shape, rng)
    return example


def _values(
    model: onnx.ModelProto, name: str, dtype: Any, shape: list[int], rng: np.random.Generator
) -> Array:
    if name.endswith("mask"):
        return np.ones(shape, dtype)
    if dtype.kind == "f":
        return rng.standard_normal(shape).astype(dtype)
    return rng.integers(0, _table(model, name) or 2, shape).astype(dtype)


def _table(model: onnx.ModelProto, name: str) -> int | None:
    """Return the number of rows of the table that an input indexes."""
    weights = {tensor.name: tensor for tensor in model.graph.initializer}
    names = {name}
    for node in model.graph.node:
        if names.isdisjoint(node.input):
            continue
        if node.op_type in ("Cast", "Identity", "Reshape", "Unsqueeze", "Squeeze"):
            names |= set(node.output)
        elif node.op_type == "Gather" and node.input[0] in weights and node.input[1] in names:
            return int(numpy_helper.to_array(weights[node.input[0]]).shape[0])
    return None


def read_npz(path: Path) -> Arrays:
    """Read an example; ExportError if the file is not an .npz."""
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except (OSError, ValueError) as error:
        raise ExportError(f"{path.name}: cannot be read as .npz: {error}") from None


def run_example(program: Program, example: Arrays) -> Arrays:
    """Run an example; ExportError explains what does not fit."""
    if missing := program.inputs.keys() - example.keys():
        raise ExportError(f"the examples lack the inputs {', '.join(sorted(missing))}")
    try:
        return program(example)
    except Exception as error:  # of classes that onnxruntime does not export
        reason = str(error).splitlines()[0]
        raise ExportError(f"cannot run on the example: {reason}") from None
