"""Executors for PyTorch, and the network format of its exported programs."""

from __future__ import annotations

import os
import shutil
import sys
from importlib.util import find_spec
from typing import Literal

from attrs import field, frozen
from attrs.validators import ge, in_, matches_re, optional
from voxstack import Executor, Network, NetworkError, Program, Static

from voxstack_torch.formats import Pt2

__all__ = ["Pt2", "Torch", "TorchStatic"]


@frozen
class Torch(Executor):
    """Runs exported programs (`.pt2`) on PyTorch."""

    formats = ("pt2",)
    runtime = "torch"

    # "compiled": by TorchInductor, when a network is loaded; it needs a C++ compiler
    mode: Literal["eager", "compiled"] = field(
        default="eager", validator=in_(("eager", "compiled"))
    )
    # "cpu", "cuda", or one of several GPUs: "cuda:1"
    device: str = field(default="cpu", validator=matches_re(r"cpu|cuda(:\d+)?"))
    # within a call, for the whole process (the last network loaded decides); None leaves it alone
    threads: int | None = field(default=1, validator=optional(ge(1)))

    def available(self) -> str | None:
        """Look for torch, a GPU and a compiler; torch is imported only if the device is a GPU."""
        if reason := super().available():
            return reason
        if self.device != "cpu" and (reason := _without_gpu(self.device)):
            return reason
        if self.mode == "compiled":
            return _without_compiler(self.device)
        return None

    @classmethod
    def devices(cls) -> tuple[str, ...]:
        """Return the CPU and each GPU that torch finds."""
        if find_spec("torch") is None:
            return ()
        torch = _torch()
        return ("cpu", *(f"cuda:{i}" for i in range(torch.cuda.device_count())))

    def load(self, network: Network) -> Program:
        """Return a program; NetworkError for one that is unsafe or that this torch cannot read."""
        if reason := self.available():
            name = type(self).__name__
            raise NetworkError(f"{name} cannot load {network.qualified_name!r}: {reason}")
        torch = _torch()
        if self.threads is not None and torch.get_num_threads() != self.threads:
            torch.set_num_threads(self.threads)
        from voxstack_torch.programs import load

        try:
            return load(network, self.device, compiled=self.mode == "compiled")
        except NetworkError as error:
            raise NetworkError(f"{type(self).__name__}: {error.message}") from error


@frozen
class TorchStatic(Static, Torch):
    """PyTorch with every dimension fixed when a network is loaded.

    On a GPU each shape is captured once as a CUDA graph, and a call launches it in one go. On the
    CPU it shows how the host splits, pads and trims; Torch is faster there.
    """


def _torch():  # type: ignore[no-untyped-def]
    # GNU OpenMP's threads would wait by spinning, and take the core from the next network.
    os.environ.setdefault("GOMP_SPINCOUNT", "0")
    import torch

    return torch


def _without_gpu(device: str) -> str | None:
    """Return why ``device`` is not there, or None if it is."""
    count = _torch().cuda.device_count()
    wanted = int(device.partition(":")[2] or 0)
    if wanted < count:
        return None
    found = f"{count} of them" if count else "none"
    return f'torch finds no GPU {device!r} ({found}); "device": "cpu" runs everywhere'


def _without_compiler(device: str) -> str | None:
    """Return what "compiled" lacks, or None."""
    names = [os.environ["CXX"]] if os.environ.get("CXX") else ["g++", "clang++"]
    if sys.platform == "win32" and not os.environ.get("CXX"):
        names = ["cl"]
    if not any(map(shutil.which, names)):
        return (
            f'"mode": "compiled" needs a C++ compiler, and there is no {" or ".join(names)}: '
            'install one, set CXX, or choose "mode": "eager"'
        )
    if device != "cpu" and find_spec("triton") is None:
        return '"mode": "compiled" on a GPU needs triton: pip install triton'
    return None
