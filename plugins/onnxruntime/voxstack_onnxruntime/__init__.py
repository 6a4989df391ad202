"""Executors for ONNX Runtime."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from attrs import field, frozen
from attrs.validators import ge, min_len
from voxstack import Executor, Network, PluginError, Program, Static, Tensors

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

__all__ = ["OnnxRuntime", "OnnxRuntimeStatic"]

ERRORS_ONLY = 3  # ONNX Runtime's log severity
EXTERNAL_DATA = "session.model_external_initializers_file_folder_path"


@frozen
class OnnxRuntime(Executor):
    """Runs ONNX networks on ONNX Runtime."""

    formats = ("onnx",)
    runtime = "onnxruntime"

    threads: int = field(default=1, validator=ge(1))  # within a call; 1 is fastest for chunks
    # execution providers in order of preference
    providers: tuple[str, ...] = field(default=("CPUExecutionProvider",), validator=min_len(1))

    @classmethod
    def devices(cls) -> tuple[str, ...]:
        """Return the execution providers that this build of onnxruntime has."""
        import onnxruntime

        return tuple(onnxruntime.get_available_providers())

    def load(self, network: Network) -> Program:
        """Return a session as a program; PluginError for a provider that this build lacks."""
        # From 1.29 on, official builds for Linux send telemetry unless this is set beforehand.
        os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
        import onnxruntime

        onnxruntime.disable_telemetry_events()
        there = onnxruntime.get_available_providers()
        for provider in self.providers:
            if provider not in there:
                raise PluginError(
                    f"this onnxruntime has no {provider!r}; it has: {', '.join(there)} (name one, "
                    "or install a build that has it)"
                )
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self.threads
        options.inter_op_num_threads = 1
        options.log_severity_level = ERRORS_ONLY
        # A thread that waits by spinning takes the core from the next network.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        # A second wall: the format already refuses parameters in other files. Not a folder.
        options.add_session_config_entry(EXTERNAL_DATA, os.devnull)
        for dimension, size in network.dimensions.items():
            options.add_free_dimension_override_by_name(dimension, size)
        session = onnxruntime.InferenceSession(
            network.read("onnx"), options, providers=list(self.providers)
        )
        return _Program(network, session)


@frozen
class OnnxRuntimeStatic(Static, OnnxRuntime):
    """ONNX Runtime with every dimension fixed when a network is loaded.

    For providers that compile one shape (NPUs, TensorRT). On the CPU it shows how the host splits,
    pads and trims, and is slower than OnnxRuntime.
    """


class _Program(Program):
    """An inference session; ONNX Runtime lets many threads run it at once."""

    def __init__(self, network: Network, session: InferenceSession) -> None:
        self.network = network
        self._session: Any = session
        self._outputs = [output.name for output in session.get_outputs()]
        # Exporters drop inputs that a network does not use.
        self._inputs = [i.name for i in session.get_inputs()]

    def __call__(self, inputs: Mapping[str, Any]) -> Tensors:
        """Run the session."""
        feed = {name: inputs[name] for name in self._inputs}
        return Tensors(
            dict(zip(self._outputs, self._session.run(self._outputs, feed), strict=True))
        )

    def close(self) -> None:
        """Release the session; its memory is freed with it."""
        self._session = None
