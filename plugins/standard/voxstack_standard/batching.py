"""Batching: an executor that runs the calls of concurrent streams as one call of another."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any, final

from attrs import field, frozen
from attrs.validators import ge
from voxstack import Buckets, Executor, Network, Program, Session, Tensors
from voxstack.logs import get_logger

from .batching_gains import Gains, measured
from .batching_line import Call, Line
from .batching_tensors import Layout, Sizes

Array = Any
log = get_logger("batching")
_one_network = threading.Lock()  # those that load side by side would disturb what is measured


@frozen
class Batching(Executor):
    """Runs like calls of concurrent streams as one call of ``executor``, where that is faster.

    Whether it is, it measures when it loads a network, for a few sizes of calls; where batches
    do not gain, calls go straight to ``executor``. With small networks on a CPU this may be
    everywhere. A lone stream never waits, and what it makes is that of ``executor`` to the last
    bit; in a batch it is so within 1e-5.

    An executor with static shapes has a batch of 1 fixed: its programs are handed through.
    """

    executor: Executor = field()  # the one that runs the calls
    largest: int = field(default=16, validator=ge(1))  # calls that go together at most
    # milliseconds after which a call that waits for its turn runs by itself
    wait_ms: float = field(default=500.0, validator=ge(0.0))

    @executor.validator
    def _not_twice(self, attribute: object, value: Executor) -> None:
        if isinstance(value, Batching):
            raise ValueError("Batching is around this executor already")

    @property
    def formats(self) -> tuple[str, ...]:  # type: ignore[override]
        """The formats of the executor within."""
        return self.executor.formats

    @property
    def static(self) -> bool:  # type: ignore[override]
        """Whether the executor within has static shapes."""
        return self.executor.static

    @property
    def runtime(self) -> str | None:  # type: ignore[override]
        """The runtime of the executor within."""
        return self.executor.runtime

    @property
    def buckets(self) -> Buckets:
        """The fixed sizes of the executor within."""
        return getattr(self.executor, "buckets", Buckets())

    def available(self) -> str | None:
        """Say why the executor within cannot run here."""
        return self.executor.available()

    @classmethod
    def devices(cls) -> tuple[str, ...]:
        """None of its own: those of the executor within."""
        return ()

    def load(self, network: Network) -> Program:
        """Load on the executor within; what cannot be batched, or gains nothing, is its program."""
        layout = Layout(network)
        if self.static or network.dimensions or self.largest < 2 or not layout.batches:
            return self.executor.load(network)
        with _one_network:
            program = self.executor.load(network)
            gains = measured(program, layout, self.largest)
        log.info("batches measured", network=network.qualified_name, **gains.shown)
        if not gains.any:
            return program
        return _Batched(program, layout, gains, Line(self.wait_ms / 1000))


@final
class _Batched(Program):
    """A program whose callers stand in line, where that gains."""

    def __init__(self, inner: Program, layout: Layout, gains: Gains, line: Line) -> None:
        self.network, self.step, self.longest = inner.network, inner.step, inner.longest
        self.inner, self.layout, self.gains, self.line = inner, layout, gains, line

    def __call__(self, inputs: Mapping[str, Array]) -> Tensors:
        """Run the network on one stream's inputs."""
        if self.network.state:  # called bare, with its states: nobody's stream
            return self.inner(inputs)
        return self.run(self, inputs, self.layout.sizes(inputs))

    def session(self, constants: Mapping[str, Array]) -> Session:
        """Begin an utterance whose steps may go with those of others."""
        return _Stepping(self, constants)

    def stack(self, states: Sequence[Mapping[str, Array]]) -> Mapping[str, Array]:
        """Put states side by side, as the executor within keeps them."""
        return self.inner.stack(states)

    def unstack(self, state: Mapping[str, Array], count: int) -> list[Mapping[str, Array]]:
        """Take stacked states apart again."""
        return self.inner.unstack(state, count)

    def close(self) -> None:
        """Free what was loaded."""
        self.inner.close()

    def run(self, stream: Any, inputs: Mapping[str, Array], sizes: Sizes) -> Tensors:
        """Run a call of the program or of a session: at once, or in line."""
        choice = self.gains.of(sizes.get(self.layout.along, 1))
        if choice.batch > 1 and not self.line.enter(choice.lanes):
            return self.line.run(Call(stream, inputs, sizes, self.layout.like(sizes), choice))
        try:
            made: Tensors = stream.alone(inputs)
            return made
        finally:
            if choice.batch > 1:
                self.line.end()

    def alone(self, inputs: Mapping[str, Array]) -> Tensors:
        """Run a call by itself, as if nothing were in between."""
        return self.inner(inputs)

    def together(self, calls: Sequence[Call]) -> None:
        """Run calls of a network without state as one."""
        outputs = self.inner(self.layout.stacked([call.inputs for call in calls]))
        rows = self.layout.apart(outputs, [call.sizes for call in calls])
        for call, row in zip(calls, rows, strict=True):
            call.outputs = row


@final
class _Group:
    """Sessions that stepped together: their states stay stacked while they go on together."""

    def __init__(self, program: _Batched, members: Sequence[_Stepping]) -> None:
        self.program, self.count = program, len(members)
        constants = program.layout.stacked([member.constants for member in members])
        self.session = program.inner.session(constants)
        self.session.state = program.inner.stack([member.state for member in members])
        self._states: list[Mapping[str, Array]] | None = None  # taken apart

    def states(self) -> list[Mapping[str, Array]]:
        """Give each member's state; nobody steps a group that one has left."""
        states = self._states
        if states is None:  # if several leave at a time, each takes them apart: they are the same
            states = self._states = self.program.inner.unstack(self.session.state, self.count)
        return states

    def step(self, calls: Sequence[Call]) -> list[Tensors]:
        """Step all members; if that fails, or cannot be taken apart, the states stay."""
        layout, before = self.program.layout, self.session.state
        try:
            outputs = self.session.step(layout.stacked([call.inputs for call in calls]))
            rows = layout.apart(outputs, [call.sizes for call in calls])
        except BaseException:
            self.session.state = before
            raise
        self._states = None
        return rows


@final
class _Stepping(Session):
    """One stream's session: its own, and a place in the group that it last went with."""

    def __init__(self, program: _Batched, constants: Mapping[str, Array]) -> None:
        self.program: _Batched = program
        self.constants = dict(constants)
        self.sizes = program.layout.sizes(constants)
        self.own = program.inner.session(constants)
        self.group: _Group | None = None  # where its state is, if not in ``own``
        self.index = 0  # its place there

    @property
    def state(self) -> Mapping[str, Array]:
        """Where the session is, as the executor within keeps it."""
        return self.own.state if self.group is None else self.group.states()[self.index]

    @state.setter
    def state(self, state: Mapping[str, Array]) -> None:
        self.group, self.own.state = None, state

    def step(self, inputs: Mapping[str, Array]) -> Tensors:
        """Feed consecutive frames."""
        program = self.program
        return program.run(self, inputs, {**self.sizes, **program.layout.sizes(inputs)})

    def alone(self, inputs: Mapping[str, Array]) -> Tensors:
        """Step its own session, out of any group."""
        if self.group is not None:
            self.state = self.state
        return self.own.step(inputs)

    def together(self, calls: Sequence[Call]) -> None:
        """Step all sessions as one; if that fails every session is where it was."""
        calls = sorted(calls, key=lambda call: call.stream.index)  # as in their group
        members, group = [call.stream for call in calls], self.group
        if not group or group.count != len(calls) or any(m.group is not group for m in members):
            group = _Group(self.program, members)
        rows = group.step(calls)
        for index, (call, outputs) in enumerate(zip(calls, rows, strict=True)):
            call.stream.group, call.stream.index, call.outputs = group, index, outputs
