"""Running what was exported: programs, example inputs, and the bounds they are held to."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import models
import numpy as np
import onnx
import onnxruntime
import torch
from common import SPEAKERS, SYMBOLS, Arrays, ExportError
from torch import Tensor


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
    print(f"  {what}: {value:.1e} (bound {bound:.0e})")
    if not value <= bound:
        raise ExportError(f"{what}: {value:.3g} is above {bound:.0e}")


# -- example inputs --------------------------------------------------------------------------------


def text_inputs(length: int, batch: int = 1, seed: int = 0) -> Arrays:
    """Random words between start and end."""
    rng = np.random.default_rng(seed)
    ids = rng.integers(3, len(SYMBOLS["phone"]), (batch, length))
    ids[:, 0], ids[:, -1] = 1, 2
    return {
        "ids": ids,
        "stress": rng.integers(0, 2, (batch, length)),
        "word_position": rng.integers(0, 5, (batch, length)),
        "function_word": rng.integers(0, 2, (batch, length)),
        "question": rng.integers(0, 2, batch),
        "speaker": rng.integers(0, len(SPEAKERS), batch),
        "mask": np.ones((batch, length), np.float32),
    }


def upsample(encodings: np.ndarray, durations: np.ndarray) -> Arrays:
    """What the Upsampler of the host makes, for batch 1."""
    whole = np.maximum(np.round(durations[0]), 1).astype(int)
    symbol = np.repeat(np.arange(len(whole)), whole)
    starts = np.cumsum(whole) - whole
    return {
        "encodings": encodings[..., symbol],
        "elapsed": (np.arange(len(symbol)) - starts[symbol] + 0.5).astype(np.float32)[None],
        "duration": whole[symbol].astype(np.float32)[None],
        "mask": np.ones((1, len(symbol)), np.float32),
    }


def phases(f0: np.ndarray) -> np.ndarray:
    """The phase at the first sample of each frame, in cycles: what the host's Phase makes."""
    f0 = f0.astype(np.float64)
    change = np.diff(f0, axis=-1)
    hop = models.HOP
    cycles = (f0[..., :-1] * hop + change * (hop - 1) / 2) / models.SAMPLE_RATE
    total = np.concatenate([np.zeros_like(f0[..., :1]), np.cumsum(cycles, -1)], -1)
    return (total % 1).astype(np.float32)


class Utterance:
    """Example inputs of the networks at frame rate, made by our own modules."""

    def __init__(
        self,
        text_encoder: models.TextEncoder,
        prosody: models.Prosody,
        decoder: models.Decoder,
        symbols: int,
        seed: int,
    ) -> None:
        self.text = text_inputs(symbols, seed=seed)
        encodings, durations = eager(text_encoder, self.text)
        self.frames = upsample(encodings, durations)
        f0, voicing = eager(prosody, self.frames)
        mask = self.frames["mask"]
        voiced = (voicing > 0).astype(np.float32)
        upsampled = {name: v for name, v in self.frames.items() if name != "mask"}
        self.decoder = upsampled | {"f0": f0, "voiced": voiced, "mask": mask}
        (mel,) = eager(decoder.whole, self.decoder)
        noise = np.random.default_rng(seed).standard_normal((1, models.HOP, mask.shape[-1]))
        self.vocoder = {
            "mel": mel,
            "f0": f0,
            "voiced": voiced,
            "phase": phases(f0),
            "noise": noise.astype(np.float32),
            "mask": mask,
        }


def twice(inputs: Arrays, states: dict[str, tuple[int, ...]]) -> dict[str, Tensor]:
    """A batch of two with zero states, for tracing."""
    tensors = {name: torch.from_numpy(np.concatenate([v, v])) for name, v in inputs.items()}
    return tensors | {f"state_{name}": torch.zeros(2, *shape) for name, shape in states.items()}
