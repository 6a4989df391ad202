"""The pytest plugin, which pytest loads at every start: a fixture with a host."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from voxstack_kit.testing import surroundings  # noqa: F401 - as they are before tests are imported

if TYPE_CHECKING:
    from voxstack import Host


@pytest.fixture(scope="session")
def voxstack_host() -> Iterator[Host]:
    """Yield a host of the installed plugins, shared by all tests."""
    from voxstack import Host

    with Host() as host:
        yield host
