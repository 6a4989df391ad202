"""What all suites check can fail for each kind of component, each in a class of its own."""

from typing import Any

import pytest
from attrs import define, field, frozen
from voxstack import Executor, Frontend, Sentence, SequenceBlock, StreamableBlock
from voxstack_kit.testing import (
    ExecutorSuite,
    FrontendSuite,
    SequenceBlockSuite,
    StreamableBlockSuite,
)


class Sequence(SequenceBlock):
    def __call__(self, inputs):
        return inputs


class Stream(StreamableBlock):
    def stream(self, sequence, upstream):
        yield from upstream


class Runs(Executor):
    formats = ("none",)

    def load(self, network):
        raise NotImplementedError


class Speaks(Frontend):
    def sentences(self, text):
        yield Sentence("", {})


def undocumented(base):
    @frozen
    class Undocumented(base):
        """Has an option that says nothing."""

        db: float = 0.0

    return Undocumented()


def without_docstring(base):
    @frozen
    class WithoutDocstring(base):
        db: float = 0.0  # decibels

    return WithoutDocstring()


def unannotated(base):
    @frozen
    class Unannotated(base):
        """Has what looks like an option."""

        depth = 0.5  # of the tremolo

    return Unannotated()


def changeable(base):
    @define(hash=True)
    class Changeable(base):
        """Can be changed."""

        db: float = 0.0  # decibels

    return Changeable()


def converts(base):
    @frozen
    class Converts(base):
        """Keeps another value than the one given."""

        factor: float = field(default=0.5, converter=lambda value: value / 2)  # of the audio

    return Converts()


def takes_all(base):
    @frozen
    class TakesAll(base):
        """Has an option that takes anything."""

        db: Any = 0.0  # decibels

    return TakesAll()


KINDS = {
    "sequence": (SequenceBlockSuite, Sequence, "block"),
    "streamable": (StreamableBlockSuite, Stream, "block"),
    "executor": (ExecutorSuite, Runs, "executor"),
    "frontend": (FrontendSuite, Speaks, "frontend"),
}
SAYS, FROZEN = "it and its options say what they are", "it is frozen and can be compared"
ROUND = "a configuration makes it and can be written from it"
WRONG, LIGHT = (
    "a wrong option is reported with its place",
    "importing it is light and has no effects",
)
FAILURES = [
    (undocumented, {SAYS}),
    (without_docstring, {SAYS}),
    (unannotated, {SAYS}),
    (changeable, {FROZEN}),
    (converts, {ROUND}),
    (takes_all, {WRONG}),
]


def suite(kind, component):
    base, _, name = KINDS[kind]

    @pytest.fixture
    def given(self):
        return component

    return type("TestIt", (base,), {name: given})


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("make", "expected"), FAILURES)
def test_a_component_fails_the_checks_that_it_does_not_hold_to(failures, kind, make, expected):
    made = suite(kind, make(KINDS[kind][1]))
    found = failures(made, "its_options or frozen or configuration or wrong_option")
    assert set(found) == expected
    assert all(step for _, step in found.values()), "each tells what to do"
