"""The suite of commands can fail: for each check a command that fails it and no other."""

import abc

import click
import pytest
from voxstack_kit.testing.others import CommandSuite

IS, SAYS, HELP = (
    "it is a click command",
    "it and its options say what they are",
    "its help is shown",
)


@click.command()
@click.option("--x", help="A letter.")
def good(x):
    """Do it."""


def function():
    """No command."""


@click.command()
def silent():
    pass


@click.command()
@click.option("--x")
def undocumented(x):
    """Do it."""


class Fails(click.Command):
    def format_help(self, context, formatter):
        raise ValueError("no help")


def test_what_is_no_command_is_told_by_its_type(failures):
    given = pytest.fixture(lambda self: abc.ABC)
    suite = type("TestIt", (CommandSuite,), {"command": given})
    assert "it is of type ABCMeta, expected" in failures(suite, "not importing")[IS][0]


FAILURES = [
    (function, {IS}),
    (silent, {SAYS}),
    (undocumented, {SAYS}),
    (Fails("fails", help="Do it."), {HELP}),
]


@pytest.mark.parametrize(("command", "expected"), [(good, set()), *FAILURES])
def test_a_command_fails_the_checks_that_it_does_not_hold_to(failures, command, expected):
    @pytest.fixture
    def given(self):
        return command

    suite = type("TestIt", (CommandSuite,), {"command": given})
    assert set(failures(suite, "not importing")) == expected
