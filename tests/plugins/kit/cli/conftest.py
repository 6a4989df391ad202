"""The fixtures of the command line's tests: commands in processes of their own."""

from pathlib import Path
from runpy import run_path

_shared = run_path(str(Path(__file__).parents[3] / "cli" / "conftest.py"))
globals().update({name: it for name, it in _shared.items() if not name.startswith("__")})
