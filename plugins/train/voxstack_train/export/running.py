"""Running what was exported: programs, example inputs, and the bounds they are held to."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import onnx
import onnxruntime
import torch
from torch import Tensor

from voxstack_train.errors import TrainError

Arrays = dict[str, np.ndarray]


class ExportError(TrainError):
    """A network does not keep what the manifest would promise."""


class Program:
    """An exported network on ONNX Runtime, one thread."""

    def __init__(self, model: onnx.ModelProto) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(model.SerializeToString(), options)
        self.outputs = [value.name for value in self.session.get_outputs()]
        self.states = {
            value.name: tuple(value.shape[1:])
            for value in self.session.get_inputs()
            if value.name.startswith("state_")
        }

    def __call__(self, inputs: Arrays) -> Arrays:
        return dict(zip(self.outputs, self.session.run(None, inputs), strict=True))

    def step(self, chunks: Iterator[Arrays], batch: int = 1) -> np.ndarray:
        """Step over chunks from zero states; the first output, joined."""
        states = {n: np.zeros((batch, *shape), np.float32) for n, shape in self.states.items()}
        joined = []
        for chunk in chunks:
            outputs = self(chunk | states)
            states = {name: outputs[f"next_{name}"] for name in states}
            joined.append(outputs[self.outputs[0]])
        return np.concatenate(joined, -1)


def cut(inputs: Arrays, sizes: Callable[[], int]) -> Iterator[Arrays]:
    """The inputs in consecutive chunks along time, of sizes() frames each."""
    at, end = 0, inputs["mask"].shape[-1]
    while at < end:
        size = min(sizes(), end - at)
        yield {name: value[..., at : at + size] for name, value in inputs.items()}
        at += size


def pad(inputs: Arrays, before: int, after: int) -> Arrays:
    """Zeros (so a mask of zeros) along time; inputs without time stay."""
    return {
        name: np.pad(value, [(0, 0)] * (value.ndim - 1) + [(before, after)])
        if value.ndim > 1
        else value
        for name, value in inputs.items()
    }


def eager(call: Callable[..., object], inputs: Arrays) -> tuple[np.ndarray, ...]:
    with torch.no_grad():
        result = call(*(torch.from_numpy(np.ascontiguousarray(v)) for v in inputs.values()))
    results = result if isinstance(result, tuple) else (result,)
    return tuple(tensor.numpy() for tensor in results)


def farthest(left: np.ndarray, right: np.ndarray) -> float:
    if left.shape != right.shape:
        raise ExportError(f"shapes {left.shape} and {right.shape} differ")
    return float(np.abs(left.astype(np.float64) - right).max())


def hold(what: str, value: float, bound: float) -> None:
    """Refuse what misses its bound."""
    if not value <= bound:
        raise ExportError(f"{what}: {value:.3g} is above {bound:.0e}")


def twice(inputs: Arrays, states: dict[str, tuple[int, ...]]) -> dict[str, Tensor]:
    """A batch of two with zero states, for tracing."""
    tensors = {name: torch.from_numpy(np.concatenate([v, v])) for name, v in inputs.items()}
    return tensors | {f"state_{name}": torch.zeros(2, *shape) for name, shape in states.items()}
