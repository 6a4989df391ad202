"""Parts that the suites of both kinds of blocks share: fixtures, and replaced networks."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, cast

import attrs
import numpy as np
import pytest
from attrs import frozen
from voxstack import Executor, Network, NetworkError, Program, Session, Tensors
from voxstack.inspection import Block, HostedProgram, Placed, ProgramCache, options_of

from voxstack_kit.testing.failures import CheckFailed, fail
from voxstack_kit.testing.suite import ComponentSuite

THREADS = 8
ENDING_S = 1.0  # that a thread may take to end


class BlockSuite(ComponentSuite):
    """The fixtures of SequenceBlocks and StreamableBlocks."""

    tolerance = 1e-5  # the most by which outputs may differ that should be the same, for size 1
    fixed_tolerance = 1e-4  # the same, between fixed shapes and any

    @pytest.fixture
    def block(self) -> Any:
        """Return the block; every suite overrides this."""
        fail(
            f"{type(self).__name__} has no fixture 'block'",
            "write: @pytest.fixture def block(self): return MyBlock()",
        )

    @pytest.fixture
    def component(self, block: Any) -> Any:
        """Return the block."""
        return block

    @pytest.fixture
    def sequence(self) -> Tensors:
        """Return the sequence tensors, by default those that every voice has."""
        return Tensors({"seed": np.array([0]), "sentence": np.array([0])})


def programs_of(value: Any) -> Iterator[Program]:
    """Yield the programs of a block, at any depth."""
    if isinstance(value, Program):
        yield value
    elif isinstance(value, list | tuple):
        for item in value:
            yield from programs_of(item)
    elif isinstance(value, Block):
        for option in options_of(value):
            yield from programs_of(getattr(value, option.name))


def with_programs(value: Any, replace: Callable[[Program], Program]) -> Any:
    """Return a block with each of its programs replaced, at any depth."""
    if isinstance(value, Program):
        return replace(value)
    if isinstance(value, list | tuple):
        return type(value)(with_programs(item, replace) for item in value)
    if isinstance(value, Block):
        changes = {}
        for option in options_of(value):
            held = getattr(value, option.name)
            if any(True for _ in programs_of(held)):
                changes[option.alias or option.name] = with_programs(held, replace)
        return attrs.evolve(cast(Any, value), **changes) if changes else value
    return value


def in_fixed_shapes(block: Any) -> Any:
    """Return a block whose programs get fixed shapes: the host pads and trims.

    The runtime stays the same, so that what differs is the block's or the network's doing.
    """
    if not any(True for _ in programs_of(block)):
        pytest.skip("it has no network among its options that could have fixed shapes")
    cache = ProgramCache()

    def fixed(program: Program) -> Program:
        digest = str(id(program))
        network: Any = attrs.evolve(
            program.network, files={"fixed": digest}, digest=lambda _: digest
        )
        hosted = HostedProgram(network, Placed((_InFixedShapes(program),)), cache)
        hosted.load()
        return hosted

    try:
        return with_programs(block, fixed)
    except NetworkError as error:
        if "no 'mask' input" in str(error):
            pytest.skip(f"its networks are not made for fixed shapes: {error.message}")
        raise


@frozen(eq=False)
class _InFixedShapes(Executor):
    """Runs one program, with few different shapes."""

    formats = ("fixed",)
    static = True

    program: Program

    def load(self, network: Network) -> Program:
        return _Lent(self.program)


class _Lent(Program):
    """Return the same program for each shape; its owner closes it."""

    def __init__(self, program: Program) -> None:
        self.network, self.program = program.network, program

    def __call__(self, inputs: Mapping[str, Any]) -> Tensors:
        return self.program(inputs)

    def session(self, constants: Mapping[str, Any]) -> Session:
        return self.program.session(constants)


def all_at_once(work: Callable[[int], Any], count: int = THREADS) -> list[Any]:
    """Run ``work(0)`` to ``work(count - 1)`` on threads that begin together; raise what fails."""
    begin = threading.Barrier(count)
    results: list[Any] = [None] * count
    errors: list[BaseException] = []

    def run(number: int) -> None:
        begin.wait()
        try:
            results[number] = work(number)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(n,)) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise CheckFailed(
            f"on one of {count} threads at once: {type(errors[0]).__name__}: {errors[0]}",
            "keep nothing outside the call or the generator that one utterance uses",
        ) from errors[0]
    return results


def require_ended(threads: set[threading.Thread]) -> None:
    """Fail if there are new threads, other than the host's own workers."""
    __tracebackhide__ = True
    threads = threads | {t for t in threading.enumerate() if t.name == "voxstack-ahead"}
    patience = time.monotonic() + ENDING_S
    while left := [t for t in threading.enumerate() if t not in threads and t.is_alive()]:
        if time.monotonic() > patience:
            fail(
                f"closed, its threads go on: {', '.join(thread.name for thread in left)}",
                "end them where the generator ends: try: ... finally: ...",
            )
        time.sleep(0.01)


def require_numbers(name: str, tensor: Any) -> None:
    """Fail if a tensor is not numeric, audio is not float, or a float is not finite."""
    __tracebackhide__ = True
    array = np.asarray(tensor)
    if array.dtype.kind not in ("f" if name == "audio" else "fiub"):
        wanted = "floats, full scale 1.0" if name == "audio" else "numbers"
        fail(f"{name!r} is {array.dtype}, expected {wanted}", "convert it with .astype(np.float32)")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        wrong = int(np.count_nonzero(~np.isfinite(array)))
        fail(
            f"{name!r} has {wrong} of {array.size} numbers that are not finite (NaN or infinite)",
            "look for what is divided by 0, or the logarithm or root of what is too small",
        )


def copied(tensors: Mapping[str, Any]) -> Tensors:
    """Return copies of tensors."""
    marks = tensors.marks if isinstance(tensors, Tensors) else ()
    return Tensors({name: np.array(tensor) for name, tensor in tensors.items()}, marks)


def names(items: Sequence[str]) -> str:
    """Return names as text for a message."""
    return ", ".join(repr(item) for item in items) or "none"
