"""Executors and other components of a configuration, by their names."""

import pytest
from attrs import field, frozen
from voxstack import Buckets, ConfigError, Executor, StreamableBlock
from voxstack.building import ExecutorMaker, needed_options


@frozen
class Simple(Executor):
    threads: int = 1
    buckets: Buckets = Buckets()

    def load(self, network):
        raise AssertionError


@frozen
class Wrapping(Simple):
    executor: Executor = field(kw_only=True)
    name: str = field(kw_only=True)


@frozen
class Block(StreamableBlock):
    def stream(self, sequence, upstream):
        yield from upstream


@pytest.fixture
def make(site, offer):
    registry = site.registry(plugins=[offer(executors=[Simple, Wrapping], effects=[Block])])
    return ExecutorMaker(registry).make


def problem(make, config, pointer=""):
    with pytest.raises(ConfigError) as caught:
        make(config, pointer)
    (problem,) = caught.value.problems
    return problem.pointer, problem.message, problem.suggestion


def test_an_executor_is_made_of_its_name_or_of_its_options(make):
    assert make("Simple") == Simple()
    assert make({"type": "Simple", "threads": 2}) == Simple(2)
    assert make({"type": "Simple", "buckets": {"text": [8]}}).buckets == Buckets({"text": [8]})


def test_an_executor_that_was_made_in_python_is_taken_as_it_is(make):
    one = Simple(3)
    assert make(one) is one


def test_an_executor_within_an_executor_is_made_too(make):
    made = make({"type": "Wrapping", "name": "x", "executor": {"type": "Simple", "threads": 4}})
    assert made.executor == Simple(4)
    made = make({"type": "Wrapping", "name": "x", "executor": "Simple"})
    assert made.executor == Simple()


def test_the_name_of_an_executor_that_needs_options_is_refused_with_how_to_write_it_out(make):
    assert problem(make, "Wrapping") == (
        "",
        "'Wrapping' needs the option 'executor' and 'name'",
        'write it out: {"type": "Wrapping", "executor": ..., "name": ...}',
    )


@pytest.mark.parametrize(
    ("config", "pointer", "message", "suggestion"),
    [
        ("Simpel", "/x", "no executor 'Simpel' is installed", "did you mean 'Simple'?"),
        ({"type": "Simpel"}, "/x/type", "no executor 'Simpel' is installed",
         "did you mean 'Simple'?"),
        ({}, "/x", "a type is missing", 'add "type", one of: Simple, Wrapping'),
        (5, "/x", 'expected {"type": "NAME", ...}, not 5', None),
        ("Block", "/x", "no executor 'Block' is installed; 'Block' of Offer is a block, which "
         "belongs in a stack", None),
        ({"type": "Simple", "thread": 2}, "/x/thread", "unknown option 'thread'",
         "did you mean 'threads'?"),
        ({"type": "Simple", "buckets": [8]}, "/x/buckets",
         'expected {"DIMENSION": [sizes]}, not [8]', None),
        ({"type": "Simple", "buckets": {"text": [0]}}, "/x/buckets",
         "'text': sizes must be 1 or more, not [0]", None),
        ({"type": "Simple", "buckets": {"text": ["8"]}}, "/x/buckets",
         'expected {"DIMENSION": [sizes]}, not {"text": ["8"]}', None),
        ({"type": "Wrapping", "name": "x", "executor": {"type": "Simple", "threads": "2"}},
         "/x/executor/threads", 'expected a whole number, not "2"', None),
    ],
)  # fmt: skip
def test_a_wrong_executor_is_reported_below_where_it_was_asked_for(
    make, config, pointer, message, suggestion
):
    assert problem(make, config, "/x") == (pointer, message, suggestion)


def test_options_without_a_default_are_needed_unless_they_are_preset(site, offer):
    registry = site.registry(plugins=[offer(executors=[Wrapping, Simple])])
    wrapping = registry.find("Wrapping", "executor")
    registry.load(wrapping)
    assert needed_options(wrapping) == ["executor", "name"]
    wrapping.options = {"name": "x"}
    assert needed_options(wrapping) == ["executor"]
    plain = registry.find("Simple", "executor")
    registry.load(plain)
    assert needed_options(plain) == []
