"""Find the time axis of each tensor, and the number of samples per frame there.

No operator needs a rule for this: shapes are inferred for two lengths and two batch sizes, and
an axis that grows with the length is time.
"""

from __future__ import annotations

import onnx
from attrs import frozen
from onnx import shape_inference

from voxstack_pack.delayed.errors import DelayedError
from voxstack_pack.delayed.sizes import Shape, fold

# Primes, greater than any fixed number of frames that a graph slices.
SHORT, LONG = 100_003, 100_043
OTHER = 97  # the size of dynamic dimensions that are neither batch nor time, less the batch


@frozen
class Layout:
    """The batch and time axes of a tensor; time has `rate * frames + extra` samples."""

    shape: tuple[int, ...]  # for a batch of 2 and SHORT frames
    dtype: int  # an onnx.TensorProto type
    axis: int | None  # of time
    rate: int = 0
    extra: int = 0
    batched: tuple[int, ...] = ()  # axes that grow with the batch or are not fixed
    crossed: bool = False  # several axes grow with time

    @property
    def from_end(self) -> int:
        """The time axis counted from the end, 1 for the last: broadcasting aligns it."""
        return len(self.shape) - (self.axis or 0)


def layouts(model: onnx.ModelProto, time: str) -> dict[str, Layout]:
    """Return the layout of every tensor whose shape can be inferred."""
    short, long = _shapes(model, time, 2, SHORT), _shapes(model, time, 2, LONG)
    wide = _shapes(model, time, 3, SHORT)
    found = {t.name: Layout(tuple(t.dims), t.data_type, None) for t in model.graph.initializer}
    for name, (dtype, shape) in short.items():
        longer, wider = (other.get(name, (0, (None,)))[1] for other in (long, wide))
        if None in (*shape, *longer, *wider):
            continue
        axes = [i for i, size in enumerate(shape) if longer[i] != size]
        batched = tuple(i for i, size in enumerate(shape) if wider[i] != size)
        if not axes:
            found[name] = Layout(shape, dtype, None, batched=batched)
            continue
        axis = axes[0]
        rate = (longer[axis] - shape[axis]) // (LONG - SHORT)
        extra = shape[axis] - rate * SHORT
        crossed = len(axes) > 1 or axis in batched
        found[name] = Layout(shape, dtype, axis, rate, extra, batched, crossed)
    return found


def _shapes(
    model: onnx.ModelProto, time: str, batch: int, frames: int
) -> dict[str, tuple[int, Shape]]:
    """Return name -> (type, shape) for a fixed batch size and length."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    del copy.graph.value_info[:]
    for value in copy.graph.input:
        for axis, dimension in enumerate(value.type.tensor_type.shape.dim):
            if dimension.dim_param == time:
                dimension.dim_value = frames
            elif not dimension.HasField("dim_value"):
                dimension.dim_value = batch + OTHER * (axis > 0)
    for value in copy.graph.output:
        value.type.tensor_type.ClearField("shape")
    found: dict[str, tuple[int, Shape]] = {}
    while True:
        found = _inferred(copy) | {n: f for n, f in found.items() if None not in f[1]}
        shapes = {name: shape for name, (_, shape) in found.items()}
        unknown = any(
            None in shapes.get(name, (None,)) for node in copy.graph.node for name in node.output
        )
        if not (unknown and fold(copy, shapes)):
            return found


def _inferred(model: onnx.ModelProto) -> dict[str, tuple[int, Shape]]:
    """Return name -> (type, shape), as far as ONNX infers them."""
    try:
        graph = shape_inference.infer_shapes(model, strict_mode=True, data_prop=True).graph
    except shape_inference.InferenceError as error:
        raise DelayedError(
            f"shapes cannot be inferred for every length and batch size: {error}",
            "Export with dynamic batch and time dimensions",
        ) from error
    return {
        value.name: (
            value.type.tensor_type.elem_type,
            tuple(
                d.dim_value if d.HasField("dim_value") else None
                for d in value.type.tensor_type.shape.dim
            ),
        )
        for value in [*graph.input, *graph.value_info, *graph.output]
        if value.type.tensor_type.HasField("shape")
    }
