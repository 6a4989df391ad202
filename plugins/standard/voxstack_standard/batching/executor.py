"""The executor Batching."""

from __future__ import annotations

import threading

from attrs import field, frozen
from attrs.validators import ge
from voxstack import Buckets, Executor, Network, Program
from voxstack.logs import get_logger

from .gains import measured
from .layout import Layout
from .line import Line
from .programs import BatchedProgram

log = get_logger("batching")
_one_network = threading.Lock()  # networks that load side by side would disturb the measurement


@frozen
class Batching(Executor):
    """Runs similar calls of concurrent streams as one call of ``executor``, where that is faster.

    It measures this when a network is loaded, for a few sizes of calls; where batches do not gain,
    calls go straight to ``executor``. With small networks on a CPU this may be everywhere. A
    single stream never waits, and its outputs are those of ``executor`` to the last bit; in a
    batch they are within 1e-5.

    An executor with static shapes has a fixed batch of 1: its programs are returned unchanged.
    """

    executor: Executor = field()  # the one that runs the calls
    largest: int = field(default=16, validator=ge(1))  # calls in a batch at most
    # milliseconds after which a call that waits for its turn runs by itself
    wait_ms: float = field(default=500.0, validator=ge(0.0))

    @executor.validator
    def _not_twice(self, attribute: object, value: Executor) -> None:
        if isinstance(value, Batching):
            raise ValueError("Batching inside Batching; name the executor that runs the networks")

    @property
    def formats(self) -> tuple[str, ...]:  # type: ignore[override]
        """The formats of the inner executor."""
        return self.executor.formats

    @property
    def static(self) -> bool:  # type: ignore[override]
        """Whether the inner executor has static shapes."""
        return self.executor.static

    @property
    def runtime(self) -> str | None:  # type: ignore[override]
        """The runtime of the inner executor."""
        return self.executor.runtime

    @property
    def buckets(self) -> Buckets:
        """The fixed sizes of the inner executor."""
        return getattr(self.executor, "buckets", Buckets())

    def available(self) -> str | None:
        """Return why the inner executor cannot run here, or None if it can."""
        return self.executor.available()

    @classmethod
    def devices(cls) -> tuple[str, ...]:
        """Return none: the devices are those of the inner executor."""
        return ()

    def load(self, network: Network) -> Program:
        """Load on the inner executor; its own program is returned if batches do not gain."""
        layout = Layout(network)
        if self.static or network.dimensions or self.largest < 2 or not layout.batches:
            return self.executor.load(network)
        with _one_network:
            program = self.executor.load(network)
            gains = measured(program, layout, self.largest)
        log.info("batches measured", network=network.qualified_name, **gains.shown)
        if not gains.any:
            return program
        return BatchedProgram(program, layout, gains, Line(self.wait_ms / 1000))
