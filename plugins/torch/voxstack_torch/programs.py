"""Run exported programs on torch; imported when a network is loaded."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.export.passes import move_to_device_pass
from voxstack import FormatError, Network, NetworkError, Program, Session, Tensors

from voxstack_torch.archives import checked
from voxstack_torch.graphs import Captured

Run = Callable[..., Sequence[Tensor]]  # the inputs in the manifest's order -> the outputs in it
TRIED = (2, 8)  # batch and other sizes on which a network is compiled before its first call
LOADING = threading.Lock()  # torch reads one exported program at a time, and compiles one


def load(network: Network, device: str, compiled: bool) -> Program:
    """Load a network; one with fixed dimensions is captured on a GPU, or compiled for them."""
    with LOADING:
        return _loaded(network, device, compiled)


def _loaded(network: Network, device: str, compiled: bool) -> Program:
    module = exported(network, device)
    # A call of the module itself checks its inputs once more, at the price of the network's run.
    run: Run = module.forward
    fixed = bool(network.dimensions)
    if compiled:
        torch._dynamo.config.recompile_limit = max(32, torch._dynamo.config.recompile_limit)
        run = torch.compile(run, dynamic=not fixed, fullgraph=True)
    if fixed and device != "cpu":
        run = Captured(run, _zeros(network, device))
    elif compiled:
        _warm(run, network, device)
    return TorchProgram(network, run, device, module.state_dict().values())


def exported(network: Network, device: str) -> torch.nn.Module:
    """Return a network's program; NetworkError for one that is unsafe, or of another torch."""
    name = f"the network {network.qualified_name!r} ({network.files['pt2']})"
    try:
        archive = checked(network.read("pt2"))
    except FormatError as error:
        raise NetworkError(f"{name} is refused: {error}") from error
    try:
        program = torch.export.load(io.BytesIO(archive.packed()))
        if device != "cpu":
            program = move_to_device_pass(program, device)
        module = program.module(check_guards=False)  # the host has checked the inputs
    except Exception as error:  # of every kind: the format has no error of its own
        raise NetworkError(
            f"{name}, of torch {archive.version}, cannot be read by torch {torch.__version__}: "
            f"{type(error).__name__}: {error}; export it again with this torch, or install that one"
        ) from error
    return module.requires_grad_(False)


def _zeros(network: Network, device: str, batch: int = 1, size: int = 1) -> list[Tensor]:
    """Return zeros for all inputs; dimensions that vary have ``size``."""
    return [
        torch.zeros(
            [batch if d == "batch" else size if isinstance(d, str) else d for d in spec.shape],
            dtype=getattr(torch, spec.dtype),
            device=device,
        )
        for spec in network.inputs.values()
    ]


def _warm(run: Run, network: Network, device: str) -> None:
    """Compile before the first call; NetworkError if that fails."""
    try:
        with torch.inference_mode():
            for batch in (1,) if network.dimensions else (1, TRIED[0]):
                run(*_zeros(network, device, batch, TRIED[1]))
    except Exception as error:
        raise NetworkError(
            f"the network {network.qualified_name!r} cannot be compiled: {type(error).__name__}: "
            f'{error}; choose "mode": "eager"'
        ) from error


class TorchProgram(Program):
    """An exported program; many threads may call it."""

    def __init__(self, network: Network, run: Run, device: str, weights: Iterable[Tensor]) -> None:
        self.network = network
        self.device = torch.device(device)
        self._run: Any = run
        self._weights = {w.untyped_storage().data_ptr() for w in weights}

    def __call__(self, inputs: Mapping[str, Any]) -> Tensors:
        """Run it; return numpy arrays."""
        given = {name: self.tensor(inputs[name]) for name in self.network.inputs}
        made = self.run(given)
        return Tensors({name: self.array(value, given) for name, value in made.items()})

    def run(self, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Run it on tensors of its device; the outputs stay there."""
        with torch.inference_mode():
            made = self._run(*(inputs[name] for name in self.network.inputs))
            made = (made,) if isinstance(made, Tensor) else made
            return dict(zip(self.network.outputs, made, strict=True))

    def tensor(self, value: Any) -> Tensor:
        """Return an array as a tensor on the device; on the CPU it is not copied."""
        if isinstance(value, Tensor):
            return value
        # torch takes only what could be written to, though nothing here does.
        return torch.from_numpy(np.require(value, requirements="CW")).to(self.device)

    def array(self, value: Tensor, given: Mapping[str, Tensor]) -> np.ndarray[Any, Any]:
        """Return an output as an array; on the CPU it is copied only if others hold its memory."""
        held = {t.untyped_storage().data_ptr() for t in given.values()} | self._weights
        with torch.inference_mode():
            value = value.cpu().contiguous()
            if value.untyped_storage().data_ptr() in held:
                value = value.clone()
        return value.numpy()

    def session(self, constants: Mapping[str, Any]) -> Session:
        """Return a session for one utterance; its state and constants are tensors on the device."""
        return TorchSession(self, constants)

    def stack(self, states: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
        """Return states side by side, on the device."""
        with torch.inference_mode():
            return {n: torch.cat([self.tensor(s[n]) for s in states]) for n in states[0]}

    def unstack(self, state: Mapping[str, Any], count: int) -> list[Mapping[str, Any]]:
        """Return stacked states one by one, on the device."""
        with torch.inference_mode():
            rows = {n: self.tensor(value).split(1) for n, value in state.items()}
        return [{n: parts[i] for n, parts in rows.items()} for i in range(count)]

    def close(self) -> None:
        """Release the program; its memory is freed with it."""
        self._run = None


class TorchSession(Session):
    """A session whose state and constants stay on the device."""

    def __init__(self, program: TorchProgram, constants: Mapping[str, Any]) -> None:
        self.program: TorchProgram = program
        self.constants = {name: program.tensor(value) for name, value in constants.items()}
        initial = program.network.initial_state
        self.state = {name: program.tensor(value) for name, value in initial.items()}

    def step(self, inputs: Mapping[str, Any]) -> Tensors:
        """Run one step over consecutive frames; return numpy arrays, and keep the next states."""
        program = self.program
        state = {name: program.tensor(value) for name, value in self.state.items()}
        fed = {name: program.tensor(value) for name, value in inputs.items()}
        given = {**self.constants, **state, **fed}
        made = program.run(given)
        following = {name: made.pop(after) for name, after in program.network.state.items()}
        with torch.inference_mode():
            self.state = {name: _own(value) for name, value in following.items()}
        held = {**given, **self.state}
        return Tensors({name: program.array(value, held) for name, value in made.items()})


def _own(value: Tensor) -> Tensor:
    """Return a state with memory of its own: the end of a long tensor would keep all of it."""
    if value.untyped_storage().nbytes() == value.nbytes and value.is_contiguous():
        return value
    return value.clone(memory_format=torch.contiguous_format)
