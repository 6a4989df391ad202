"""Writing files so that nothing half written is ever seen."""

from __future__ import annotations

import os
from pathlib import Path

from voxstack.errors import InputError


def write_atomically(path: str | os.PathLike[str], text: str) -> None:
    """Write beside, then rename; InputError if the place cannot be written."""
    target = Path(path)
    beside = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        beside.write_text(text, "utf-8")
        beside.replace(target)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror or error}") from None
    finally:
        beside.unlink(missing_ok=True)
