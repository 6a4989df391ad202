"""Executors run a network on a hardware runtime.

An executor is configuration like every block: a frozen attrs class whose fields are its options.
It says which formats it takes and loads one network. Sharing, locking, input checks, windows,
states and fixed shapes are the host's work, so executors stay simple.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from importlib.util import find_spec
from typing import Any, ClassVar, final

from attrs import field, frozen

from voxstack.networks import Network
from voxstack.tensors import Array, Tensors


class Session:
    """A network with state on its way through one utterance.

    State and constants stay where the program keeps them. This class keeps arrays and calls the
    program; an executor with memory of its own returns its own session.
    """

    def __init__(self, program: Program, constants: Mapping[str, Array]) -> None:
        self.program = program
        self.constants = dict(constants)
        self.state: Mapping[str, Array] = program.network.initial_state

    def step(self, inputs: Mapping[str, Array]) -> Tensors:
        """Feed consecutive frames and return the outputs that are not state."""
        outputs = self.program({**self.constants, **self.state, **inputs})
        names = self.program.network.state
        self.state = {name: outputs.pop(after) for name, after in names.items()}
        return outputs


class WrappedSession(Session):
    """A session around another one, which keeps the state."""

    def __init__(self, inner: Session) -> None:
        self._inner = inner

    @property
    def state(self) -> Mapping[str, Array]:
        """Where the session is, as the executor keeps it."""
        return self._inner.state

    @state.setter
    def state(self, state: Mapping[str, Array]) -> None:
        self._inner.state = state


class Program(ABC):
    """A loaded network: ``program(inputs) -> outputs``; many threads may call it."""

    network: Network
    step: int | None = None  # frames that every step of a session has, if shapes are fixed
    longest: int | None = None  # frames that a window has at most, if shapes are fixed

    @abstractmethod
    def __call__(self, inputs: Mapping[str, Array]) -> Tensors:
        """Run the network on all its declared inputs and return all its outputs.

        Inputs may be read-only and must not be kept; outputs must not change with the next call.
        """

    def session(self, constants: Mapping[str, Array]) -> Session:
        """Begin an utterance with a network that has state; the states start as zeros.

        ``constants`` are the inputs that stay the same at every step.
        """
        return Session(self, constants)

    def stack(self, states: Sequence[Mapping[str, Array]]) -> Mapping[str, Array]:
        """Join the states of several sessions along the batch axis."""
        import numpy as np

        return {name: np.concatenate([np.asarray(s[name]) for s in states]) for name in states[0]}

    def unstack(self, state: Mapping[str, Array], count: int) -> list[Mapping[str, Array]]:
        """Split stacked states again."""
        import numpy as np

        return [{n: np.asarray(v)[i : i + 1] for n, v in state.items()} for i in range(count)]

    def close(self) -> None:  # noqa: B027 - most programs have nothing to free
        """Free what was loaded; called when the host closes."""


class Executor(ABC):
    """Runs networks on one hardware runtime.

    Subclasses are frozen attrs classes, hashable, so that equal executors share programs.
    """

    __slots__ = ()

    formats: ClassVar[tuple[str, ...]] = ("onnx",)  # in order of preference
    static: ClassVar[bool] = False  # every call of a loaded program must have the same shapes
    runtime: ClassVar[str | None] = None  # the module that ``load`` imports

    def available(self) -> str | None:
        """Probe cheaply; return the reason why this executor cannot run here, or None.

        The default looks for the module ``runtime``. A subclass looks for what its options ask
        for, such as a device; the host then takes the next executor that the configuration lists.
        """
        package = self.runtime and self.runtime.partition(".")[0]  # find_spec imports packages
        if package and find_spec(package) is None:
            return f"{self.runtime} is not installed: pip install {package}"
        return None

    @classmethod
    def devices(cls) -> tuple[str, ...]:
        """Return the devices found here, as its options take them.

        Only listings call this; it may import the runtime.
        """
        return ("cpu",)

    @abstractmethod
    def load(self, network: Network) -> Program:
        """Load ``network``; ``network.read(format)`` returns its verified bytes.

        For a static executor ``network.dimensions`` has the size of each named dimension, and
        every call has these shapes: the host pads and trims to sizes that it chooses, or to those
        of an option ``buckets: Buckets = Buckets()``.
        Import the runtime here, not at the top of the module. Called once per network and
        executor, under a lock; must not keep the state of an utterance.
        """


Given = Mapping[str, Iterable[int]] | Iterable[tuple[str, Iterable[int]]]


def _sorted(given: Given) -> tuple[Any, ...]:
    pairs = given.items() if isinstance(given, Mapping) else given
    return tuple(sorted((name, tuple(sorted(set(sizes)))) for name, sizes in pairs))


@final
@frozen
class Buckets:
    """Sizes of named dimensions, as the option ``buckets`` of a static executor.

    ``{"text": [64, 128, 256], "prosody.frames": [82, 146]}``: a dimension of every network, or of
    one. The host chooses sizes of dimensions that are left out. A network with state is fed the
    smallest size given for its frames at every step.
    """

    sizes: tuple[tuple[str, tuple[int, ...]], ...] = field(default=(), converter=_sorted)

    def __attrs_post_init__(self) -> None:
        for name, sizes in self.sizes:
            if not sizes or min(sizes) < 1:
                raise ValueError(f"{name!r}: sizes must be 1 or more, not {list(sizes)}")

    def of(self, network: str, dimension: str) -> tuple[int, ...]:
        """Return the sizes given for a dimension of a network, in order; often none."""
        given = dict(self.sizes)
        return given.get(f"{network}.{dimension}", given.get(dimension, ()))


@frozen(slots=False)  # of two bases only one may have slots
class Static(Executor):
    """The base, named first, that makes an executor a static one of another name.

    ``class AcmeStatic(Static, Acme)`` loads each network with every dimension fixed, for runtimes
    that compile one shape; ``network.dimensions`` has the sizes.
    """

    static = True

    buckets: Buckets = Buckets()  # sizes of named dimensions; the host chooses the others


@final
@frozen
class Placed:
    """The executors of a network: the first runs it, or the next if that cannot load it."""

    executors: tuple[Executor, ...]
    passed_over: tuple[str, ...] = ()  # preferred ones that cannot run here: "NAME: reason"
