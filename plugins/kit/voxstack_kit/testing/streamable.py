"""The suite of StreamableBlocks."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from typing import Any, NoReturn

import numpy as np
import pytest
from hypothesis import errors as hypothesis_errors
from hypothesis import given, settings
from hypothesis import strategies as st
from voxstack import Chunk, Mark, Schedule, Tensors, VoxstackError
from voxstack.inspection import MissingTensorError

from voxstack_kit.testing.blocks import copied, in_fixed_shapes, names, require_numbers
from voxstack_kit.testing.failures import CheckFailed, fail
from voxstack_kit.testing.streams import chunks_of, collected, cut, require_same, some_numbers
from voxstack_kit.testing.streams_base import Frames, length_of, parts_of, streamed
from voxstack_kit.testing.streams_resources import BEGINS, IN_GENERATOR, ResourceChecks
from voxstack_kit.testing.suite import EXAMPLES, promise, require_typed

COUNT = "count the frames that were yielded: chunk.replace(start=...) where they change"
SECONDS = 3.0  # that a check with many examples may take


class StreamableBlockSuite(ResourceChecks):
    """Check what voxstack requires of a StreamableBlock. A complete test module::

        import pytest
        from acme import Gain
        from voxstack_kit.testing import StreamableBlockSuite

        class TestGain(StreamableBlockSuite):
            @pytest.fixture
            def block(self):
                return Gain(db=-6.0)

    Fixtures: ``block``, as it is configured. ``frames``, the whole tensors that its upstream
    carries, ``{"mel": array}`` with time last; by default a second of ``audio``, or what its
    networks declare; None for a block that begins a row and reads ``sequence`` alone.
    ``sequence``, the Tensors of the sentence, with its marks; by default ``seed`` and ``sentence``.
    Both for a block in an installed voice:
    ``in_voice("en-us", "/stack/0/streamable_block/stack/4")``.

    Attributes: ``look_ahead`` (frames that it reads beyond those it yields), ``frame_ratio``
    (frames that it yields for each that it reads), ``tolerance``, ``fixed_tolerance``, and
    ``requirements``. What it states that it does not do is not asked of it, as by
    ``requirements = Requirements(lazy=False)``: any_sizes, lazy, closes, marks, empty, finite,
    declared, fixed_shapes, deterministic, threads, errors, leaves_input; documented,
    round_trip, wrong_options, frozen, light_import.
    """

    def test_chunks_follow_each_other(self, block: Any, sequence: Tensors, frames: Frames) -> None:
        """Check that each begins at the end of the one before, one is the last, all of one kind."""
        kinds: dict[str, Any] = {}
        place, last = 0, False
        for sizes in ((), parts_of(frames, 7)):
            place, last = 0, False
            for chunk in self._stream(block, sequence, frames, sizes):
                if isinstance(chunk, Chunk) and chunk.start != place:
                    self._fail_at(chunk, place, block, sequence, frames, sizes)
                _require_chunk(chunk, place, last, kinds)
                place, last = place + len(chunk), chunk.last
            if not last:
                fail(
                    "the stream ends without a chunk that is the last",
                    "yield one with last=True; it may be empty",
                )
        if frames is not None:
            for name, kind in kinds.items():
                if name in frames and kind[0] != np.asarray(frames[name]).dtype:
                    fail(
                        f"{name!r} comes as {np.asarray(frames[name]).dtype} and goes on as "
                        f"{kind[0]}",
                        "keep the dtype: .astype(chunk[name].dtype)",
                    )

    def _fail_at(
        self,
        chunk: Chunk,
        place: int,
        block: Any,
        sequence: Tensors,
        frames: Frames,
        sizes: Sequence[int],
    ) -> NoReturn:
        """Fail for a chunk that begins elsewhere, with the frames that are missing or too many."""
        __tracebackhide__ = True
        text = f"a chunk starts at {chunk.start}, and the one before ended at {place}"
        given = None if frames is None else length_of(frames)
        made = sum(len(c) for c in self._stream(block, sequence, frames, sizes))
        ratio = self._planned(block)[2]
        if given is None or made == given * ratio:
            fail(text, COUNT)
        fail(
            f"{text}: {given} frames went in, and {made} came out",
            f"yield {'a frame' if ratio == 1 else f'{ratio:g} frames'} for each that is read, and "
            "carry over what the next chunk needs; if it is to change the rate, count the frames "
            "that were yielded, chunk.replace(start=...), and set frame_ratio in the suite",
        )

    @promise("finite")
    def test_it_yields_finite_numbers(self, block: Any, sequence: Tensors, frames: Frames) -> None:
        """Check that audio is float, everything numeric, and no float NaN or infinite."""
        for chunk in self._stream(block, sequence, frames, parts_of(frames, 7)):
            for name, tensor in chunk.tensors.items():
                require_numbers(name, tensor)

    @promise("any_sizes")
    def test_any_sizes_of_chunks_give_the_same_output(
        self, block: Any, sequence: Tensors, frames: Frames
    ) -> None:
        """Check that the sizes of chunks, upstream and wanted, do not change the frames."""
        began = time.perf_counter()
        whole = self._whole(block, sequence, frames)
        spent = time.perf_counter() - began
        count = max(6, min(30, int(SECONDS / max(spent, 1e-3))))
        total = 1 if frames is None else length_of(frames)
        most = max(1, total // 3)
        cuts = st.lists(st.integers(0, most) | st.integers(0, 3), max_size=8)
        asked = st.none() | st.lists(st.integers(1, 300), min_size=1, max_size=4)

        @settings(EXAMPLES, max_examples=count)
        @given(cuts, asked)
        def any_chunks(sizes: list[int], schedule: list[int] | None) -> None:
            how = f"fed {cut(sizes)}"
            planned = block
            if schedule is not None:
                planned, _ = block.planned(Schedule(tuple(schedule)))
                how += f", asked for chunks of {some_numbers(schedule)} frames"
            require_same(
                whole, self._whole(planned, sequence, frames, sizes), self.tolerance, how,
                "count frames from chunk.start, and carry over what the next chunk needs",
            )  # fmt: skip

        try:
            any_chunks()
        except hypothesis_errors.Flaky:
            fail(
                "for the same chunks it yields two different outputs",
                f"yield the same for the same input and seed; {IN_GENERATOR}",
            )

    @promise("deterministic")
    def test_the_same_input_gives_the_same_output(
        self, block: Any, sequence: Tensors, frames: Frames
    ) -> None:
        """Check that it yields the same bytes when it runs twice."""
        sizes = parts_of(frames, 5)
        first = self._whole(block, sequence, frames, sizes)
        require_same(
            first, self._whole(block, sequence, frames, sizes), 0.0,
            "run again on the same frames",
            "draw what is random from a generator seeded with sequence['seed'] and ['sentence']",
        )  # fmt: skip

    @promise("leaves_input")
    def test_what_it_is_fed_is_left_as_it_is(
        self, block: Any, sequence: Tensors, frames: Frames
    ) -> None:
        """Check that it does not change chunks and sequence tensors, which other blocks read."""
        given = copied(sequence)
        fed = [] if frames is None else list(chunks_of(frames, parts_of(frames, 5)))
        before = collected(fed)
        for _ in streamed(block, given, None if frames is None else iter(fed)):
            pass
        advice = "make new arrays: audio * factor, not audio *= factor"
        require_same(before, collected(fed), 0.0, "the chunks that it read have changed", advice)
        require_same(sequence, given, 0.0, "the sequence tensors have changed", advice)

    @promise("marks")
    def test_marks_are_passed_on_once_and_in_order(
        self, block: Any, sequence: Tensors, frames: Frames
    ) -> None:
        """Check that each mark is in the chunk in which it begins, at its place in the new rate."""
        ratio = self._planned(block)[2]
        given = sequence.marks if frames is None else _marks(length_of(frames))
        if not given:  # it begins a row, and places are symbols
            given = _marks(_symbols(sequence))
            sequence = Tensors(sequence, given)
        for sizes in ((), parts_of(frames, 9)):
            came: list[Mark] = []
            total = 0
            for chunk in self._stream(block, sequence, frames, sizes, given):
                total += len(chunk)
                for mark in chunk.marks:
                    after = math.inf if chunk.last else chunk.start + len(chunk)
                    if not chunk.start <= mark.start < max(after, chunk.start + 1):
                        fail(
                            f"the mark {mark.value!r} is at {mark.start} and comes with the chunk "
                            f"from {chunk.start} to {chunk.start + len(chunk)}",
                            "yield a mark with the chunk in which it begins: mark.moved(place)",
                        )
                came += chunk.marks
            own = [mark for mark in came if (mark.kind, mark.value) in _known(given)]
            if [m.value for m in own] != [m.value for m in given]:
                fail(
                    f"the marks {[m.value for m in given]} came out as {[m.value for m in own]}",
                    "chunk.replace(...) keeps them; a chunk of your own has marks=chunk.marks",
                )
            if frames is not None and ratio == int(ratio):
                wrong = [m for m, g in zip(own, given, strict=True) if m.start != g.start * ratio]
                if wrong:
                    fail(
                        f"the mark {wrong[0].value!r} came out at {wrong[0].start}, out of place",
                        "mark.start counts frames of the utterance at the rate of its chunk",
                    )

    @promise("empty")
    def test_an_utterance_without_frames_is_one(
        self, block: Any, sequence: Tensors, frames: Frames
    ) -> None:
        """Check that one empty last chunk gives a stream with one last chunk."""
        if frames is None:
            pytest.skip("it begins a row, and every sentence has symbols")
        self._whole(block, sequence, frames)  # a failure with frames is reported as it is
        nothing = {name: np.asarray(tensor)[..., :0] for name, tensor in frames.items()}
        kinds: dict[str, Any] = {}
        place, last = 0, False
        try:
            for chunk in self._stream(block, sequence, nothing):
                _require_chunk(chunk, place, last, kinds)
                place, last = place + len(chunk), chunk.last
        except CheckFailed:
            raise
        except Exception as error:
            fail(
                f"an utterance without frames raises {type(error).__name__}: {error}",
                "a chunk may be empty: [1, 0]",
            )
        if not last:
            fail("an utterance without frames has no last chunk", "yield one, empty, last=True")

    @promise("errors")
    def test_a_missing_tensor_is_named(self, block: Any, sequence: Tensors, frames: Frames) -> None:
        """Check that without a tensor that it reads it raises a VoxstackError that names it."""
        self._whole(block, sequence, frames)  # a failure with all of them is reported as it is
        for name in sequence:
            left = copied({n: t for n, t in sequence.items() if n != name})
            _require_named(block, Tensors(left, sequence.marks), frames, name)
        for name in frames or ():
            kept = {n: t for n, t in (frames or {}).items() if n != name}
            kept = kept or {"another_tensor": np.asarray((frames or {})[name])}
            left = copied({n: t for n, t in sequence.items() if n != name})
            _require_named(block, Tensors(left, sequence.marks), kept, name)

    @promise("errors")
    def test_an_error_of_upstream_passes_through(
        self, block: Any, sequence: Tensors, frames: Frames
    ) -> None:
        """Check that an error of the block before comes out unchanged."""
        if frames is None:
            pytest.skip(f"{BEGINS}: nothing before it can fail")
        self._whole(block, sequence, frames)  # a failure without a fault is reported as it is
        fault = VoxstackError("upstream has failed")

        def failing() -> Iterator[Chunk]:
            first = next(chunks_of(frames, [max(1, length_of(frames) // 2)]))
            yield first.replace(last=False)
            raise fault

        try:
            for _ in streamed(block, copied(sequence), failing()):
                pass
        except VoxstackError as error:
            if error is not fault and error.__cause__ is not fault:
                fail(
                    f"an error of upstream came out as {type(error).__name__}: {error}",
                    "let what upstream raises pass",
                )
        except Exception as error:
            fail(
                f"an error of upstream came out as {type(error).__name__}: {error}",
                "let what upstream raises pass",
            )
        else:
            fail("an error of upstream is swallowed", "let what upstream raises pass")

    @promise("declared")
    def test_it_makes_what_it_declares(self, block: Any, sequence: Tensors, frames: Frames) -> None:
        """Check that it yields every tensor of ``produces``, from ``consumes`` alone."""
        given, fed = sequence, frames
        if block.consumes is not None:
            wanted = set(block.consumes)
            given = Tensors({n: t for n, t in sequence.items() if n in wanted}, sequence.marks)
            if frames is not None:
                kept = {n: t for n, t in frames.items() if n in wanted}
                fed = kept or dict([next(iter(frames.items()))])
        try:
            upstream = None if fed is None else chunks_of(fed)
            made = collected(streamed(block, copied(given), upstream))
        except MissingTensorError as error:
            fail(
                f"it needs {error.name!r}, which it does not declare to consume",
                f"add {error.name!r} to consumes, or to the suite's fixtures if it is there",
            )
        missing = [name for name in block.produces or () if name not in made]
        if missing:
            fail(
                f"it declares to produce {names(missing)} and does not; it made: "
                f"{names(list(made))}",
                "fix produces, or produce them",
            )

    @promise("fixed_shapes")
    def test_fixed_shapes_give_the_same(
        self, block: Any, sequence: Tensors, frames: Frames
    ) -> None:
        """Check that with networks padded to fixed shapes it yields the same to 1e-4."""
        fixed = in_fixed_shapes(block)
        whole = self._whole(block, sequence, frames)
        for sizes in ((), parts_of(frames, 6)):
            require_same(
                whole, self._whole(fixed, sequence, frames, sizes), self.fixed_tolerance,
                "with its networks in fixed shapes",
                "run networks by voxstack.run_network, and export them with a mask",
            )  # fmt: skip


def _require_chunk(chunk: Any, place: int, ended: bool, kinds: dict[str, Any]) -> None:
    """Fail if a chunk does not follow at ``place``; ``kinds`` collects dtypes and shapes."""
    __tracebackhide__ = True
    if not isinstance(chunk, Chunk):
        fail(f"it yields {type(chunk).__name__}, expected voxstack.Chunk", "yield Chunk({...})")
    if ended:
        fail("a chunk comes after the last one", "yield one chunk with last=True, and return")
    if chunk.start != place:
        fail(f"a chunk starts at {chunk.start}, and the one before ended at {place}", COUNT)
    for name, tensor in chunk.tensors.items():
        array = np.asarray(tensor)
        if array.ndim < 2 or array.shape[0] != 1:
            fail(
                f"{name!r} has the shape {list(array.shape)}, expected [1, ..., frames]",
                "put the batch axis in front: array[None]",
            )
        if array.shape[-1] != len(chunk):
            fail(
                f"{name!r} has {array.shape[-1]} frames in a chunk of {len(chunk)}",
                "use one length for all tensors of a chunk; leave out those of another rate",
            )
        kind = (array.dtype, array.shape[:-1])
        if kinds.setdefault(name, kind) != kind:
            fail(
                f"{name!r} is {array.dtype} {list(array.shape)} in one chunk, and "
                f"{kinds[name][0]} {[*kinds[name][1], 'frames']} in another",
                "use one dtype and shape in every chunk, empty ones included",
            )


def _require_named(block: Any, sequence: Tensors, frames: Frames, name: str) -> None:
    __tracebackhide__ = True
    upstream = None if frames is None else chunks_of(frames)
    try:
        for _ in streamed(block, sequence, upstream):
            pass
    except Exception as error:
        require_typed(error, name, "it")


def _marks(total: int) -> tuple[Mark, ...]:
    """Return marks at the beginning, two at one place, and one at the last frame."""
    places = (0, total // 3, total // 3, total // 2, total - 1)
    return tuple(Mark("word", f"word {i}", place) for i, place in enumerate(places))


def _symbols(sequence: Tensors) -> int:
    """Return a number of symbols that a sentence has at least."""
    return max(1, min((np.shape(t)[-1] for t in sequence.values() if np.ndim(t) > 1), default=1))


def _known(marks: Sequence[Mark]) -> set[tuple[str, str]]:
    return {(mark.kind, mark.value) for mark in marks}
