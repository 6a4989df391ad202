"""Conformance suites: what voxstack requires of a component, as tests that a package subclasses.

A complete test module::

    import pytest
    from voxstack_kit.testing import StreamableBlockSuite
    from acme_gain import AcmeGain

    class TestAcmeGain(StreamableBlockSuite):
        @pytest.fixture
        def block(self):
            return AcmeGain(db=-6.0)

``voxstack conformance DIST`` runs the same suites for an installed distribution. Names are imported
when they are first used: pytest imports this package at every start.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from voxstack_kit.testing.addon import AddonSuite
    from voxstack_kit.testing.executor import ExecutorSuite
    from voxstack_kit.testing.failures import CheckFailed
    from voxstack_kit.testing.frontend import FrontendSuite
    from voxstack_kit.testing.requirements import Requirements
    from voxstack_kit.testing.sequence import SequenceBlockSuite
    from voxstack_kit.testing.streamable import StreamableBlockSuite
    from voxstack_kit.testing.streams import chunks_of, collected
    from voxstack_kit.testing.voices import in_voice

_HOME_OF = {
    "AddonSuite": "addon",
    "CheckFailed": "failures",
    "ExecutorSuite": "executor",
    "FrontendSuite": "frontend",
    "Requirements": "requirements",
    "SequenceBlockSuite": "sequence",
    "StreamableBlockSuite": "streamable",
    "chunks_of": "streams",
    "collected": "streams",
    "in_voice": "voices",
}

__all__ = [
    "AddonSuite",
    "CheckFailed",
    "ExecutorSuite",
    "FrontendSuite",
    "Requirements",
    "SequenceBlockSuite",
    "StreamableBlockSuite",
    "chunks_of",
    "collected",
    "in_voice",
]


def __getattr__(name: str) -> Any:
    module = _HOME_OF.get(name)
    if module is None:
        raise AttributeError(f"module 'voxstack_kit.testing' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"voxstack_kit.testing.{module}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
