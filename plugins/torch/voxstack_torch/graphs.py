"""Capture a program of one shape as a CUDA graph, which is launched in one go."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

WARM_UPS = 3  # runs before the capture, in which libraries choose kernels and allocate workspaces


class Captured:
    """A captured program: inputs of the shapes of ``examples`` in, new tensors out.

    A graph reads and writes fixed memory, so that one call runs at a time.
    """

    def __init__(self, run: Callable[..., Sequence[Tensor]], examples: Sequence[Tensor]) -> None:
        self._run = run  # holds the parameters, which the graph reads
        self._inputs = list(examples)
        self._lock = threading.Lock()
        device = examples[0].device
        with torch.inference_mode(), torch.cuda.device(device):
            stream = torch.cuda.Stream(device)
            stream.wait_stream(torch.cuda.current_stream(device))
            with torch.cuda.stream(stream):
                for _ in range(WARM_UPS):
                    run(*self._inputs)
            torch.cuda.current_stream(device).wait_stream(stream)
            self._graph = torch.cuda.CUDAGraph()
            # Other networks are loaded by other threads meanwhile: only this one's calls count.
            with torch.cuda.graph(self._graph, capture_error_mode="thread_local"):
                made = run(*self._inputs)
        self._outputs = (made,) if isinstance(made, Tensor) else tuple(made)

    def __call__(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """Copy the inputs in, launch, and return copies of the outputs, all on the device."""
        for number, (fixed, given) in enumerate(zip(self._inputs, inputs, strict=True)):
            if fixed.shape != given.shape:  # copy_ would broadcast
                raise ValueError(
                    f"input {number} is {list(given.shape)}, captured as {list(fixed.shape)}"
                )
        with self._lock:
            for fixed, given in zip(self._inputs, inputs, strict=True):
                fixed.copy_(given)
            self._graph.replay()
            return tuple(value.clone() for value in self._outputs)
