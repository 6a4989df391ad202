"""The errors of a missing package or library."""

from __future__ import annotations

from importlib.util import find_spec
from typing import final

from voxstack_train.errors import TrainError

PACKAGES = {"pocketsphinx": "recognizes speech", "jiwer": "counts recognition errors"}
DRAWS = {"matplotlib": "draws --pictures"}


@final
class NotInstalledError(TrainError):
    """Something that evaluation needs is not installed; the message says how to install it."""


def require_packages(pictures: bool) -> None:
    """Raise NotInstalledError with all missing Python packages."""
    packages = {**PACKAGES, **(DRAWS if pictures else {})}
    missing = [name for name in packages if find_spec(name) is None]
    if missing:
        why = "; ".join(f"{name} {packages[name]}" for name in missing)
        raise NotInstalledError(
            f"not installed: {', '.join(missing)} ({why}): pip install {' '.join(missing)}"
        )
