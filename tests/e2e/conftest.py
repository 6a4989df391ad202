"""The default voice, built once for all tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from voxstack import Host, Voice

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def root() -> Path:
    """The folder of the repository."""
    return ROOT


@pytest.fixture(scope="session")
def host() -> Iterator[Host]:
    with Host() as opened:
        yield opened


@pytest.fixture(scope="session")
def voice(host: Host) -> Voice:
    return host.voice("en-us")
