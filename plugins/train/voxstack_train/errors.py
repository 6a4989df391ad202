"""The error of training."""

from __future__ import annotations

from voxstack import VoxstackError


class TrainError(VoxstackError):
    """Training cannot continue; the message has the place, and what to do."""

    exit_code = 2  # the user can fix it: in the recipe, the data or the disk
