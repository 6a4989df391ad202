"""Simulate a listener of audio that arrives in pieces."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen

Pieces = Sequence[tuple[float, int]]  # seconds since the request, samples


@frozen
class Heard:
    """One utterance for a listener who starts to play at the first audio."""

    first: float  # seconds to the first audio
    whole: float  # seconds to the last audio
    speech: float  # seconds of audio
    underruns: int  # pieces that arrived after the previous audio had been played
    silence: float  # seconds that the listener waited for them

    @classmethod
    def of(cls, pieces: Pieces, rate: int) -> Heard:
        """Play the pieces."""
        if not pieces:
            raise ValueError("there was no audio")
        end = pieces[0][0]  # when all available audio has been played
        underruns, silence = 0, 0.0
        for at, samples in pieces:
            if at > end:
                underruns += 1
                silence += at - end
                end = at
            end += samples / rate
        speech = sum(samples for _, samples in pieces) / rate
        return cls(pieces[0][0], pieces[-1][0], speech, underruns, silence)
