"""What the trainer's tests share."""

from pathlib import Path

import pytest


@pytest.fixture
def recipes():
    """The folder of the shipped recipes."""
    return Path(__file__).parents[3] / "plugins" / "train" / "recipes"
