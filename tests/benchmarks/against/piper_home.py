"""Install Piper in an environment of its own, because its license is the GPL."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path

from against.processes import SystemGone


def piper_python(given: Path | None) -> str:
    """Return the interpreter with Piper; create an environment for it if none is given."""
    if given is not None:
        return str(given)
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    home = cache / "voxstack-benchmarks" / "piper"
    python = home / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not (home / "installed").exists():
        print(f"installing piper-tts in {home}", file=sys.stderr)
        venv.create(home, with_pip=True, clear=True)
        pip = [str(python), "-m", "pip", "install", "--quiet", "piper-tts"]
        if subprocess.run(pip, stdout=sys.stderr, check=False).returncode:
            raise SystemGone(
                "piper-tts cannot be installed; pass an interpreter that has it: --piper-python"
            )
        (home / "installed").touch()
    return str(python)
