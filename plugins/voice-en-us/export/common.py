"""What the parts of the export share: the voice's symbols and speakers, and how it refuses."""

from __future__ import annotations

import numpy as np

Arrays = dict[str, np.ndarray]

PHONES = (
    "pau aa ae ah ao aw ax ay b ch d dh eh er ey f g hh ih iy jh k l m n ng ow oy p r s sh t th uh "
    "uw v w y z zh"
)
SYMBOLS = {
    "phone": {
        name: index for index, name in enumerate(["<pad>", "<start>", "<end>", *PHONES.split()])
    },
    "word_position": {"none": 0, "begin": 1, "middle": 2, "end": 3, "single": 4},
}
SPEAKERS = {"rms": 1, "slt": 0}  # in our order: their rows in the prototype


class ExportError(Exception):
    """A network does not keep what the manifest would promise."""
