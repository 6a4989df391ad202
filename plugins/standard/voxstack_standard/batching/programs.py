"""Programs and sessions whose calls may run in batches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, final

from voxstack import Program, Session, Tensors

from .gains import Gains
from .layout import Layout, Sizes
from .line import Call, Line

Array = Any


@final
class BatchedProgram(Program):
    """A program whose callers wait in line, where that gains."""

    def __init__(self, inner: Program, layout: Layout, gains: Gains, line: Line) -> None:
        self.network, self.step, self.longest = inner.network, inner.step, inner.longest
        self.inner, self.layout, self.gains, self.line = inner, layout, gains, line

    def __call__(self, inputs: Mapping[str, Array]) -> Tensors:
        """Run the network on one stream's inputs."""
        if self.network.state:  # called without a session, with its states
            return self.inner(inputs)
        return self.run(self, inputs, self.layout.sizes(inputs))

    def session(self, constants: Mapping[str, Array]) -> Session:
        """Return a session whose steps may be batched with those of others."""
        return BatchedSession(self, constants)

    def stack(self, states: Sequence[Mapping[str, Array]]) -> Mapping[str, Array]:
        """Return states side by side, as the inner executor keeps them."""
        return self.inner.stack(states)

    def unstack(self, state: Mapping[str, Array], count: int) -> list[Mapping[str, Array]]:
        """Return stacked states one by one."""
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
        """Run a call by itself, on the inner program."""
        return self.inner(inputs)

    def together(self, calls: Sequence[Call]) -> None:
        """Run calls of a network without state as one."""
        outputs = self.inner(self.layout.stacked([call.inputs for call in calls]))
        rows = self.layout.apart(outputs, [call.sizes for call in calls])
        for call, row in zip(calls, rows, strict=True):
            call.outputs = row


@final
class _Group:
    """Sessions that stepped together; their states stay stacked while they continue together."""

    def __init__(self, program: BatchedProgram, members: Sequence[BatchedSession]) -> None:
        self.program, self.count = program, len(members)
        constants = program.layout.stacked([member.constants for member in members])
        self.session = program.inner.session(constants)
        self.session.state = program.inner.stack([member.state for member in members])
        self._states: list[Mapping[str, Array]] | None = None  # unstacked

    def states(self) -> list[Mapping[str, Array]]:
        """Return each member's state; a group that a member has left is not stepped again."""
        states = self._states
        if states is None:  # if several leave at once, each unstacks them: they are the same
            states = self._states = self.program.inner.unstack(self.session.state, self.count)
        return states

    def step(self, calls: Sequence[Call]) -> list[Tensors]:
        """Step all members; the states stay if that fails or the outputs cannot be split."""
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
class BatchedSession(Session):
    """One stream's session, and its place in the group that it last stepped with."""

    def __init__(self, program: BatchedProgram, constants: Mapping[str, Array]) -> None:
        self.program: BatchedProgram = program
        self.constants = dict(constants)
        self.sizes = program.layout.sizes(constants)
        self.own = program.inner.session(constants)
        self.group: _Group | None = None  # where its state is, if not in ``own``
        self.index = 0  # its place in the group

    @property
    def state(self) -> Mapping[str, Array]:
        """The session's state, as the inner executor keeps it."""
        return self.own.state if self.group is None else self.group.states()[self.index]

    @state.setter
    def state(self, state: Mapping[str, Array]) -> None:
        self.group, self.own.state = None, state

    def step(self, inputs: Mapping[str, Array]) -> Tensors:
        """Run one step over consecutive frames."""
        program = self.program
        return program.run(self, inputs, {**self.sizes, **program.layout.sizes(inputs)})

    def alone(self, inputs: Mapping[str, Array]) -> Tensors:
        """Step its own session, outside any group."""
        if self.group is not None:
            self.state = self.state
        return self.own.step(inputs)

    def together(self, calls: Sequence[Call]) -> None:
        """Step all sessions as one; if that fails, every session keeps its state."""
        calls = sorted(calls, key=lambda call: call.stream.index)  # as in their group
        members, group = [call.stream for call in calls], self.group
        if not group or group.count != len(calls) or any(m.group is not group for m in members):
            group = _Group(self.program, members)
        rows = group.step(calls)
        for index, (call, outputs) in enumerate(zip(calls, rows, strict=True)):
            call.stream.group, call.stream.index, call.outputs = group, index, outputs
