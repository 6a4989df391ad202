"""The suite of options can fail: for each check an option that fails it and no other."""

import click
import pytest
from voxstack_kit.testing.others import OptionSuite

IS, SAYS, NAMED = (
    "it is a click option",
    "it says what it is",
    "it is declared by its name",
)


def option(*names, **how):
    return click.Option([*names], **{"expose_value": False, "help": "A letter.", **how})


FAILURES = [
    (click.Argument(["x"]), {IS}),
    (option("--x", help=None), {SAYS}),
    (option("--y"), {NAMED}),
    (option("--x", expose_value=True), {NAMED}),
]


@pytest.mark.parametrize(("given", "expected"), [(option("--x"), set()), *FAILURES])
def test_an_option_fails_the_checks_that_it_does_not_hold_to(failures, given, expected):
    fixtures = {"option": given, "name": "say.x"}
    made = {name: pytest.fixture(lambda self, it=it: it) for name, it in fixtures.items()}
    found = failures(type("TestIt", (OptionSuite,), made), "not importing")
    assert set(found) == expected
    assert all(step for _, step in found.values())
