"""What the suites say of themselves is so: their examples run, and name what can be stated."""

import re
import sys
import textwrap
import types

import pytest
import voxstack_kit.testing
from attrs import fields, frozen
from voxstack_kit.testing import Requirements

SUITES = [
    getattr(voxstack_kit.testing, name)
    for name in voxstack_kit.testing.__all__
    if name.endswith("Suite")
]


@frozen
class Anything:
    """Stands for a class of a package that is not there."""

    options: dict


class Acme(types.ModuleType):
    """A package that has every class."""

    def __getattr__(self, name):
        return lambda *given, **options: Anything({"given": given, **options})


@pytest.mark.parametrize("suite", SUITES)
def test_the_example_of_a_suite_is_whole(suite, monkeypatch):
    monkeypatch.setitem(sys.modules, "acme", Acme("acme"))
    _, _, example = suite.__doc__.partition("A complete test module::\n\n")
    example = example.partition("    Fixtures:")[0]
    made = {}
    exec(textwrap.dedent(example), made)
    (test,) = (value for name, value in made.items() if name.startswith("Test"))
    assert issubclass(test, suite)
    for name, fixture in vars(test).items():
        if not name.startswith("__"):
            assert fixture._get_wrapped_function()(None), name


@pytest.mark.parametrize("suite", SUITES)
def test_a_suite_names_all_that_can_be_stated_and_nothing_else(suite):
    checks = [getattr(suite, name) for name in dir(suite) if name.startswith("test_")]
    asked = {check.requirement for check in checks if hasattr(check, "requirement")}
    listed = suite.__doc__.partition("``requirements = Requirements(")[2].partition("``:")[2]
    known = {field.name for field in fields(Requirements)}
    assert {word for word in re.findall(r"\w+", listed) if word in known} == asked


def test_whatever_can_be_stated_is_asked_by_some_suite():
    checks = [getattr(suite, name) for suite in SUITES for name in dir(suite)]
    asked = {check.requirement for check in checks if hasattr(check, "requirement")}
    assert asked == {field.name for field in fields(Requirements)}
