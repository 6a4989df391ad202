"""What the component promises, as any user of voxstack would see it."""

import numpy as np
import pytest
from acme_fades import FadeIn
from voxstack import AudioFormat, Chunk, Tensors

FORMAT = AudioFormat(sample_rate=16000, hop=200)


def faded(fade, sizes):
    """Run the block over ones, cut into chunks of these sizes."""
    starts = np.cumsum([0, *sizes])
    chunks = (
        Chunk(
            {"audio": np.ones((1, size), np.float32)}, int(start), last=start + size == starts[-1]
        )
        for start, size in zip(starts, sizes, strict=False)
    )
    return np.concatenate([c["audio"][0] for c in fade.stream(Tensors(), chunks)])


def test_it_begins_in_silence_and_reaches_full_level():
    audio = faded(FadeIn(seconds=0.01, audio=FORMAT), [400])
    assert audio[0] == 0 and audio[80] == 0.5 and (audio[160:] == 1).all()


def test_any_chunks_give_the_same_audio():
    fade = FadeIn(seconds=0.02, audio=FORMAT)
    assert np.array_equal(faded(fade, [1, 7, 92, 300]), faded(fade, [400]))


def test_a_fade_takes_time():
    with pytest.raises(ValueError, match="seconds"):
        FadeIn(seconds=0.0, audio=FORMAT)
