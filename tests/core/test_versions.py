"""A plugin's own requirement on voxstack."""

import pytest
from voxstack.versions import satisfies


@pytest.mark.parametrize(
    ("version", "requirement", "met"),
    [
        ("0.1.0", ">=0.1", True),
        ("0.1.0", ">=0.1,<1", True),
        ("0.1.0", ">=0.2", False),
        ("1.0", "<1", False),
        ("0.10.0", ">=0.9", True),
        ("0.1.0", "==0.1", True),
        ("0.1.3", "==0.1", False),
        ("0.1.3", "==0.1.*", True),
        ("0.2.0", "==0.1.*", False),
        ("0.1.3", "!=0.1.*", False),
        ("0.1.3", "!=0.1.2", True),
        ("0.1.0", "===0.1.0", True),
        ("0.1.0", ">0.1", False),
        ("0.1.1", ">0.1", True),
        ("0.1.0", "<=0.1", True),
        ("1.4.2", "~=1.4", True),
        ("1.5.0", "~=1.4", True),
        ("2.0", "~=1.4", False),
        ("1.4.9", "~=1.4.2", True),
        ("1.5.0", "~=1.4.2", False),
        ("0.1.0", ">= 0.1 , < 0.2", True),
        ("0.1.0", "", True),
        ("0.1.0.dev3", ">=0.1", True),
        ("0.2.0", ">=0.1,!=0.2.0,<1", False),
    ],
)
def test_every_clause_must_be_met(version, requirement, met):
    assert satisfies(version, requirement) is met


def test_a_clause_that_cannot_be_read_is_met():
    assert satisfies("0.1.0", "@ file:///somewhere")
