"""Break when built, and in the middle of a stream."""

from attrs import frozen
from voxstack import StreamableBlock


@frozen
class BreaksWhenBuilt(StreamableBlock):
    """Raises when the stack is built."""

    def __attrs_post_init__(self):
        raise OSError("no sound card")

    def stream(self, sequence, upstream):
        yield from upstream


@frozen
class BreaksInTheMiddle(StreamableBlock):
    """Raises at its third chunk."""

    def stream(self, sequence, upstream):
        for number, chunk in enumerate(upstream, start=1):
            if number == 3:
                raise ValueError("the wax melted")
            yield chunk
