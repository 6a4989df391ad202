"""What training refuses."""

from __future__ import annotations

from voxstack import VoxstackError


class TrainError(VoxstackError):
    """Training cannot go on; the message says where, and what to do."""

    exit_code = 2  # what stops it can be mended: the recipe, the data, the disk
