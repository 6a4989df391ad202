"""What packing refuses."""

from __future__ import annotations

from voxstack import VoxstackError


class ExportError(VoxstackError):
    """A network does not keep what the manifest would promise, or cannot be packed at all."""

    exit_code = 2  # whoever packs can mend it
