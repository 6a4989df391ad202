"""The suite of formats can fail: for each check a format that fails it and no other."""

import pytest
from voxstack import Description, Format, FormatError
from voxstack_kit.testing.format import FormatSuite


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


class Strict(Letters):
    name = "onnx"


OTHERS = {
    f"other bytes are refused ({what})"
    for what in ("nothing", "zeros", "noise", "a text", "a pickle")
}
FAILURES = [
    (Anything, OTHERS),
    (Crashes, OTHERS),
    (Odd, {"it declares what it is"}),
    (Strict, {"networks of installed addons are accepted"}),
]


@pytest.mark.parametrize(("cls", "expected"), [(Letters, set()), *FAILURES])
def test_a_format_fails_the_checks_that_it_does_not_hold_to(failures, cls, expected):
    made = {"format": pytest.fixture(lambda self: cls())}
    found = failures(type("TestIt", (FormatSuite,), made), "not importing")
    assert set(found) == expected
    assert all(step for _, step in found.values())
