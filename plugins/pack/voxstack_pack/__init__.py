"""Pack PyTorch modules and ONNX files into voxstack addons, measured and checked.

The public API is what this module exports; names are imported when they are first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from voxstack_pack.addons import Draft, write
    from voxstack_pack.card import fill_card
    from voxstack_pack.errors import ExportError
    from voxstack_pack.graphs import export
    from voxstack_pack.networks import Packed, Spec, pack_graph, pack_module
    from voxstack_pack.packing import pack
    from voxstack_pack.recipe import PackRecipe, read_recipe

_HOME_OF = {
    "Draft": "addons",
    "ExportError": "errors",
    "PackRecipe": "recipe",
    "Packed": "networks",
    "Spec": "networks",
    "export": "graphs",
    "fill_card": "card",
    "pack": "packing",
    "pack_graph": "networks",
    "pack_module": "networks",
    "read_recipe": "recipe",
    "write": "addons",
}

__all__ = [
    "Draft",
    "ExportError",
    "PackRecipe",
    "Packed",
    "Spec",
    "export",
    "fill_card",
    "pack",
    "pack_graph",
    "pack_module",
    "read_recipe",
    "write",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'voxstack_pack' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"voxstack_pack.{_HOME_OF[name]}"), name)
    globals()[name] = value
    return value
