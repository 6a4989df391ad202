"""Executors for OpenVINO: Intel CPUs, GPUs and NPUs."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any, Literal

from attrs import field, frozen
from attrs.validators import ge, in_, min_len
from voxstack import Executor, Network, NetworkError, PluginError, Program, Static

__all__ = ["OpenVino", "OpenVinoStatic"]

PRECISIONS = ("f32", "f16", "bf16")


@frozen
class OpenVino(Executor):
    """Runs ONNX networks on OpenVINO."""

    formats = ("onnx",)
    runtime = "openvino"

    # as OpenVINO names it: "CPU", "GPU", "GPU.1", "AUTO", "AUTO:GPU,CPU"
    device: str = field(default="CPU", validator=min_len(1))
    threads: int = field(default=1, validator=ge(1))  # on the CPU, within a call
    # what a device computes in, where it lets one choose; f32 gives what other runtimes give
    precision: Literal["f32", "f16", "bf16"] = field(default="f32", validator=in_(PRECISIONS))
    cache: str | None = None  # a folder that keeps compiled networks for the next start

    def available(self) -> str | None:
        """Look for the package; for a device other than the CPU, ask OpenVINO."""
        if reason := super().available():
            return reason
        mode, _, named = self.device.partition(":")
        if self.device in ("CPU", "AUTO") or (mode == "AUTO" and "CPU" in named.split(",")):
            return None
        there = self.devices()
        if _found(self.device, there):
            return None
        return f"OpenVINO finds no {self.device} here; it finds: {', '.join(there) or 'nothing'}"

    @classmethod
    def devices(cls) -> tuple[str, ...]:
        """Return the devices that OpenVINO finds here: "CPU", "GPU.0", "NPU"."""
        if find_spec("openvino") is None:
            return ()
        return tuple(_core().available_devices)

    def load(self, network: Network) -> Program:
        """Return a compiled network; PluginError for a device that is not there."""
        from voxstack_openvino.program import CompiledProgram
        from voxstack_openvino.quiet import import_openvino

        reason = self.available()
        if reason is not None:
            raise PluginError(reason)
        core = _core()
        model = core.read_model(network.read("onnx"))
        if network.dimensions:
            _fix(model, network)
        compiled = core.compile_model(model, self.device, self._settings(core))
        return CompiledProgram(network, compiled, import_openvino().Tensor)

    def _settings(self, core: Any) -> dict[str, Any]:
        """Return the settings that the device knows; it refuses any other."""
        settings = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": self.precision,
            "INFERENCE_NUM_THREADS": self.threads,
            "NUM_STREAMS": "1",
            # The operating system shares cores out: pinned, two programs may wait for one.
            "ENABLE_CPU_PINNING": False,
        }
        known = core.get_property(self.device.partition(":")[0], "SUPPORTED_PROPERTIES")
        settings = {name: value for name, value in settings.items() if name in known}
        return settings | ({"CACHE_DIR": self.cache} if self.cache else {})


@frozen
class OpenVinoStatic(Static, OpenVino):
    """OpenVINO with every dimension fixed when a network is loaded, which NPUs require."""


def _core() -> Any:
    """Return a Core, which is cheap: the devices behind it are shared in the process."""
    from voxstack_openvino.quiet import import_openvino

    return import_openvino().Core()


def _found(device: str, there: tuple[str, ...]) -> bool:
    """Return whether ``there`` has what ``device`` names: all of HETERO, one of AUTO and MULTI."""
    mode, _, named = device.partition(":")
    if mode not in ("AUTO", "HETERO", "MULTI", "BATCH"):
        named = device
    wanted = [n for n in (n.partition("(")[0] for n in named.split(",")) if n[:1] not in ("", "-")]
    found = [any(t == n or t.startswith(f"{n}.") for t in there) for n in wanted]
    return (all if mode == "HETERO" else any)(found) if found else bool(there)


def _fix(model: Any, network: Network) -> None:
    """Fix the dimensions of ``model``; the sizes of its outputs follow."""
    shapes = {}
    for port in model.inputs:
        name = next((n for n in port.names if n in network.inputs), None)
        if name is None:
            raise NetworkError(
                f"the graph of the network {network.qualified_name!r} has an input "
                f"{port.any_name!r} that its manifest does not declare"
            )
        shape = network.inputs[name].shape
        open_ = [d for d in shape if isinstance(d, str)]
        if open_:
            raise NetworkError(
                f"the input {name!r} of the network {network.qualified_name!r} has no size for "
                f"{', '.join(open_)}; fixed are: {', '.join(network.dimensions)}"
            )
        shapes[port] = list(shape)
    model.reshape(shapes)
