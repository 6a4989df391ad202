"""An effect for voxstack: scale the audio by a constant."""

from attrs import frozen
from voxstack import StreamableBlock


@frozen
class Gain(StreamableBlock):
    """Scale the audio by a constant."""

    db: float = 0.0  # decibels

    def stream(self, sequence, upstream):
        """Yield the chunks of ``upstream``, scaled."""
        factor = 10 ** (self.db / 20)
        for chunk in upstream:
            yield chunk.replace(audio=chunk["audio"] * factor)
