"""Functions that the stages share."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any


def digest(value: Any) -> str:
    """Return a digest of a value."""
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()[:16]


def write_json(path: Path, value: Any) -> None:
    """Write JSON completely or not at all."""
    partial = path.with_suffix(".part")
    partial.write_text(json.dumps(value, indent=2) + "\n", "utf-8")
    partial.replace(path)
