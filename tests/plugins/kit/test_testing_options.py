"""The suites of options and formats can fail: for each check one that fails it and no other."""

import click
import pytest
from voxstack import Description, Format, FormatError
from voxstack_kit.testing.format import FormatSuite
from voxstack_kit.testing.others import OptionSuite

IS, SAYS, NAMED = (
    "it is a click option",
    "it says what it is",
    "it is declared by its name",
)


def option(*names, **how):
    return click.Option([*names], **{"expose_value": False, "help": "A letter.", **how})


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (option("--x"), set()),
        (click.Argument(["x"]), {IS}),
        (option("--x", help=None), {SAYS}),
        (option("--y"), {NAMED}),
        (option("--x", expose_value=True), {NAMED}),
    ],
)
def test_an_option_fails_the_checks_that_it_does_not_hold_to(failures, given, expected):
    fixtures = {"option": given, "name": "say.x"}
    made = {name: pytest.fixture(lambda self, it=it: it) for name, it in fixtures.items()}
    found = failures(type("TestIt", (OptionSuite,), made), "not importing")
    assert set(found) == expected
    assert all(step for _, step in found.values())


class Letters(Format):
    """One letter and nothing else."""

    name = "letters"

    def describe(self, data):
        if len(data) != 1:
            raise FormatError(f"it has {len(data)} bytes, expected 1")
        return Description()


class Anything(Letters):
    def describe(self, data):
        return Description()


class Crashes(Letters):
    def describe(self, data):
        raise ValueError("no header")


class Odd(Letters):
    kind = "odd"


OTHERS = {f"other bytes are refused ({what})" for what in ("zeros", "noise", "a text", "a pickle")}
OTHERS |= {"other bytes are refused (nothing)"}


@pytest.mark.parametrize(
    ("cls", "expected"),
    [
        (Letters, set()),
        (Anything, OTHERS),
        (Crashes, OTHERS),
        (Odd, {"it declares what it is"}),
    ],
)
def test_a_format_fails_the_checks_that_it_does_not_hold_to(failures, cls, expected):
    made = {"format": pytest.fixture(lambda self: cls())}
    found = failures(type("TestIt", (FormatSuite,), made), "not importing")
    assert set(found) == expected
    assert all(step for _, step in found.values())
