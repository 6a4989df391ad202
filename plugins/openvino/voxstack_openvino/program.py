"""A network compiled by OpenVINO."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any

import numpy as np
from voxstack import Network, NetworkError, Program, Tensors


class CompiledProgram(Program):
    """A compiled model and its requests, each of which one thread at a time runs."""

    def __init__(self, network: Network, compiled: Any, tensor: Any) -> None:
        self.network = network
        self._compiled: Any = compiled
        self._tensor = tensor
        self._requests: deque[Any] = deque()  # idle ones
        # Exporters drop inputs that a network does not use.
        self._inputs = [_name(port, network.inputs) for port in compiled.inputs]
        self._open = [
            (i, axis, dimension)
            for i, name in enumerate(self._inputs)
            if name in network.inputs
            for axis, dimension in enumerate(network.inputs[name].shape)
            if isinstance(dimension, str)
        ]
        # An output may have several names, and is listed once per place that it goes to.
        places = {name: i for i, port in enumerate(compiled.outputs) for name in port.names}
        missing = [name for name in network.outputs if name not in places]
        if missing:
            raise NetworkError(
                f"the network {network.qualified_name!r} declares outputs that its graph does not "
                f"have: {', '.join(missing)}; it has: {', '.join(sorted(places))}"
            )
        self._outputs = [(name, places[name]) for name in network.outputs]

    def __call__(self, inputs: Mapping[str, Any]) -> Tensors:
        """Run an idle request, or a new one."""
        compiled = self._compiled
        if compiled is None:
            raise NetworkError(f"the network {self.network.qualified_name!r} was closed")
        try:
            request = self._requests.pop()
        except IndexError:
            request = compiled.create_infer_request()
        # Arrays are lent, not copied. OpenVINO takes none that is read-only or has gaps, and keeps
        # none alive: a copy made for it must live until the request has run.
        lent = [np.require(inputs[name], requirements="CW") for name in self._inputs]
        self._check(lent)
        for name, array in zip(self._inputs, lent, strict=True):
            request.set_tensor(name, self._tensor(array, shared_memory=True))
        request.infer()  # one that fails is dropped: its state is unknown
        # The next call overwrites what the request made: return copies.
        outputs = Tensors(
            {name: np.array(request.get_output_tensor(i).data) for name, i in self._outputs}
        )
        if self._compiled is not None:
            self._requests.append(request)
        return outputs

    def _check(self, arrays: list[Any]) -> None:
        """Refuse inputs that disagree about a dimension; OpenVINO would read beyond their ends.

        The host compares each input with its declaration, and not with the other inputs.
        """
        sizes: dict[str, tuple[int, str]] = {}
        for i, axis, dimension in self._open:
            size, name = arrays[i].shape[axis], self._inputs[i]
            there, first = sizes.setdefault(dimension, (size, name))
            if size != there:
                raise NetworkError(
                    f"the network {self.network.qualified_name!r} cannot run: its input "
                    f"{name!r} has {size} {dimension}, and {first!r} has {there}"
                )

    def close(self) -> None:
        """Release the model and its requests; their memory is freed with them."""
        self._compiled = None
        self._requests.clear()


def _name(port: Any, declared: Mapping[str, Any]) -> str:
    return next((name for name in port.names if name in declared), port.any_name)
