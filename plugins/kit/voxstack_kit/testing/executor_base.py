"""Running an executor under test: its fixtures, and the use of its programs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import attrs
import numpy as np
import pytest
from voxstack import Buckets, Executor, Program, Schedule, Session, Tensors, run_network
from voxstack.inspection import HostedProgram, Placed, ProgramCache, unavailable

from voxstack_kit.testing.failures import fail
from voxstack_kit.testing.streams import chunks_of, collected
from voxstack_kit.testing.suite import ComponentSuite
from voxstack_kit.testing.toys import Toy, installed, is_stepped, shipped

# Few small shapes for the toys, so that a static executor compiles little.
BUCKETS = Buckets(
    {
        "windows.frames": [9, 24],
        "steps.frames": [6],
        "attention.text": [8, 16],
        "symbols.text": [8, 16],
    }
)


class ExecutorBase(ComponentSuite):
    """Fixtures of the suite of executors, and how its checks use programs."""

    tolerance = 1e-4  # the most by which outputs may differ from the reference, for size 1

    @pytest.fixture
    def executor(self) -> Any:
        """Return the executor; every suite overrides this."""
        fail(
            f"{type(self).__name__} has no fixture 'executor'",
            "write: @pytest.fixture def executor(self): return MyExecutor()",
        )

    @pytest.fixture
    def component(self, executor: Any) -> Any:
        """Return the executor."""
        return executor

    @pytest.fixture
    def networks(self, executor: Any) -> Mapping[str, Toy]:
        """Return the networks to run, by name."""
        return shipped(executor) or installed(executor)

    @pytest.fixture
    def runnable(self, executor: Any, networks: Mapping[str, Toy]) -> Mapping[str, Toy]:
        """Return the networks; skip if there are none or the executor cannot run."""
        if reason := unavailable(executor):
            pytest.skip(f"it cannot run here: {reason}")
        if not networks:
            pytest.skip(
                f"no network to run: it takes {', '.join(executor.formats)}, and there are toys as "
                "onnx and pt2; install an addon in its format, or override the fixture 'networks' "
                "of the suite: {name: voxstack_kit.testing.toys.Toy(network, reference)}"
            )
        return networks

    @pytest.fixture
    def programs(
        self, executor: Any, runnable: Mapping[str, Toy]
    ) -> Iterator[Mapping[str, HostedProgram]]:
        """Yield the networks on the executor, as the host runs them."""
        cache = ProgramCache()
        able = with_small_shapes(executor)
        yield {
            name: HostedProgram(toy.network, Placed((able,)), cache)
            for name, toy in runnable.items()
        }
        cache.close()

    # Use ------------------------------------------------------------------------------------

    def _session(
        self, toy: Toy, program: Program, inputs: Mapping[str, Any] | None = None
    ) -> tuple[Session, dict[str, Any]]:
        """Open a session; return it with the inputs of a step, as many frames as one must have."""
        frames, constants = split_inputs(
            toy, toy.inputs(program.step or 7) if inputs is None else inputs
        )
        fed: dict[str, Any] = dict(frames)
        if frames:
            length = next(iter(frames.values())).shape[-1]
            fed["mask"] = np.ones((1, length), np.float32)
        return program.session(constants), fed

    def _used(self, toy: Toy, program: Program, inputs: Mapping[str, Any]) -> Tensors:
        """Run a network as a block does: a call, a run over frames, or steps."""
        if not toy.network.state:
            return copies(program(inputs))
        frames, constants = split_inputs(toy, inputs)
        if frames:
            return self._ran(program, constants, frames, [], (3,))
        session = program.session(constants)
        return [copies(session.step({})) for _ in range(4)][-1]

    @staticmethod
    def _ran(
        program: Program,
        constants: Mapping[str, Any],
        frames: Mapping[str, Any],
        sizes: list[int],
        schedule: tuple[int, ...],
    ) -> Tensors:
        made = collected(
            run_network(program, Tensors(constants), chunks_of(frames, sizes), Schedule(schedule))
        )
        return Tensors({name: made[name] for name in program.network.produces})


def with_small_shapes(executor: Executor) -> Executor:
    """Return the executor with small fixed shapes for the toys, if it leaves them open."""
    fields = attrs.fields_dict(type(executor))  # type: ignore[arg-type]
    option = fields.get("buckets")
    if not executor.static or option is None or getattr(executor, "buckets", None) != Buckets():
        return executor
    return attrs.evolve(executor, buckets=BUCKETS)  # type: ignore[misc]


def some(
    networks: Mapping[str, Toy], which: Callable[[Toy], Any], wanted: str
) -> list[tuple[str, Toy]]:
    """Return the networks that a check is for; skip without one, with what to provide."""
    found = [(name, toy) for name, toy in networks.items() if which(toy)]
    if not found:
        pytest.skip(
            f"none of {', '.join(networks)} is a network {wanted}; add one to the suite's fixture "
            "'networks': {name: voxstack_kit.testing.toys.Toy(network, reference)}"
        )
    return found


def stateless(networks: Mapping[str, Toy]) -> list[tuple[str, Toy]]:
    """Return the networks without state."""
    return some(networks, lambda toy: not toy.network.state, "without state")


def stateful(networks: Mapping[str, Toy]) -> list[tuple[str, Toy]]:
    """Return the networks with state."""
    return some(networks, lambda toy: toy.network.state, "with state")


def split_inputs(toy: Toy, inputs: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the inputs over frames, and the constants."""
    network = toy.network
    along = network.inputs["mask"].shape[-1] if is_stepped(network) else None
    over = {n: v for n, v in inputs.items() if along and network.inputs[n].shape[-1] == along}
    return over, {n: v for n, v in inputs.items() if n not in over}


def copies(made: Mapping[str, Any]) -> Tensors:
    """Return copies of outputs."""
    return Tensors({name: np.array(value) for name, value in made.items()})


def arrays(made: Mapping[str, Any]) -> Tensors:
    """Return outputs as numpy arrays."""
    return Tensors({name: np.asarray(value) for name, value in made.items()})
