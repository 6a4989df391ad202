"""The face for tooling: what tools need of the host beyond ``voxstack`` itself.

A conformance suite, a lock file or a trace looks at a host from outside: at what is installed, at
the data of an addon, at the parts of a built voice. The names that such tools need are re-exported
here, and imported when they are first used. They are documented where they are defined, and they
change more often than the API of ``voxstack``. Nothing of the host imports this module.
"""

from __future__ import annotations

import importlib
from typing import Any

_HOMES = {
    # What is installed, who provides it, and where to get the rest.
    "hookspecs": [],
    "components": ["KINDS"],
    "discovery": ["Package"],
    "registration": ["Registration"],
    "registry": ["Registry"],
    "filters": ["Filter", "site_filters"],
    "advice": ["examples", "where_to_get"],
    # Configuration: documents with places, and values made of them.
    "documents": ["escape", "lookup", "parse_json", "parse_value", "split"],
    "structure": ["Structurer", "structure"],
    "deployment": ["Deployment", "PluginLists", "VoiceSettings", "read_deployment"],
    # Messages.
    "errors": ["MissingTensorError", "did_you_mean"],
    "shown": ["listed", "shown"],
    # Addons: their data and its limits.
    "addon": ["make_addon"],
    "addon_files": [
        "Files",
        "MANIFEST",
        "MAX_FILE",
        "MAX_FILES",
        "MAX_MANIFEST",
        "MAX_RATIO",
        "MAX_TEXT",
        "MAX_TOTAL",
    ],
    "manifest": ["MAX_FRAMES", "MAX_LINE", "Manifest"],
    "networks": ["DTYPES", "MASK", "ROLE"],
    "provided": ["HIGHEST_RATE", "LOWEST_RATE"],
    "stability": ["FORMAT"],
    # Built voices: blocks, and the programs that run their networks.
    "blocks": ["Block", "options_of"],
    "stack": ["BuiltStack", "needed_options"],
    "programs": ["HostedProgram", "ProgramCache", "buckets_of"],
    "buckets": ["chosen"],
    "placement": ["unavailable", "wraps"],
    "schedule": ["DOUBLING"],
    "utterance": ["Utterance"],
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = sorted([*_HOME_OF, "hookspecs"])


def __getattr__(name: str) -> Any:
    if name == "hookspecs":
        value: Any = importlib.import_module("voxstack.hookspecs")
    elif name in _HOME_OF:
        value = getattr(importlib.import_module(f"voxstack.{_HOME_OF[name]}"), name)
    else:
        raise AttributeError(f"module 'voxstack.inspection' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return list(__all__)
