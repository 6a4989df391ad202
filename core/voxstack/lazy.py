"""Packages whose names are imported when they are first used.

``import voxstack`` and the listing commands stay light: no numpy, no plugin, no runtime. What a
package exports is written once, in its stub ``__init__.pyi``, which type checkers read too.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

_EXPORT = re.compile(r"^from (\S+) import (\w+) as \2$", re.MULTILINE)


def attach(
    package: str, file: str
) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """Return ``__getattr__``, ``__dir__`` and ``__all__`` of a package.

    Its stub beside ``file`` has one line per name: ``from MODULE import NAME as NAME``.
    """
    stub = Path(file).with_suffix(".pyi").read_text("utf-8")
    home_of = {name: module for module, name in _EXPORT.findall(stub)}

    def get(name: str) -> Any:
        if name not in home_of:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(importlib.import_module(home_of[name]), name)
        vars(importlib.import_module(package))[name] = value
        return value

    return get, lambda: sorted(home_of), sorted(home_of)
