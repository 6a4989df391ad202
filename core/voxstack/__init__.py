"""voxstack: a minimal host for neural speech models.

The public API is what this module exports. Names are imported when they are first used, so that
``import voxstack`` and the listing commands stay light: no numpy, no plugin, no runtime.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from voxstack.addon import Addon
    from voxstack.audio import Audio
    from voxstack.blocks import Frontend, SequenceBlock, StreamableBlock
    from voxstack.buckets import Buckets
    from voxstack.chunking import run_network
    from voxstack.components import Component, hookimpl
    from voxstack.containers import Encoders, StreamablePipeline, StreamableStack
    from voxstack.deprecations import Deprecation, VoxstackDeprecationWarning
    from voxstack.errors import (
        AddonError,
        BlockError,
        ConfigError,
        InputError,
        NetworkError,
        PluginError,
        Problem,
        VoxstackError,
    )
    from voxstack.executors import Executor, Program, Session, Static
    from voxstack.formats import Description, Format, FormatError, Signature
    from voxstack.host import Host
    from voxstack.networks import Network, TensorSpec, network
    from voxstack.provided import AudioFormat, Symbols
    from voxstack.schedule import Schedule
    from voxstack.tensors import Chunk, Mark, Sentence, Tensors
    from voxstack.utterance import current_utterance
    from voxstack.voice import Stream, Voice

_HOMES = {
    "addon": ["Addon"],
    "audio": ["Audio"],
    "blocks": ["Frontend", "SequenceBlock", "StreamableBlock"],
    "buckets": ["Buckets"],
    "chunking": ["run_network"],
    "components": ["Component", "hookimpl"],
    "containers": ["Encoders", "StreamablePipeline", "StreamableStack"],
    "deprecations": ["Deprecation", "VoxstackDeprecationWarning"],
    "errors": [
        "AddonError",
        "BlockError",
        "ConfigError",
        "InputError",
        "NetworkError",
        "PluginError",
        "Problem",
        "VoxstackError",
    ],
    "executors": ["Executor", "Program", "Session", "Static"],
    "formats": ["Description", "Format", "FormatError", "Signature"],
    "host": ["Host"],
    "networks": ["Network", "TensorSpec", "network"],
    "provided": ["AudioFormat", "Symbols"],
    "schedule": ["Schedule"],
    "tensors": ["Chunk", "Mark", "Sentence", "Tensors"],
    "utterance": ["current_utterance"],
    "voice": ["Stream", "Voice"],
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "Addon",
    "AddonError",
    "Audio",
    "AudioFormat",
    "BlockError",
    "Buckets",
    "Chunk",
    "Component",
    "ConfigError",
    "Deprecation",
    "Description",
    "Encoders",
    "Executor",
    "Format",
    "FormatError",
    "Frontend",
    "Host",
    "InputError",
    "Mark",
    "Network",
    "NetworkError",
    "PluginError",
    "Problem",
    "Program",
    "Schedule",
    "Sentence",
    "SequenceBlock",
    "Session",
    "Signature",
    "Static",
    "Stream",
    "StreamableBlock",
    "StreamablePipeline",
    "StreamableStack",
    "Symbols",
    "TensorSpec",
    "Tensors",
    "Voice",
    "VoxstackDeprecationWarning",
    "VoxstackError",
    "__version__",
    "current_utterance",
    "hookimpl",
    "network",
    "run_network",
]


def __getattr__(name: str) -> Any:
    module = _HOME_OF.get(name)
    if module is None:
        raise AttributeError(f"module 'voxstack' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"voxstack.{module}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
