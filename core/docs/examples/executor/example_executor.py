"""An executor for voxstack: run networks on ONNX Runtime."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from attrs import field, frozen
from attrs.validators import ge
from voxstack import Executor, Network, Program, Tensors


@frozen
class ExampleRuntime(Executor):
    """Run ONNX networks on ONNX Runtime, on the CPU."""

    formats = ("onnx",)  # of the files that it takes, in order of preference
    runtime = "onnxruntime"  # the module that ``load`` imports; the host looks for it before

    threads: int = field(default=1, validator=ge(1))  # within a call

    def load(self, network: Network) -> Program:
        """Load one network; the host shares, locks, checks and times it."""
        os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
        import onnxruntime  # here, so that users of other executors do not wait for it

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self.threads
        # What the runtime raises is reported with executor, network and file.
        session = onnxruntime.InferenceSession(network.read("onnx"), options)
        return _Loaded(network, session)


class _Loaded(Program):
    """One network, loaded; many threads call it at once."""

    def __init__(self, network: Network, session: Any) -> None:
        self.network = network
        self._session = session
        # Exporters drop inputs that a network ignores.
        self._inputs = [declared.name for declared in session.get_inputs()]

    def __call__(self, inputs: Mapping[str, Any]) -> Tensors:
        """Return all declared outputs by name."""
        names = list(self.network.outputs)
        arrays = self._session.run(names, {name: inputs[name] for name in self._inputs})
        return Tensors(dict(zip(names, arrays, strict=True)))

    def close(self) -> None:
        """Free what was loaded; the host calls this when it closes."""
        self._session = None
