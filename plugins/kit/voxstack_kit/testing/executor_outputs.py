"""Checks of what programs return: numbers, states, and ownership of arrays."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from voxstack import Program, Tensors
from voxstack.inspection import HostedProgram

from voxstack_kit.testing.blocks import all_at_once
from voxstack_kit.testing.executor_base import (
    ExecutorBase,
    arrays,
    copies,
    some,
    split_inputs,
    stateful,
    stateless,
)
from voxstack_kit.testing.failures import fail
from voxstack_kit.testing.precision import require_reference
from voxstack_kit.testing.streams import cut, require_same, some_numbers
from voxstack_kit.testing.suite import EXAMPLES, promise
from voxstack_kit.testing.toys import Toy, is_stepped, stepped

LENGTHS = (1, 5, 14)  # frames, or symbols


class OutputChecks(ExecutorBase):
    """The checks of numbers, sessions, threads and arrays."""

    def test_outputs_are_those_of_the_reference(
        self, networks: Mapping[str, Toy], programs: Mapping[str, HostedProgram]
    ) -> None:
        """Check every network called whole: dtypes, shapes, numbers; fixed shapes are padded."""
        for name, toy in some(
            networks,
            lambda toy: toy.reference is not None and not toy.network.state,
            "without state and with a reference",
        ):
            assert toy.reference is not None
            for number, length in enumerate(LENGTHS):
                inputs = toy.inputs(length, number)
                require_reference(
                    toy.reference(inputs), arrays(programs[name](inputs)), self.tolerance,
                    f"the network {name!r} over {length} returns wrong outputs",
                    "return the network's outputs by name, unchanged, for every dtype",
                )  # fmt: skip

    def test_any_sizes_of_chunks_give_the_same_output(
        self, networks: Mapping[str, Toy], programs: Mapping[str, HostedProgram]
    ) -> None:
        """Check networks over frames, in windows or by their state, against one whole call."""
        for name, toy in some(networks, _over_frames, "over frames, with context or state"):
            frames, constants = split_inputs(toy, toy.inputs(40))
            whole = self._ran(programs[name], constants, frames, [], (40,))
            if toy.reference is not None:
                whole = Tensors(toy.reference({**constants, **frames}))

            self._require_any_chunks(name, programs[name], constants, frames, whole)

    @promise("sessions")
    def test_sessions_step_as_the_reference_does(
        self, networks: Mapping[str, Toy], programs: Mapping[str, HostedProgram]
    ) -> None:
        """Check two sessions with their own constants, stepped in turn."""
        for name, toy in some(
            networks, _self_driven, "with state whose steps take nothing, and with a reference"
        ):
            inputs = [toy.inputs(length, length) for length in (3, 11)]
            sessions = [programs[name].session(constants) for constants in inputs]
            made = [[arrays(s.step({})) for s in sessions] for _ in range(5)]
            for number, constants in enumerate(inputs):
                for step, expected in enumerate(stepped(toy, constants, 5)):
                    require_reference(
                        expected, made[step][number], self.tolerance,
                        f"step {step} of the network {name!r}, of two sessions in turn",
                        "keep states and constants in the session, not in the program",
                    )  # fmt: skip

    @promise("sessions")
    def test_a_session_goes_on_from_a_state_that_is_put_back(
        self, networks: Mapping[str, Toy], programs: Mapping[str, HostedProgram]
    ) -> None:
        """Check that ``session.state`` can be read, and set again after further steps."""
        for name, toy in stateful(networks):
            session, fed = self._session(toy, programs[name])
            session.step(fed)
            kept = session.state
            first = arrays(session.step(fed))
            session.state = kept
            require_same(
                first, arrays(session.step(fed)), self.tolerance,
                f"a step of {name!r} from a state that was put back",
                "return a new state at each step, and do not change the one before",
            )  # fmt: skip

    @promise("batches")
    def test_states_are_stacked_and_taken_apart(
        self, executor: Any, networks: Mapping[str, Toy], programs: Mapping[str, HostedProgram]
    ) -> None:
        """Check that two sessions stepped as a batch of 2 are each as alone."""
        if executor.static:
            pytest.skip("its shapes are fixed, with a batch of 1: there is nothing to stack")
        for name, toy in stateful(networks):
            inputs = [toy.inputs(7, seed) for seed in (1, 2)]
            pairs = [self._session(toy, programs[name], one) for one in inputs]
            for session, fed in pairs:
                session.step(fed)
            states = [session.state for session, _ in pairs]
            program = programs[name].load()
            split = [split_inputs(toy, one) for one in inputs]
            constants = _side_by_side([c for _, c in split])
            both = program.session(constants)
            both.state = program.stack(states)
            together = arrays(both.step(_side_by_side([fed for _, fed in pairs])))
            apart = program.unstack(both.state, 2)
            for number, (session, fed) in enumerate(pairs):
                alone = arrays(session.step(fed))
                row = {n: value[number : number + 1] for n, value in together.items()}
                advice = "stack joins states along the batch axis, unstack splits them"
                require_same(alone, row, self.tolerance, f"{name!r} with a batch of 2", advice)
                left, right = arrays(session.state), arrays(apart[number])
                require_same(left, right, self.tolerance, f"states of {name!r}, unstacked", advice)

    @promise("deterministic")
    def test_the_same_inputs_give_the_same_outputs(
        self, networks: Mapping[str, Toy], programs: Mapping[str, HostedProgram]
    ) -> None:
        """Check that it returns the same bytes when it is called or stepped twice."""
        for name, toy in networks.items():
            inputs = toy.inputs(5)
            first = self._used(toy, programs[name], inputs)
            require_same(
                first, self._used(toy, programs[name], inputs), 0.0, f"{name!r} used again",
                "switch off what is not deterministic in the runtime, or state it: "
                "Requirements(deterministic=False)",
            )  # fmt: skip

    @promise("threads")
    def test_many_threads_get_what_one_gets(
        self, networks: Mapping[str, Toy], programs: Mapping[str, HostedProgram]
    ) -> None:
        """Check eight threads, each with its own inputs: calls, and sessions."""
        for name, toy in networks.items():
            inputs = [toy.inputs(4 + seed, seed) for seed in range(8)]
            alone = [self._used(toy, programs[name], one) for one in inputs]

            def use(n: int, toy: Toy = toy, name: str = name, inputs: Any = inputs) -> Any:
                return [self._used(toy, programs[name], inputs[n]) for _ in range(3)][-1]

            for expected, made in zip(alone, all_at_once(use), strict=True):
                require_same(
                    expected, made, self.tolerance, f"{name!r} on eight threads at once",
                    "use separate buffers per call, or lock around the runtime's call",
                )  # fmt: skip

    def test_outputs_stay_what_they_are(
        self, networks: Mapping[str, Toy], programs: Mapping[str, HostedProgram]
    ) -> None:
        """Check that the outputs of one call are not overwritten by the next."""
        for name, toy in networks.items():
            if toy.network.state:
                session, fed = self._session(toy, programs[name])
                first = session.step(fed)
                before = copies(first)
                session.step(fed)
                session.step(fed)
            else:
                first = programs[name](toy.inputs(5, 1))
                before = copies(first)
                programs[name](toy.inputs(5, 2))
            require_same(
                before, arrays(first), 0.0,
                f"what {name!r} gave has changed with the next call",
                "copy outputs out of the runtime's buffers",
            )  # fmt: skip

    @promise("leaves_input")
    def test_inputs_may_be_read_only_and_are_let_go(
        self, networks: Mapping[str, Toy], programs: Mapping[str, HostedProgram]
    ) -> None:
        """Check inputs that are read-only, or part of others; none of them is kept."""
        for name, toy in stateless(networks):
            inputs = toy.inputs(5)
            expected = copies(programs[name](inputs))
            views = {n: _view(value) for n, value in inputs.items()}
            try:
                made = arrays(programs[name](views))
            except Exception as error:
                fail(
                    f"{name!r} fails on read-only inputs that are parts of arrays: "
                    f"{type(error).__name__}: {error}",
                    "take inputs as they come: np.ascontiguousarray where the runtime needs it",
                )
            require_same(
                expected, made, self.tolerance,
                f"{name!r} on read-only inputs that are parts of arrays",
                "take inputs as they come: np.ascontiguousarray where the runtime needs it",
            )  # fmt: skip
            given = toy.inputs(5)
            held = [weakref.ref(value) for value in given.values()]
            programs[name](given)
            del given
            gc.collect()
            if any(array() is not None for array in held):
                fail(f"{name!r} keeps its inputs", "let them go when the call is done")

    # Errors and ends ------------------------------------------------------------------------

    def _require_any_chunks(
        self,
        name: str,
        program: Program,
        constants: Mapping[str, Any],
        frames: Mapping[str, Any],
        whole: Tensors,
    ) -> None:
        cuts = st.lists(st.integers(0, 9), max_size=4)
        asked = st.lists(st.integers(1, 30), min_size=1, max_size=3)

        @settings(EXAMPLES, max_examples=12)
        @given(cuts, asked)
        def any_chunks(sizes: list[int], schedule: list[int]) -> None:
            made = self._ran(program, constants, frames, sizes, tuple(schedule))
            require_reference(
                whole, made, self.tolerance,
                f"the network {name!r} in chunks of {some_numbers(schedule)}, fed {cut(sizes)}",
                "a session's states go on from step to step, each where the last one ended",
            )  # fmt: skip

        any_chunks()


def _over_frames(toy: Toy) -> bool:
    return bool(toy.network.context or (toy.network.state and is_stepped(toy.network)))


def _self_driven(toy: Toy) -> bool:
    """Return whether a network has a reference and its steps take no input."""
    return bool(toy.network.state and not is_stepped(toy.network) and toy.reference is not None)


def _side_by_side(inputs: list[dict[str, Any]]) -> dict[str, Any]:
    return {name: np.concatenate([one[name] for one in inputs]) for name in inputs[0]}


def _view(value: Any) -> Any:
    """Return the same numbers as a read-only part of a larger array."""
    larger = np.zeros((*value.shape[:-1], value.shape[-1] + 3), dtype=value.dtype)
    view = larger[..., 1:-2]
    view[...] = value
    view.setflags(write=False)
    return view
