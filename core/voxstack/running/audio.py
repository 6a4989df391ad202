"""Audio in memory and as 16-bit PCM.

Samples are scaled by 32767 and rounded; those outside [-1, 1] are clipped to full scale and
counted, never wrapped, and the others are never made quieter.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

import numpy as np
from attrs import frozen

from voxstack.errors import InputError
from voxstack.running.writing import beside
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
        if Path(path).suffix.lower() not in (".wav", ""):
            raise InputError(
                f"cannot write {path}: only WAV is written; name it out.wav, for example"
            )
        with WavWriter(path, self.sample_rate) as writer:
            writer.write(self.samples)


@final
class WavWriter:
    """Writes a 16-bit mono WAV file beside its place and renames it when it is whole.

    Nothing of it stays after an error, or if the block is left by an exception.
    """

    def __init__(self, path: str | os.PathLike[str], sample_rate: int) -> None:
        import wave

        self.path = Path(path)
        self.clipped = 0
        self._beside = beside(self.path)
        try:
            self._file = self._beside.open("wb")
        except OSError as error:
            raise self._unwritable(error) from None
        self._wave = wave.open(self._file, "wb")  # noqa: SIM115 - closed in __exit__
        self._wave.setnchannels(1)
        self._wave.setsampwidth(2)
        self._wave.setframerate(sample_rate)

    def write(self, samples: Any) -> None:
        """Append float samples."""
        pcm, clipped = to_pcm16(samples)
        self.clipped += clipped
        try:
            self._wave.writeframesraw(pcm)
        except OSError as error:
            raise self._unwritable(error) from None

    def __enter__(self) -> WavWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                self._wave.close()
                self._file.close()
                self._beside.replace(os.path.realpath(self.path))
        except OSError as fault:
            raise self._unwritable(fault) from None
        finally:
            self._discard()

    def _discard(self) -> None:
        """Close and delete the file beside; its last buffer may not fit on a full disk."""
        self._wave._file = None  # type: ignore[attr-defined]  # else it patches the header
        with suppress(OSError):
            self._file.close()
        self._beside.unlink(missing_ok=True)

    def _unwritable(self, error: OSError) -> InputError:
        reason = error.strerror or str(error)
        return InputError(f"cannot write {self.path}: {reason}")
