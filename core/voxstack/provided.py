"""What the host provides to a block that has a field of such a type: facts of its addon."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, final

from attrs import frozen

from voxstack.errors import AddonError, did_you_mean

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LOWEST_RATE, HIGHEST_RATE = 1000, 384_000  # Hz


@final
@frozen
class AudioFormat:
    """The audio that an addon makes."""

    sample_rate: int  # Hz
    hop: int  # samples a frame

    def __attrs_post_init__(self) -> None:
        if not LOWEST_RATE <= self.sample_rate <= HIGHEST_RATE:
            allowed = f"{LOWEST_RATE} to {HIGHEST_RATE} Hz"
            raise ValueError(f"sample_rate must be {allowed}, not {self.sample_rate}")
        if self.hop < 1:
            raise ValueError(f"hop must be 1 sample or more, not {self.hop}")


@final
@frozen(eq=False)
class Symbols:
    """The symbol tables of a voice: a name of the frontend to an id of the networks."""

    tables: Mapping[str, Mapping[str, int]]

    def ids(self, table: str, names: Sequence[str]) -> NDArray[np.int64]:
        """Give the ids ``[1, T]`` of ``names``; AddonError for one that the voice lacks."""
        import numpy as np

        if table not in self.tables:
            hint = did_you_mean(table, self.tables) or f"there: {', '.join(self.tables) or 'none'}"
            raise AddonError(f"the voice's symbols have no table {table!r} ({hint})")
        ids = self.tables[table]
        try:
            return np.array([[ids[name] for name in names]], dtype=np.int64)
        except KeyError as error:
            name = str(error.args[0])
            hint = did_you_mean(name, ids) or "choose a frontend made for this voice"
            raise AddonError(
                f"the voice's symbols have no {table} {name!r} of its frontend ({hint})"
            ) from None
