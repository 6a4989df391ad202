"""Forcing the prosody of one executor on another, so that the rest can be compared.

F0 that differs by 1e-6 moves a waveform by 4e-3, as the phase adds it up. So exactness across
runtimes is that of the audio with durations, F0 and voicing of the reference; the differences of
these are reported separately.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any, final

import numpy as np
from attrs import field, frozen
from voxstack import Executor, Network, NetworkError, Program, Session, Tensors
from voxstack.inspection import HostedProgram, Placed, ProgramCache

# "stop" and "place" are what an attention model decides with: when it ends, where it is.
PROSODY = ("durations", "f0", "voicing", "stop", "place")


@final
class Tape:
    """The prosody that each network produced, per call, for one sentence."""

    def __init__(self) -> None:
        self._made: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
        self._replayed: dict[str, int] = defaultdict(int)
        self.differences: dict[str, float] = {}  # the largest of each tensor
        self._recording = True

    def record(self) -> None:
        """Begin a sentence on the reference."""
        self._recording = True
        self._made.clear()
        self.differences.clear()

    def replay(self) -> None:
        """Begin the same sentence on another executor."""
        self._recording = False
        self._replayed.clear()
        self.differences.clear()

    def pass_on(self, network: str, outputs: Tensors) -> Tensors:
        """Record the prosody among ``outputs``, or replace it by that of the tape."""
        prosody = {n: np.asarray(outputs[n]) for n in PROSODY if n in outputs}
        if not prosody:
            return outputs
        if self._recording:
            self._made[network].append(prosody)
            return outputs
        number = self._replayed[network]
        self._replayed[network] += 1
        if number >= len(self._made[network]):
            raise NetworkError(
                f"the network {network!r} is called more often than on the reference"
            )
        for name, value in self._made[network][number].items():
            mine = prosody[name]
            if mine.shape != value.shape:
                raise NetworkError(f"{name!r} of {network!r} has another shape: {mine.shape}")
            away = float(np.abs(mine - value).max(initial=0.0))
            self.differences[name] = max(away, self.differences.get(name, 0.0))
            outputs[name] = value
        return outputs


@final
@frozen(eq=False)
class Forcing(Executor):
    """Runs networks on ``executor``, and passes their prosody through the tape.

    Stands above fixed shapes, so that the tape holds what the blocks see.
    """

    executor: Executor
    tape: Tape
    cache: ProgramCache = field(factory=ProgramCache)

    @property
    def formats(self) -> tuple[str, ...]:  # type: ignore[override]
        """The formats of the wrapped executor."""
        return self.executor.formats

    def load(self, network: Network) -> Program:
        """Load on the wrapped executor."""
        program = HostedProgram(network, Placed((self.executor,)), self.cache)
        program.load()
        return _Forced(program, self.tape)


@final
class _Forced(Program):
    """A program whose prosody passes through a tape."""

    def __init__(self, program: HostedProgram, tape: Tape) -> None:
        self.network = program.network
        self.step, self.longest = program.step, program.longest
        self._program = program
        self._pass_on: Callable[[Tensors], Tensors] = lambda outputs: tape.pass_on(
            self.network.name, outputs
        )

    def __call__(self, inputs: Mapping[str, Any]) -> Tensors:
        return self._pass_on(self._program(inputs))

    def session(self, constants: Mapping[str, Any]) -> Session:
        """Begin an utterance on the wrapped session."""
        return _ForcedSession(self._program.session(constants), self._pass_on)


@final
class _ForcedSession(Session):
    """A session whose prosody passes through a tape."""

    def __init__(self, inner: Session, pass_on: Callable[[Tensors], Tensors]) -> None:
        self._inner, self._pass_on = inner, pass_on

    def step(self, inputs: Mapping[str, Any]) -> Tensors:
        """Feed consecutive frames."""
        return self._pass_on(self._inner.step(inputs))
