"""Packages whose names are imported when they are first used.

``import voxstack`` and the listing commands stay light: no numpy, no plugin, no runtime. The types
are in the package's stub, ``__init__.pyi``.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any


def attach(
    package: str, homes: Mapping[str, str]
) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """Return ``__getattr__``, ``__dir__`` and ``__all__`` of a package.

    ``homes`` maps its modules to the names, separated by spaces, that it exports from them.
    """
    home_of = {name: module for module, names in homes.items() for name in names.split()}

    def get(name: str) -> Any:
        if name not in home_of:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(importlib.import_module(home_of[name]), name)
        vars(importlib.import_module(package))[name] = value
        return value

    return get, lambda: sorted(home_of), sorted(home_of)
