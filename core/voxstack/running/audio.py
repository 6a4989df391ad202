"""Audio in memory and as 16-bit PCM.

Samples are scaled by 32767 and rounded; those outside [-1, 1] are clipped to full scale and
counted, never wrapped, and the others are never made quieter.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

import numpy as np
from attrs import frozen

from voxstack.errors import InputError
from voxstack.running.writing import write_atomically
from voxstack.tensors import Mark

if TYPE_CHECKING:
    from numpy.typing import NDArray


def to_pcm16(samples: Any) -> tuple[bytes, int]:
    """Return little-endian 16-bit PCM of float samples, and how many were clipped."""
    given = np.asarray(samples, dtype=np.float32).reshape(-1)
    clipped = int(np.count_nonzero(np.abs(given) > 1.0))
    audible = np.nan_to_num(np.clip(given, -1.0, 1.0))  # NaN becomes silence
    pcm = np.rint(audible * 32767.0).astype("<i2")
    return pcm.tobytes(), clipped


@final
@frozen(eq=False)
class Audio:
    """One whole utterance."""

    samples: NDArray[np.float32]  # [T], full scale is 1
    sample_rate: int  # Hz
    marks: tuple[Mark, ...] = ()  # ``start`` counts samples

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return len(self.samples) / self.sample_rate

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a WAV file, 16-bit mono; InputError if the place cannot be written."""
        import io
        import wave

        if Path(path).suffix.lower() not in (".wav", ""):
            raise InputError(f"cannot write {path}: only WAV is written; name it out.wav, say")
        made = io.BytesIO()
        with wave.open(made, "wb") as file:
            file.setparams((1, 2, self.sample_rate, 0, "NONE", ""))
            file.writeframes(to_pcm16(self.samples)[0])
        write_atomically(path, made.getvalue())
