"""Measure the cost of streaming a convolutional network in chunks, with kept inputs or windows.

    pip install torch ./plugins/pack
    python tests/benchmarks/delayed.py [--chunk 32] [--json]

Vocoders of two kinds with random weights are converted as ``voxstack addon pack`` does. Each is run
in one piece, stepped in delayed-state form, in windows with context, and in bare pieces without
context: no streaming can be faster than the latter, which are wrong at every edge. Everything runs
on ONNX Runtime with one thread, alternating; ratios to one piece, medians.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable
from typing import Any

os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import numpy as np
import onnxruntime
import torch
from torch import Tensor, nn
from torch.nn import functional
from voxstack.cli import print_table
from voxstack_pack.delayed import delayed
from voxstack_pack.graphs import export

FRAMES, MELS, ROUNDS = 512, 80, 9
Run = Callable[[], np.ndarray]


class Resblock(nn.Module):
    """A residual block of HiFi-GAN (Kong et al. 2020), with dilations 1, 3 and 5."""

    def __init__(self, width: int, kernel: int) -> None:
        super().__init__()
        self.wide = nn.ModuleList(
            nn.Conv1d(width, width, kernel, dilation=d, padding="same") for d in (1, 3, 5)
        )
        self.plain = nn.ModuleList(nn.Conv1d(width, width, kernel, padding="same") for _ in "123")

    def forward(self, x: Tensor) -> Tensor:
        for wide, plain in zip(self.wide, self.plain, strict=True):
            x = x + plain(functional.leaky_relu(wide(functional.leaky_relu(x, 0.1)), 0.1))
        return x


class HifiGan(nn.Module):
    """The generator of HiFi-GAN v2."""

    def __init__(self, rates: tuple[int, ...] = (5, 5, 4, 2), width: int = 128) -> None:
        super().__init__()
        self.enter = nn.Conv1d(MELS, width, 7, padding=3)
        self.ups, self.blocks = nn.ModuleList(), nn.ModuleList()
        for rate in rates:
            width //= 2
            kernel = 2 * rate + rate % 2
            padding = (kernel - rate) // 2
            self.ups.append(nn.ConvTranspose1d(2 * width, width, kernel, rate, padding))
            self.blocks.append(nn.ModuleList(Resblock(width, kernel) for kernel in (3, 7, 11)))
        self.leave = nn.Conv1d(width, 1, 7, padding=3)

    def forward(self, mel: Tensor) -> Tensor:
        x = self.enter(mel)
        for up, blocks in zip(self.ups, self.blocks, strict=True):
            x = up(functional.leaky_relu(x, 0.1))
            first, *others = (block(x) for block in blocks)
            x = sum(others, first) / len(blocks)
        return torch.tanh(self.leave(functional.leaky_relu(x))).squeeze(1)


class Vocos(nn.Module):
    """The ConvNeXt stack of Vocos (Siuzdak 2023), up to the coefficients of its spectra."""

    def __init__(self, width: int = 384, blocks: int = 8) -> None:
        super().__init__()
        self.enter = nn.Conv1d(MELS, width, 7, padding=3)
        self.depthwise = nn.ModuleList(
            nn.Conv1d(width, width, 7, padding=3, groups=width) for _ in range(blocks)
        )
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(blocks))
        self.expand = nn.ModuleList(nn.Linear(width, 3 * width) for _ in range(blocks))
        self.contract = nn.ModuleList(nn.Linear(3 * width, width) for _ in range(blocks))
        self.leave = nn.Linear(width, 514)

    def forward(self, mel: Tensor) -> Tensor:
        x = self.enter(mel)
        parts = (self.depthwise, self.norms, self.expand, self.contract)
        for depthwise, norm, expand, contract in zip(*parts, strict=True):
            hidden = functional.gelu(expand(norm(depthwise(x).transpose(1, 2))))
            x = x + 0.3 * contract(hidden).transpose(1, 2)
        return self.leave(x.transpose(1, 2)).transpose(1, 2)


def session(model: Any) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(model.SerializeToString(), options)


def measured(name: str, module: nn.Module, chunk: int) -> dict[str, Any]:
    torch.manual_seed(0)
    model = export(module.eval(), {"mel": torch.randn(2, MELS, 50)}, {"audio": "samples"}, "frames")
    made = delayed(model)
    bare, stepped = session(model), session(made.model)
    mel = np.random.default_rng(0).standard_normal((1, MELS, FRAMES)).astype(np.float32)
    padded = np.pad(mel, [(0, 0), (0, 0), (0, made.delay)])
    mask = np.pad(np.ones((1, FRAMES), np.float32), [(0, 0), (0, made.delay)])
    zeros = {i.name: np.zeros([1, *i.shape[1:]], np.float32) for i in stepped.get_inputs()[2:]}
    names = [output.name for output in stepped.get_outputs()]
    ratio = made.frame_ratio

    def piece(start: int, end: int) -> np.ndarray:
        return bare.run(None, {"mel": mel[..., max(0, start) : end]})[0]

    def in_steps() -> np.ndarray:
        states, parts = zeros, []
        for at in range(0, FRAMES + made.delay, chunk):
            feed = {"mel": padded[..., at : at + chunk], "mask": mask[..., at : at + chunk]}
            outputs = dict(zip(names, stepped.run(None, {**feed, **states}), strict=True))
            states = {state: outputs[after] for state, after in made.state.items()}
            parts.append(outputs["audio"])
        return np.concatenate(parts, -1)[..., made.delay * ratio :]

    def in_windows(context: int) -> np.ndarray:
        parts = []
        for at in range(0, FRAMES, chunk):
            window = piece(at - context, min(at + chunk, FRAMES) + context)
            skip = min(context, at) * ratio
            parts.append(window[..., skip : skip + chunk * ratio])
        return np.concatenate(parts, -1)[..., : FRAMES * ratio]

    ways: dict[str, Run] = {
        "whole": lambda: piece(0, FRAMES),
        "delayed": in_steps,
        "windows": lambda: in_windows(made.delay),  # look-back and look-ahead are equal here
        "bare pieces": lambda: in_windows(0),
    }
    whole = ways["whole"]()
    times: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(ROUNDS):
        for way, run in ways.items():
            began = time.perf_counter()
            run()
            times[way].append(time.perf_counter() - began)
    medians = {way: statistics.median(found) for way, found in times.items()}
    return {
        "network": name,
        "chunk": chunk,
        "delay": made.delay,
        "nodes": f"{len(model.graph.node)} -> {len(made.model.graph.node)}",
        "whole_ms": round(medians["whole"] * 1e3, 1),
        **{way: round(medians[way] / medians["whole"], 3) for way in list(ways)[1:]},
        "difference": float(np.abs(in_steps() - whole).max()),
        "windows_difference": float(np.abs(ways["windows"]() - whole).max()),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--chunk", type=int, default=32, help="frames")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    networks = {"HiFi-GAN v2, hop 200": HifiGan(), "Vocos-like, 384 wide": Vocos()}
    rows = [measured(name, module, arguments.chunk) for name, module in networks.items()]
    if arguments.json:
        print(json.dumps(rows, indent=2))
    else:
        print_table(tuple(rows[0]), [list(row.values()) for row in rows], "nothing measured")


if __name__ == "__main__":
    main()
