"""The suite of SequenceBlocks."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Mapping
from typing import Any

import numpy as np
from voxstack import Tensors
from voxstack.inspection import MissingTensorError

from voxstack_kit.testing.blocks import (
    THREADS,
    BlockSuite,
    all_at_once,
    copied,
    in_fixed_shapes,
    names,
    require_numbers,
)
from voxstack_kit.testing.failures import fail
from voxstack_kit.testing.streams import require_same
from voxstack_kit.testing.suite import promise, require_typed


class SequenceBlockSuite(BlockSuite):
    """Check what voxstack requires of a SequenceBlock. A complete test module::

        import numpy as np
        import pytest
        from acme import Scale
        from voxstack import Tensors
        from voxstack_kit.testing import SequenceBlockSuite

        class TestScale(SequenceBlockSuite):
            @pytest.fixture
            def block(self):
                return Scale(factor=2.0)

            @pytest.fixture
            def sequence(self):
                return Tensors({"durations": np.ones((1, 4), np.float32)})

    Fixtures: ``block``, as it is configured. ``sequence``, the Tensors that it gets; by default
    ``seed`` and ``sentence`` alone. Both for a block in an installed voice:
    ``in_voice("en-us", "/stack/0/sequence_block")``.

    Attributes: ``tolerance``, ``fixed_tolerance``, and ``requirements``. What it states that it
    does not do is not asked of it, as by ``requirements = Requirements(fixed_shapes=False)``:
    closes, finite, declared, fixed_shapes, deterministic, threads, errors, leaves_input;
    documented, round_trip, wrong_options, frozen, light_import.
    """

    @promise("declared")
    def test_it_makes_what_it_declares(self, block: Any, sequence: Tensors) -> None:
        """Check that it returns arrays, all of ``produces``, from ``consumes`` alone."""
        given = copied(sequence)
        if block.consumes is not None:
            given = Tensors({n: given[n] for n in block.consumes if n in given}, given.marks)
        try:
            made = _called(block, given)
        except MissingTensorError as error:
            fail(
                f"it needs {error.name!r}, which it does not declare to consume",
                f"add {error.name!r} to consumes, or to the suite's fixture 'sequence'",
            )
        missing = [name for name in block.produces or () if name not in made]
        if missing:
            fail(
                f"it declares to produce {names(missing)} and does not; it made: "
                f"{names(list(made))}",
                "fix produces, or produce them",
            )
        for name, tensor in made.items():
            if not hasattr(tensor, "__array__"):
                fail(
                    f"{name!r} is a {type(tensor).__name__}, expected an array",
                    "return numpy arrays, or an executor's handle that has __array__",
                )
            if np.ndim(tensor) < 1 or np.shape(tensor)[0] != 1:
                fail(
                    f"{name!r} has the shape {list(np.shape(tensor))}, expected a batch of 1 first",
                    "put the batch axis in front: array[None]",
                )

    @promise("finite")
    def test_it_makes_finite_numbers(self, block: Any, sequence: Tensors) -> None:
        """Check that everything is numeric, and no float is NaN or infinite."""
        for name, tensor in _made(block, sequence).items():
            require_numbers(name, tensor)

    @promise("deterministic")
    def test_the_same_input_gives_the_same_output(self, block: Any, sequence: Tensors) -> None:
        """Check that it returns the same bytes when it is called twice."""
        first = _made(block, sequence)
        require_same(
            first,
            _made(block, sequence),
            0.0,
            "called again with the same tensors",
            "draw what is random from a generator seeded with sequence['seed'] and ['sentence']",
        )

    @promise("threads")
    def test_many_threads_get_what_one_gets(self, block: Any, sequence: Tensors) -> None:
        """Check eight threads at once, each with its own tensors, and each as alone."""
        inputs = [_another(block, sequence, number) for number in range(THREADS)]
        alone = [_made(block, one) for one in inputs]
        threaded = all_at_once(lambda n: _made(block, inputs[n]))
        for expected, made in zip(alone, threaded, strict=True):
            require_same(
                expected, made, self.tolerance, "called by eight threads at once",
                "keep nothing of an utterance in the block or in its module",
            )  # fmt: skip

    @promise("leaves_input")
    def test_what_it_is_given_is_left_as_it_is(self, block: Any, sequence: Tensors) -> None:
        """Check that it does not change its inputs, which other blocks read."""
        given = copied(sequence)
        _called(block, given)
        require_same(
            sequence, given, 0.0, "the tensors that it was given have changed",
            "copy before changing in place: return new tensors, and add none to the inputs",
        )  # fmt: skip

    @promise("errors")
    def test_a_missing_tensor_is_named(self, block: Any, sequence: Tensors) -> None:
        """Check that without a tensor that it consumes it raises a VoxstackError that names it."""
        _made(block, sequence)  # a failure with all of them is reported as it is
        for name in sequence:
            given = copied(sequence)
            del given[name]
            try:
                block(given)
            except Exception as error:
                require_typed(error, name, "it")

    @promise("closes")
    def test_nothing_is_held_when_it_is_done(self, block: Any, sequence: Tensors) -> None:
        """Check that its inputs and outputs are freed with their last reader."""
        given = copied(sequence)
        held = {f"input {n!r}": weakref.ref(t) for n, t in given.items()}
        made = _called(block, given)
        held |= {f"output {n!r}": weakref.ref(t) for n, t in made.items() if _has_weakref(t)}
        del given, made
        gc.collect()
        still = [what for what, array in held.items() if array() is not None]
        if still:
            fail(
                f"it still holds, when it is done: {', '.join(still)}",
                "keep nothing of an utterance in the block or in its module",
            )

    @promise("fixed_shapes")
    def test_fixed_shapes_give_the_same(self, block: Any, sequence: Tensors) -> None:
        """Check that with networks padded to fixed shapes it returns the same to 1e-4."""
        fixed = in_fixed_shapes(block)
        require_same(
            _made(block, sequence), _made(fixed, sequence), self.fixed_tolerance,
            "with its networks in fixed shapes",
            "do not read how long a tensor is from a network; export the network with a mask",
        )  # fmt: skip


def _another(block: Any, sequence: Tensors, number: int) -> Tensors:
    """Return other tensors of the same kind, shorter if the block takes that."""
    longest = max((np.shape(t)[-1] for t in sequence.values() if np.ndim(t) > 1), default=0)
    cut = longest - min(number, longest // 2)
    shorter = {
        name: tensor[..., :cut]
        if np.ndim(tensor) > 1 and np.shape(tensor)[-1] == longest
        else tensor
        for name, tensor in sequence.items()
    }
    other = Tensors(shorter, tuple(mark for mark in sequence.marks if mark.start < cut))
    if "seed" in other:
        other["seed"] = np.asarray(other["seed"]) + number
    try:
        block(copied(other))
    except Exception:  # a length that is given elsewhere too
        return sequence
    return other


def _made(block: Any, sequence: Tensors) -> Tensors:
    """Return what it produces; fail if it reads what the fixture lacks."""
    __tracebackhide__ = True
    try:
        made = _called(block, copied(sequence))
    except MissingTensorError as error:
        fail(
            f"it reads {error.name!r}, and the suite has {names(list(sequence))}",
            f"add it to the fixture 'sequence': return Tensors({{..., {error.name!r}: array}})",
        )
    return Tensors({name: np.array(tensor) for name, tensor in made.items()})


def _called(block: Any, given: Tensors) -> Mapping[str, Any]:
    """Return what it produces; fail if that is not a mapping."""
    __tracebackhide__ = True
    made = block(given)
    if not isinstance(made, Mapping):
        fail(
            f"it returns {type(made).__name__}, expected voxstack.Tensors",
            'return Tensors({"name": array})',
        )
    return made


def _has_weakref(tensor: Any) -> bool:
    try:
        weakref.ref(tensor)
    except TypeError:
        return False
    return True
