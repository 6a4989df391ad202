"""Checks of a running StreamableBlock: how far it reads, what it holds, what it shares."""

from __future__ import annotations

import contextlib
import gc
import itertools
import math
import threading
import tracemalloc
import weakref
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from voxstack import Chunk, Schedule, Tensors

from voxstack_kit.testing.blocks import all_at_once, copied, require_ended
from voxstack_kit.testing.failures import fail
from voxstack_kit.testing.streams import Upstream, chunks_of, collected, require_same
from voxstack_kit.testing.streams_base import Frames, StreamsBase, length_of, parts_of, streamed
from voxstack_kit.testing.suite import promise

ROUNDS = 1000  # chunks of a long stream
GROWTH = 128 << 10  # bytes by which memory may grow over half of it
BEGINS = "the fixture 'frames' is None, as it begins a row"
IN_GENERATOR = "keep what a stream needs in variables of its generator"


class ResourceChecks(StreamsBase):
    """The checks of laziness, memory, threads and ends."""

    @promise("lazy")
    def test_nothing_is_read_before_the_first_chunk_is_asked_for(
        self, block: Any, sequence: Tensors, frames: Frames
    ) -> None:
        """Check that calling ``stream`` does no work."""
        upstream = _upstream(frames, parts_of(frames, 20))
        stream = streamed(block, copied(sequence), upstream)
        if upstream is not None and upstream.asked:
            fail(
                f"stream() read {upstream.asked} chunks before the first was asked for",
                "write stream() as a generator: what it reads, it reads between yields",
            )
        _close(stream)

    @promise("lazy")
    def test_no_more_is_read_than_it_looks_ahead(
        self, block: Any, sequence: Tensors, frames: Frames
    ) -> None:
        """Check that a chunk is yielded as soon as the frames that it needs are there."""
        if frames is None:
            pytest.skip(f"{BEGINS}: it reads no stream")
        block, ahead, ratio = self._planned(block)
        size = max(1, length_of(frames) // 40)
        upstream = _upstream(frames, [size] * math.ceil(length_of(frames) / size))
        assert upstream is not None
        yielded = 0
        for chunk in streamed(block, copied(sequence), upstream):
            yielded += len(chunk)
            needed = math.ceil(yielded / ratio) + ahead
            allowed = max(1, math.ceil(needed / size)) * size
            if upstream.read > allowed and not chunk.last:
                fail(
                    f"it has read {upstream.read} frames when it has yielded {yielded}, in chunks "
                    f"of {size}; for these it needs {needed}"
                    + (f", {ahead} of them ahead" if ahead else ""),
                    "yield what can be made before reading on; if it must look further, state that "
                    "in the suite: look_ahead = FRAMES (and frame_ratio, if it changes the rate)",
                )

    @promise("lazy")
    def test_a_long_stream_runs_in_flat_memory(
        self, block: Any, sequence: Tensors, frames: Frames
    ) -> None:
        """Check that memory does not grow with an endless upstream."""
        if frames is None:
            pytest.skip(f"{BEGINS}: a sentence is what it may hold")
        size = max(1, length_of(frames) // 50)
        block, _ = block.planned(Schedule((size,)))
        read = [0]
        stream = streamed(block, copied(sequence), _endless(frames, size, read))
        tracing = tracemalloc.is_tracing()
        tracemalloc.start()
        try:
            used = []
            next(stream, None)
            if read[0] >= 2 * ROUNDS * size:
                fail(
                    "it reads an endless upstream to its end before it yields",
                    "yield what can be made before reading on",
                )
            for frame in (ROUNDS // 2 * size, ROUNDS * size):
                while read[0] < frame and next(stream, None) is not None:
                    pass
                gc.collect()
                used.append(tracemalloc.get_traced_memory()[0])
        finally:
            if not tracing:
                tracemalloc.stop()
            with contextlib.suppress(RuntimeError):  # how it closes is another check
                _close(stream)
        fed = sum(np.asarray(t)[..., :size].nbytes for t in frames.values()) * ROUNDS // 2
        grown = used[1] - used[0]
        if grown > GROWTH and grown > 0.2 * fed:
            fail(
                f"while it read {fed >> 10} KiB it kept {grown >> 10} KiB more than before",
                "forget what was yielded, but for what the next chunk needs",
            )

    @promise("threads")
    def test_many_streams_at_once_give_what_each_gives_alone(
        self, block: Any, sequence: Tensors, frames: Frames
    ) -> None:
        """Check streams that are pulled in turn, and streams on eight threads."""
        inputs = [_shortened(frames, n) for n in range(8)]
        cuts = [parts_of(f, 3 + n) for n, f in enumerate(inputs)]
        pairs = list(zip(inputs, cuts, strict=True))
        alone = [self._whole(block, sequence, f, sizes) for f, sizes in pairs]
        streams = [self._stream(block, sequence, f, sizes) for f, sizes in pairs[:3]]
        parts: list[list[Chunk]] = [[] for _ in streams]
        for row in itertools.zip_longest(*streams):
            for number, chunk in enumerate(row):
                parts[number] += [] if chunk is None else [chunk]
        in_turn = [collected(chunks) for chunks in parts]
        threaded = all_at_once(lambda n: self._whole(block, sequence, *pairs[n]))
        for how, made in (("pulled in turn", in_turn), ("on threads of their own", threaded)):
            for expected, one in zip(alone, made, strict=False):
                require_same(
                    expected, one, self.tolerance, f"with other streams, {how}", IN_GENERATOR
                )

    @promise("closes")
    @pytest.mark.parametrize("pulled", [0, 1, 2], ids=["unread", "first", "second"])
    def test_closing_early_frees_everything(
        self, block: Any, sequence: Tensors, frames: Frames, pulled: int
    ) -> None:
        """Check that a closed stream holds nothing of the utterance and leaves no thread."""
        threads = set(threading.enumerate())
        given = copied(sequence)
        upstream = _upstream(frames, parts_of(frames, 20))
        arrays = [weakref.ref(tensor) for tensor in given.values()]
        stream = streamed(block, given, upstream)
        for _ in range(pulled):
            chunk = next(stream, None)
            arrays += [weakref.ref(t) for t in (chunk.tensors if chunk else {}).values()]
            del chunk
        if upstream is not None:
            arrays += upstream.arrays
        held = None if upstream is None else weakref.ref(upstream)
        try:
            _close(stream)
        except RuntimeError as error:
            fail(
                f"it does not end when it is closed: {error}",
                "let GeneratorExit pass: no 'except BaseException' or bare 'except' around yield",
            )
        if not pulled or not hasattr(stream, "close"):
            del stream  # a generator that did not begin is freed with its last reader
        del given, upstream
        gc.collect()
        if held is not None and held() is not None:
            fail(
                "closed, it still holds its upstream",
                f"{IN_GENERATOR}, not in the block; an iterator of your own class needs close()",
            )
        alive = sum(array() is not None for array in arrays)
        if alive:
            fail(
                f"closed, it still holds {alive} of the arrays that it was given or made",
                IN_GENERATOR,
            )
        require_ended(threads)


def _upstream(frames: Frames, sizes: Sequence[int]) -> Upstream | None:
    return None if frames is None else Upstream(chunks_of(frames, sizes))


def _close(stream: Any) -> None:
    close = getattr(stream, "close", None)
    if close is not None:
        close()


def _endless(frames: Mapping[str, Any], size: int, read: list[int]) -> Iterator[Chunk]:
    """Yield the same frames repeatedly, far beyond what is needed; count those read."""
    while read[0] < 2 * ROUNDS * size:
        for chunk in chunks_of(frames, [size] * (length_of(frames) // size)):
            start, read[0] = read[0], read[0] + len(chunk)
            yield chunk.replace(start=start, last=False)
    yield next(chunks_of({n: np.asarray(t)[..., :0] for n, t in frames.items()})).replace(
        start=read[0]
    )


def _shortened(frames: Frames, number: int) -> Frames:
    """Return the same frames without some at the end."""
    if frames is None:
        return None
    total = length_of(frames)
    end = total - total * number // 16
    return {name: np.asarray(tensor)[..., :end] for name, tensor in frames.items()}
