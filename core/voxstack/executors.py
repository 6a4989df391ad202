"""Executors bring a network to a hardware runtime.

An executor is configuration like any block: a frozen attrs class whose fields are its options.
It says which formats it takes and loads one network; sharing, locking, checking inputs, windows,
states and fixed shapes are the host's work, so that executors stay dumb.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import ClassVar

from attrs import frozen

from voxstack.buckets import Buckets
from voxstack.networks import Network
from voxstack.tensors import Array, Tensors


class Session:
    """A network with state on its way through one utterance.

    State and constants stay where the program keeps them. This one keeps arrays and calls the
    program; an executor with memory of its own gives its own session.
    """

    def __init__(self, program: Program, constants: Mapping[str, Array]) -> None:
        self.program = program
        self.constants = dict(constants)
        self.state: Mapping[str, Array] = program.network.initial_state

    def step(self, inputs: Mapping[str, Array]) -> Tensors:
        """Feed consecutive frames and give the outputs that are not state."""
        outputs = self.program({**self.constants, **self.state, **inputs})
        names = self.program.network.state
        self.state = {name: outputs.pop(after) for name, after in names.items()}
        return outputs


class Program(ABC):
    """A network that is loaded: ``program(inputs) -> outputs``; many threads may call it."""

    network: Network
    step: int | None = None  # frames that every step of a session must have, where shapes are fixed
    longest: int | None = None  # frames that a window has at most, where shapes are fixed

    @abstractmethod
    def __call__(self, inputs: Mapping[str, Array]) -> Tensors:
        """Run the network on all its declared inputs and give all its outputs.

        Inputs may be read-only, and are not to be kept; outputs must stay what they are after the
        next call.
        """

    def session(self, constants: Mapping[str, Array]) -> Session:
        """Begin an utterance with a network that has state; the states start as zeros.

        ``constants`` are the inputs that stay the same at every step.
        """
        return Session(self, constants)

    def stack(self, states: Sequence[Mapping[str, Array]]) -> Mapping[str, Array]:
        """Put the states of several sessions side by side along the batch axis."""
        import numpy as np

        return {name: np.concatenate([np.asarray(s[name]) for s in states]) for name in states[0]}

    def unstack(self, state: Mapping[str, Array], count: int) -> list[Mapping[str, Array]]:
        """Take stacked states apart again."""
        import numpy as np

        return [{n: np.asarray(v)[i : i + 1] for n, v in state.items()} for i in range(count)]

    def close(self) -> None:  # noqa: B027 - nothing to free is the ordinary case
        """Free what was loaded; the host calls this when it closes."""


class Executor(ABC):
    """Brings networks to one hardware runtime.

    Subclasses are frozen attrs classes, hashable, so that equal executors share programs.
    """

    __slots__ = ()

    formats: ClassVar[tuple[str, ...]] = ("onnx",)  # in order of preference
    static: ClassVar[bool] = False  # every call of a loaded program must have the same shapes
    runtime: ClassVar[str | None] = None  # the module that ``load`` imports, called as pip does

    def available(self) -> str | None:
        """Return why this executor cannot run here, or None if it can.

        Looks for the module ``runtime``, without importing it. An executor whose options ask for
        more, such as a device, looks for that too, cheaply; if there is a reason, the host takes
        the next executor that the configuration names.
        """
        package = self.runtime and self.runtime.partition(".")[0]  # find_spec imports the package
        if package and find_spec(package) is None:
            return f"{self.runtime} is not installed: pip install {package}"
        return None

    @classmethod
    def devices(cls) -> tuple[str, ...]:
        """Name the devices that it finds here, as its options take them.

        For listings alone: it may import the runtime.
        """
        return ("cpu",)

    @abstractmethod
    def load(self, network: Network) -> Program:
        """Load ``network``; ``network.read(format)`` gives its verified bytes.

        For a static executor ``network.dimensions`` says what each named dimension is fixed to,
        and every call has those shapes: the host pads and trims, to sizes that it chooses, or to
        those of an option ``buckets: Buckets = Buckets()``.
        Import the runtime here, not at the top of the module. Called once for each network and
        executor, under a lock; must not keep utterance state.
        """


@frozen(slots=False)  # of two bases only one may have slots
class Static(Executor):
    """The base, named first, that makes an executor a static one of another name.

    ``class AcmeStatic(Static, Acme)`` loads each network with every dimension fixed, for runtimes
    that compile one shape; ``network.dimensions`` has the sizes.
    """

    static = True

    buckets: Buckets = Buckets()  # sizes of named dimensions; what is left out the host chooses
