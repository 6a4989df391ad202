"""The error of packing."""

from __future__ import annotations

from voxstack import VoxstackError


class ExportError(VoxstackError):
    """A network cannot be packed, or does not do what the manifest would promise.

    ``network`` is its name, once it is known.
    """

    exit_code = 2  # the author of the network can fix it

    def __init__(self, message: str, *, network: str | None = None) -> None:
        self.message, self.network = message, network
        super().__init__(f"network {network!r}: {message}" if network else message)

    def of(self, network: str) -> ExportError:
        """Return this error with the name of its network."""
        return self if self.network else ExportError(self.message, network=network)
