"""The suite of executors."""

from __future__ import annotations

import gc
import itertools
import weakref
from collections.abc import Mapping
from typing import Any

import attrs
import numpy as np
from voxstack import NetworkError, VoxstackError
from voxstack.inspection import HostedProgram, Placed, ProgramCache

from voxstack_kit.testing.damage import require_survived
from voxstack_kit.testing.executor_base import arrays, copies, some, with_small_shapes
from voxstack_kit.testing.executor_outputs import OutputChecks
from voxstack_kit.testing.failures import fail
from voxstack_kit.testing.streams import require_same
from voxstack_kit.testing.suite import promise
from voxstack_kit.testing.toys import Toy


class ExecutorSuite(OutputChecks):
    """Check what voxstack requires of an Executor. A complete test module::

        import pytest
        from acme import AcmeNpu
        from voxstack_kit.testing import ExecutorSuite

        class TestAcmeNpu(ExecutorSuite):
            @pytest.fixture
            def executor(self):
                return AcmeNpu(device="npu0")

    Fixtures: ``executor``, as it is configured. ``networks``, what it runs,
    ``{name: voxstack_kit.testing.toys.Toy(network, reference)}``; by default the toy networks that
    come with voxstack, as ``onnx`` and as ``pt2``, with what they must give; for an executor that
    takes neither the networks of installed addons in its format, whose outputs are not known.

    Attributes: ``tolerance``, and ``requirements``. What it states that it does not do is not
    asked of it, as by ``requirements = Requirements(sessions=False, batches=False)``: sessions,
    batches, closes, deterministic, threads, errors, leaves_input; documented,
    round_trip, wrong_options, frozen, light_import.
    """

    def test_it_says_what_it_takes(self, executor: Any) -> None:
        """Check formats, static or not, why it cannot run here, and devices."""
        name = type(executor).__name__
        formats = executor.formats
        if isinstance(formats, str) or not formats or not all(type(f) is str for f in formats):
            fail(f"{name}.formats is {formats!r}", 'use a tuple of names: formats = ("onnx",)')
        if not isinstance(executor.static, bool):
            fail(f"{name}.static is {executor.static!r}", "use True or False")
        try:
            reason = executor.available()
        except Exception as error:
            fail(
                f"{name}.available() raises {type(error).__name__}: {error}",
                "return the reason as a string, or None if it can run",
            )
        if reason is not None and (not isinstance(reason, str) or not reason):
            fail(
                f"{name}.available() returns {reason!r}",
                "return None if it can run, else the reason as a string",
            )
        devices = () if reason else executor.devices()
        if isinstance(devices, str) or not all(isinstance(device, str) for device in devices):
            fail(f"{name}.devices() returns {devices!r}", 'return a tuple of names: ("cpu",)')

    def test_equal_executors_share_programs(self, executor: Any) -> None:
        """Check that equal options make equal executors, by which the host finds what is loaded."""
        name = type(executor).__name__
        twin = attrs.evolve(executor)
        try:
            same = executor == twin and hash(executor) == hash(twin)
        except TypeError as error:
            fail(f"{name} has no hash: {error}", "use tuples for lists among its options")
        if not same:
            fail(
                f"two {name} with the same options are not equal",
                "decorate the class with @attrs.frozen, without eq=False",
            )

    @promise("errors")
    def test_a_wrong_shape_is_an_error_for_that_call_alone(
        self, executor: Any, runnable: Mapping[str, Toy]
    ) -> None:
        """Check that wrong channels raise an error with executor and network, and it continues."""
        for name, toy in some(
            runnable,
            lambda toy: not toy.network.state and _wide(toy),
            "without state that has an input [batch, channels, time]",
        ):
            inputs, wide = toy.inputs(5), _wide(toy)
            broken = {**inputs, wide: np.concatenate([inputs[wide]] * 2, axis=1)}
            cache, able = ProgramCache(), with_small_shapes(executor)
            program = HostedProgram(toy.network, Placed((able,)), cache)
            # The host knows the shapes that a manifest declares: one that is wrong gets by it.
            misdeclared = HostedProgram(_declared(toy, wide, broken), Placed((able,)), cache)
            expected = copies(program(inputs))
            misdeclared._program = program.load()  # that was loaded for the right shapes
            try:
                misdeclared(broken)
            except VoxstackError as error:
                if type(executor).__name__ not in str(error) or name not in str(error):
                    fail(
                        f"{wide!r} of another shape: the error does not name executor and network: "
                        f"{error}",
                        "raise the runtime's error as it is; the host adds the rest",
                    )
            except Exception as error:
                fail(
                    f"{wide!r} of another shape raises {type(error).__name__}: {error}",
                    "raise errors of Exception's kind from the call itself",
                )
            else:
                fail(
                    f"{name!r} takes {wide!r} of another shape than it has",
                    "let the runtime check shapes, or compare with network.inputs",
                )
            again = arrays(program(inputs))
            cache.close()
            advice = "do not keep a session that has failed"
            require_same(expected, again, self.tolerance, f"{name!r} after an error", advice)

    @promise("errors")
    def test_a_network_in_no_format_of_its_own_is_refused(
        self, executor: Any, runnable: Mapping[str, Toy]
    ) -> None:
        """Check that the host's error names executor, network and format."""
        for name, toy in itertools.islice(runnable.items(), 1):
            other = attrs.evolve(toy.network, files={"no-such-format": f"{name}.bin"})
            try:
                HostedProgram(other, Placed((executor,)), ProgramCache()).load()
            except NetworkError as error:
                text = str(error)
                if type(executor).__name__ in text and name in text and "no-such-format" in text:
                    continue
                fail(f"a network of another format is refused with: {text}", "name its formats")
            fail(
                "a network of another format than it takes is loaded",
                'name in formats only what load() reads: network.read("onnx")',
            )

    @promise("errors")
    def test_a_damaged_network_is_an_error_and_not_the_end(
        self, executor: Any, runnable: Mapping[str, Toy]
    ) -> None:
        """Check that damaged bytes raise an error with executor and network, and no more."""
        for toy in itertools.islice(runnable.values(), 1):
            require_survived(executor, toy.network)

    @promise("closes")
    def test_closing_frees_the_program(self, executor: Any, runnable: Mapping[str, Toy]) -> None:
        """Check that a closed program is freed, and that closing twice does no harm."""
        for name, toy in itertools.islice(runnable.items(), 2):
            cache = ProgramCache()
            hosted = HostedProgram(toy.network, Placed((with_small_shapes(executor),)), cache)
            self._used(toy, hosted, toy.inputs(5))
            loaded = list(cache._programs.values())
            cache.close()
            for program in loaded:
                program.close()
            held = [weakref.ref(program) for program in loaded]
            del hosted, program, loaded
            gc.collect()
            if any(program() is not None for program in held):
                fail(
                    f"the program of {name!r} is held after it was closed",
                    "keep programs nowhere: the host shares them",
                )


def _wide(toy: Toy) -> str:
    """Return the name of an input with channels, or None."""
    inputs = toy.network.inputs
    return next((name for name in toy.network.consumes if len(inputs[name].shape) == 3), "")


def _declared(toy: Toy, name: str, inputs: Mapping[str, Any]) -> Any:
    """Return the network as if its manifest declared an input as it is given."""
    spec = toy.network.inputs[name]
    shape = (spec.shape[0], inputs[name].shape[1], spec.shape[2])
    return attrs.evolve(
        toy.network, inputs={**toy.network.inputs, name: attrs.evolve(spec, shape=shape)}
    )
