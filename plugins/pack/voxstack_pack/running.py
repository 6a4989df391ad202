"""Run a graph by itself, to measure it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, final

import numpy as np
import onnx
from numpy.typing import NDArray

from voxstack_pack.errors import ExportError

Array = NDArray[Any]
Arrays = dict[str, Array]
Call = Callable[[Arrays], Arrays]  # inputs to outputs, by name


@final
class Program:
    """A graph on ONNX Runtime with one thread; ExportError if it cannot be loaded."""

    def __init__(self, model: onnx.ModelProto | bytes, state: Mapping[str, str] | None = None):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3  # errors only
        data = model if isinstance(model, bytes) else model.SerializeToString()
        try:
            self.session = onnxruntime.InferenceSession(
                data, options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # of classes that onnxruntime does not export
            raise ExportError(f"ONNX Runtime cannot load it: {error}") from None
        self.inputs = {v.name: tuple(v.shape) for v in self.session.get_inputs()}
        self.outputs = [value.name for value in self.session.get_outputs()]
        if state is None:
            state = {name: f"next_{name}" for name in self.inputs if name.startswith("state_")}
        self.state = dict(state)

    def __call__(self, inputs: Arrays) -> Arrays:
        """Run the graph; arrays that are not its inputs are ignored."""
        feed = {name: inputs[name] for name in self.inputs}
        return dict(zip(self.outputs, self.session.run(None, feed), strict=True))

    def step(self, chunks: Iterable[Arrays], batch: int = 1) -> Array:
        """Step over chunks from zero states; return the first output, joined."""
        states: Arrays = {
            name: np.zeros((batch, *self.inputs[name][1:]), np.float32) for name in self.state
        }
        joined = []
        for chunk in chunks:
            outputs = self(chunk | states)
            states = {name: outputs[after] for name, after in self.state.items()}
            joined.append(outputs[self.outputs[0]])
        return np.concatenate(joined, -1)


def eager(call: Callable[..., object], inputs: Mapping[str, Array]) -> tuple[Array, ...]:
    """Call a PyTorch module, or a function, on arrays in order; return its outputs."""
    import torch

    with torch.no_grad():
        result = call(*(torch.from_numpy(np.ascontiguousarray(v)) for v in inputs.values()))
    results = result if isinstance(result, tuple | list) else (result,)
    for value in results:
        if not isinstance(value, torch.Tensor):
            raise ExportError(f"returned a {type(value).__name__}; expected tensors")
    return tuple(tensor.numpy() for tensor in results)
