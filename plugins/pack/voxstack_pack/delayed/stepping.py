"""Stepping a delayed network over an utterance, to hold it against its whole form."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np
import onnx

from voxstack_pack.delayed.convert import Delayed

Arrays = Mapping[str, np.ndarray]
Run = Callable[[Arrays], Arrays]


def step(
    stepped: Delayed,
    run: Run,
    inputs: Arrays,
    sizes: Callable[[], int],
    time: str = "frames",
    tail: float = 0.0,
) -> dict[str, np.ndarray]:
    """The outputs of a whole utterance, stepped in chunks of sizes() frames by `run`.

    inputs: those of the whole form; `tail` fills them behind the end, where the mask is 0.
    """
    values = {value.name: value for value in stepped.model.graph.input}
    timed = [n for n, value in values.items() if time in _dims(value) and n not in stepped.state]
    frames = next(inputs[name].shape[-1] for name in timed if name in inputs)
    batch = next(iter(inputs.values())).shape[0]
    whole = {"mask": np.ones((batch, frames), np.float32), **inputs}
    fed = {}
    for name in values:
        if name in timed:
            fill = 0.0 if name == "mask" else tail
            margins = [(0, 0)] * (whole[name].ndim - 1) + [(0, stepped.delay)]
            fed[name] = np.pad(whole[name], margins, constant_values=fill)
        elif name not in stepped.state:
            fed[name] = whole[name]
    state = {}
    for name in stepped.state:
        dtype = onnx.helper.tensor_dtype_to_np_dtype(values[name].type.tensor_type.elem_type)
        state[name] = np.zeros([batch, *_dims(values[name])[1:]], dtype)
    parts: dict[str, list[np.ndarray]] = {}
    for start, end in _chunks(frames + stepped.delay, sizes):
        chunk = {n: v[..., start:end] if n in timed else v for n, v in fed.items()}
        outputs = dict(run({**chunk, **state}))
        state = {name: outputs.pop(after) for name, after in stepped.state.items()}
        for name, value in outputs.items():
            parts.setdefault(name, []).append(value)
    late = stepped.delay * stepped.frame_ratio
    return {name: np.concatenate(chunks, -1)[..., late:] for name, chunks in parts.items()}


def _chunks(frames: int, sizes: Callable[[], int]) -> Iterator[tuple[int, int]]:
    at = 0
    while at < frames:
        size = min(sizes(), frames - at)
        yield at, at + size
        at += size


def _dims(value: onnx.ValueInfoProto) -> list[str | int]:
    return [d.dim_param or d.dim_value for d in value.type.tensor_type.shape.dim]
