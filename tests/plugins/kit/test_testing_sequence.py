"""The suite of SequenceBlocks can fail: for each check a block that fails it and no other."""

import itertools
import time

import numpy as np
import pytest
from attrs import field, frozen
from voxstack import Network, Program, SequenceBlock, Tensors, TensorSpec
from voxstack_kit.testing import SequenceBlockSuite

TEXT = TensorSpec("float32", ("batch", "text"))
GIVEN = Tensors({"ids": np.array([[1, 2, 3, 4]]), "seed": np.array([0])})


@frozen
class Plain(SequenceBlock):
    """Doubles the ids; the base of those that fail."""

    consumes = ("ids",)
    produces = ("doubled",)

    def __call__(self, inputs):
        return Tensors({"doubled": 2 * inputs["ids"]})


class Flat(Plain):
    """Makes a tensor without a batch."""

    def __call__(self, inputs):
        return Tensors({"doubled": 2 * inputs["ids"][0, 0]})


class Other(Plain):
    """Makes another tensor than it says."""

    def __call__(self, inputs):
        return Tensors({"tripled": 3 * inputs["ids"]})


class Undeclared(Plain):
    """Reads what it does not declare."""

    def __call__(self, inputs):
        return Tensors({"doubled": 2 * inputs["ids"] + inputs["seed"]})


RUNS = itertools.count()


class Changes(Plain):
    """Gives something else each time."""

    def __call__(self, inputs):
        return Tensors({"doubled": inputs["ids"] + next(RUNS)})


class InPlace(Plain):
    """Writes into what it is given, and the same again."""

    def __call__(self, inputs):
        made = 2 * inputs["ids"]
        inputs["ids"] = made
        return Tensors({"doubled": made})


class Infinite(Plain):
    """Divides by 0."""

    def __call__(self, inputs):
        return Tensors({"doubled": inputs["ids"] * np.float32("inf")})


class Untyped(Plain):
    """Asks for a tensor in a way that does not say what is missing."""

    def __call__(self, inputs):
        return Tensors({"doubled": 2 * dict(inputs)["ids"]})


HELD = []


class Holds(Plain):
    """Keeps what it was given."""

    def __call__(self, inputs):
        HELD[:] = [inputs["ids"]]
        return super().__call__(inputs)


NOW = [None]


class Shares(Plain):
    """Keeps what it works on where other threads find it."""

    def __call__(self, inputs):
        NOW[0] = np.array(inputs["ids"])
        time.sleep(0.002)
        made, NOW[0] = 2 * NOW[0], None
        return Tensors({"doubled": made})


class Mean(Program):
    """A network that takes padding for text: it has a mask, and does not read it."""

    def __init__(self):
        inputs = {"ids": TensorSpec("int64", ("batch", "text")), "mask": TEXT}
        self.network = Network("mean", "encoder", inputs, {"mean": TEXT}, {})

    def __call__(self, inputs):
        ids = np.asarray(inputs["ids"], np.float32)
        return Tensors({"mean": ids - ids.mean(axis=-1, keepdims=True)})


@frozen
class Runs(SequenceBlock):
    """Runs a network."""

    network: Program = field(factory=Mean)  # what it runs

    def __call__(self, inputs):
        ids = inputs["ids"]
        mask = np.ones(ids.shape, np.float32)
        return self.network({"ids": ids, "mask": mask})


MAKES, SAME = "it makes what it declares", "the same input gives the same output"
MANY, LEFT = "many threads get what one gets", "what it is given is left as it is"
FINITE = "it makes finite numbers"
MISSING, HELD_IT = "a missing tensor is named", "nothing is held when it is done"
FIXED = "fixed shapes give the same"


FAILURES = [
    (Flat, {MAKES}),
    (Other, {MAKES}),
    (Undeclared, {MAKES}),
    (Changes, {SAME, MANY}),
    (Shares, {MANY}),
    (InPlace, {LEFT}),
    (Infinite, {FINITE}),
    (Untyped, {MISSING}),
    (Holds, {HELD_IT}),
    (Runs, {FIXED}),
]


def suite(cls):
    @pytest.fixture
    def block(self):
        return cls()

    @pytest.fixture
    def sequence(self):
        return GIVEN

    return type("TestIt", (SequenceBlockSuite,), {"block": block, "sequence": sequence})


def test_a_block_that_does_all_of_it_passes(failures):
    assert failures(suite(Plain), "not importing") == {}


@pytest.mark.parametrize(
    ("cls", "expected"), FAILURES, ids=lambda one: getattr(one, "__name__", "")
)
def test_a_block_fails_the_checks_that_it_does_not_hold_to(failures, cls, expected):
    assert set(failures(suite(cls), "not importing")) == expected


def test_a_block_that_gives_nothing_is_told_so_by_each_check(failures):
    class Returns(Plain):
        """Is not written yet."""

        def __call__(self, inputs):
            return None

    found = failures(suite(Returns), "not importing")
    told = {message for message, _ in found.values()}
    assert told == {"it returns NoneType, expected voxstack.Tensors"} and LEFT in found


def test_what_the_suite_does_not_give_is_named_with_the_fixture_to_give_it_in(failures):
    given = suite(Plain)
    del given.sequence
    message, step = failures(given, "same_output")[SAME]
    assert message == "it reads 'ids', and the suite has 'seed', 'sentence'"
    assert "add it to the fixture 'sequence'" in step
