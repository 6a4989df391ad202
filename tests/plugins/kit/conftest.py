"""The fixtures of the core's tests: fake distributions, numpy networks, a tiny voice."""

from pathlib import Path
from runpy import run_path

_shared = run_path(str(Path(__file__).parents[2] / "core" / "conftest.py"))
globals().update({name: it for name, it in _shared.items() if not name.startswith("__")})
