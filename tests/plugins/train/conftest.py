"""Fixtures of the trainer's tests."""

from importlib.util import find_spec
from pathlib import Path

import pytest

MISSING = [name for name in ("voxstack_train", "torch") if find_spec(name) is None]
collect_ignore_glob = ["test_*.py"] if MISSING else []


def pytest_report_header():
    """Report that these tests are skipped, and how to run them."""
    if MISSING:
        return "left out: tests/plugins/train (pip install torch ./plugins/train[evaluate])"
    return None


@pytest.fixture
def recipes():
    """The folder of the shipped recipes."""
    return Path(__file__).parents[3] / "plugins" / "train" / "recipes"
