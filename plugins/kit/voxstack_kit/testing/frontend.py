"""The suite of frontends."""

from __future__ import annotations

import gc
import tracemalloc
import weakref
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any, final

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from voxstack import InputError, Sentence, Symbols
from voxstack.inspection import options_of

from voxstack_kit.testing.blocks import all_at_once, names
from voxstack_kit.testing.failures import fail
from voxstack_kit.testing.streams import differences
from voxstack_kit.testing.suite import EXAMPLES, ComponentSuite, promise
from voxstack_kit.testing.texts import ODD, TEXTS

SENTENCES = 60  # of an endless text, between two looks at the memory
GROWTH = 256 << 10  # bytes by which memory may grow meanwhile
READ_AHEAD = 2  # sentences of which the second may be read before the first is given


class FrontendSuite(ComponentSuite):
    """Check what voxstack requires of a Frontend. A complete test module::

        import pytest
        from acme import Letters
        from voxstack import Symbols
        from voxstack_kit.testing import FrontendSuite

        class TestLetters(FrontendSuite):
            @pytest.fixture
            def frontend(self):
                return Letters(Symbols({"letter": {"a": 0, "b": 1}}))

            @pytest.fixture
            def texts(self):
                return ["Ab. Ba."]

    Fixtures: ``frontend``, with what a host gives it: the symbol tables of a voice. ``texts``, in
    its language, of several sentences each; by default English.

    Attribute: ``requirements``. What it states that it does not do is not asked of it, as by
    ``requirements = Requirements(odd_text=False)``: any_pieces (which asks for the same sentences
    each time, too), odd_text, lazy, closes, threads, errors; documented, round_trip,
    wrong_options, frozen, light_import.
    """

    @pytest.fixture
    def frontend(self) -> Any:
        """Return the frontend; every suite overrides this."""
        fail(
            f"{type(self).__name__} has no fixture 'frontend'",
            "write: @pytest.fixture def frontend(self): return MyFrontend(Symbols({...}))",
        )

    @pytest.fixture
    def component(self, frontend: Any) -> Any:
        """Return the frontend."""
        return frontend

    @pytest.fixture
    def texts(self) -> Sequence[str]:
        """Return texts of several sentences each."""
        return TEXTS

    def test_sentences_are_whole(self, frontend: Any, texts: Sequence[str]) -> None:
        """Check that tensors are as declared, ids known to the voice, marks and breaks in order."""
        tables = [
            set(table.values())
            for option in options_of(frontend)
            if isinstance(symbols := getattr(frontend, option.name), Symbols)
            for table in symbols.tables.values()
        ]
        for text in texts:
            sentences = list(frontend.sentences([text]))
            if not sentences:
                fail(f"no sentence of {text!r}", "yield one, or raise InputError with the reason")
            end = 0
            for sentence in sentences:
                _require_sentence(sentence, frontend, tables)
                end = _require_spans(sentence, text, end)

    @promise("any_pieces")
    def test_text_in_any_pieces_gives_the_same_sentences(
        self, frontend: Any, texts: Sequence[str]
    ) -> None:
        """Check that the way the text is cut does not matter: single characters, empty pieces."""
        for text in texts:
            whole = list(frontend.sentences([text]))
            _require_made(frontend, [text], whole, "the same text again")
            _require_made(frontend, text, whole, "character by character")
            self._require_any_pieces(frontend, text, whole)

    def _require_any_pieces(self, frontend: Any, text: str, whole: list[Sentence]) -> None:
        @settings(EXAMPLES, max_examples=20)
        @given(st.lists(st.integers(0, len(text)), max_size=6))
        def any_pieces(cuts: list[int]) -> None:
            places = [0, *sorted(cuts), len(text)]
            pieces = [text[a:b] for a, b in pairwise(places)]
            _require_made(frontend, pieces, whole, f"in the pieces {pieces}")

        any_pieces()

    @promise("lazy")
    def test_a_sentence_comes_as_soon_as_its_end_is_certain(
        self, frontend: Any, texts: Sequence[str]
    ) -> None:
        """Check that text is read on demand only, and of an endless text only the next sentence."""
        for text in texts:
            pieces = _Pieces(text)
            sentences = frontend.sentences(pieces)
            if pieces.read:
                fail(
                    f"{pieces.read} characters were read before a sentence was asked for",
                    "write sentences() as a generator",
                )
            next(sentences)
            _close(sentences)
            if pieces.read > READ_AHEAD * len(text):
                fail(
                    f"the first sentence of {text!r} came when {pieces.read} characters were read",
                    "yield a sentence when the text after it shows that it has ended",
                )

    @promise("lazy")
    def test_endless_text_is_held_in_flat_memory(self, frontend: Any, texts: Sequence[str]) -> None:
        """Check that memory does not grow with the text."""
        sentences = frontend.sentences(_Pieces(texts[0]))
        tracing = tracemalloc.is_tracing()
        for _ in range(SENTENCES):
            next(sentences)
        tracemalloc.start()
        try:
            used = []
            for _ in range(2):
                for _ in range(SENTENCES):
                    next(sentences)
                gc.collect()
                used.append(tracemalloc.get_traced_memory()[0])
        finally:
            if not tracing:
                tracemalloc.stop()
            _close(sentences)
        if used[1] - used[0] > GROWTH:
            fail(
                f"{SENTENCES} sentences left {(used[1] - used[0]) >> 10} KiB in memory",
                "forget the text of sentences that were given",
            )

    @promise("lazy")
    def test_endless_text_without_an_end_of_a_sentence_is_spoken(
        self, frontend: Any, texts: Sequence[str]
    ) -> None:
        """Check that text without a full stop is spoken before it ends."""
        pieces = _Pieces("word ", most=200_000)
        sentences = frontend.sentences(pieces)
        next(sentences, None)
        _close(sentences)
        if pieces.read >= 200_000:
            fail(
                "text without a full stop is read on and on: 200,000 characters",
                "split what is longer than a breath, at a word",
            )

    @promise("odd_text")
    @pytest.mark.parametrize("what", ODD)
    def test_odd_text_is_spoken_or_refused(self, frontend: Any, what: str) -> None:
        """Check that a text gives sentences or an InputError, and nothing else."""
        _require_spoken(frontend, ODD[what], what)

    @promise("odd_text")
    def test_any_text_is_spoken_or_refused(self, frontend: Any) -> None:
        """Check arbitrary characters."""

        @settings(EXAMPLES, max_examples=60)
        @given(st.text(max_size=60))
        def any_text(text: str) -> None:
            _require_spoken(frontend, text, repr(text))

        any_text()

    @promise("threads")
    def test_many_threads_get_what_one_gets(self, frontend: Any, texts: Sequence[str]) -> None:
        """Check eight threads at once, each with its own text."""
        given = [" ".join([*texts, *texts][n % len(texts) :]) for n in range(8)]
        alone = [list(frontend.sentences([text])) for text in given]
        threaded = all_at_once(lambda n: list(frontend.sentences([given[n]])))
        for expected, made in zip(alone, threaded, strict=True):
            _require_same(expected, made, "on eight threads at once")

    @promise("closes")
    def test_closing_early_lets_the_text_go(self, frontend: Any, texts: Sequence[str]) -> None:
        """Check that a closed iterator holds nothing of the text."""
        pieces = _Pieces(texts[0])
        sentences = frontend.sentences(pieces)
        next(sentences)
        held = weakref.ref(pieces)
        _close(sentences)
        del pieces
        gc.collect()
        if held() is not None:
            fail(
                "closed, it still holds the text that it reads",
                "keep what a text needs in variables of the generator",
            )

    @promise("errors")
    def test_an_error_of_the_text_passes_through(self, frontend: Any, texts: Sequence[str]) -> None:
        """Check that an error of the iterator of pieces comes out unchanged."""
        fault = OSError("the writer is gone")

        def failing() -> Iterator[str]:
            yield texts[0]
            raise fault

        try:
            list(frontend.sentences(failing()))
        except Exception as error:
            if error is fault:
                return
            fail(
                f"an error of the text came out as {type(error).__name__}: {error}",
                "let what reading raises pass",
            )
        fail("an error of the text is swallowed", "let what reading raises pass")


def _require_sentence(sentence: Any, frontend: Any, tables: list[set[int]]) -> None:
    __tracebackhide__ = True
    if not isinstance(sentence, Sentence):
        fail(
            f"it yields {type(sentence).__name__}, expected voxstack.Sentence",
            "yield Sentence(text, tensors, marks)",
        )
    missing = [name for name in frontend.produces or () if name not in sentence.tensors]
    if missing:
        fail(f"it does not produce {names(missing)}, as declared", "fix produces, or produce them")
    lengths = {}
    for name, tensor in sentence.tensors.items():
        if not isinstance(tensor, np.ndarray) or tensor.ndim < 1 or tensor.shape[0] != 1:
            fail(
                f"{name!r} is {type(tensor).__name__} {list(np.shape(tensor))}",
                "return numpy arrays with a batch of 1 first: [1, T]",
            )
        if tensor.ndim > 1:
            lengths[name] = tensor.shape[-1]
    if len(set(lengths.values())) > 1:
        text = ", ".join(f"{name!r} has {length}" for name, length in lengths.items())
        fail(f"tensors over the symbols differ in length: {text}", "use one position per symbol")
    total = next(iter(lengths.values()), 0)
    ids = sentence.tensors.get("ids")
    if ids is not None and tables:
        there = set(ids.reshape(-1).tolist())
        if not any(there <= table for table in tables):
            fail(
                f"ids {sorted(there.difference(*tables)) or sorted(there)} are in no symbol table",
                'make them by symbols.ids("phone", names)',
            )
    starts = [mark.start for mark in sentence.marks]
    if starts != sorted(starts) or any(not 0 <= start < max(total, 1) for start in starts):
        fail(
            f"the marks begin at {starts}, in {total} symbols",
            "mark.start counts symbols; marks are in order",
        )
    if any(not 0 < place < total for place in sentence.breaks):
        fail(f"the breaks are at {list(sentence.breaks)}, in {total} symbols", "count symbols")


def _require_spans(sentence: Sentence, text: str, end: int) -> int:
    """Fail if marks do not refer to the text in order; return the end of the last."""
    __tracebackhide__ = True
    for mark in sentence.marks:
        if mark.span is None:
            continue
        first, after = mark.span
        if not 0 <= first <= after <= len(text) or first < end:
            fail(
                f"the mark {mark.value!r} has the span {mark.span} in {len(text)} characters, "
                f"after one that ends at {end}",
                "a span counts characters of the whole text, over all its pieces",
            )
        end = first
    return end


def _require_made(frontend: Any, pieces: Iterable[str], expected: list[Sentence], how: str) -> None:
    __tracebackhide__ = True
    try:
        made = list(frontend.sentences(pieces))
    except Exception as error:
        fail(
            f"{how}: {type(error).__name__}: {error}",
            "decide by what was written alone, not by how it came",
        )
    _require_same(expected, made, how)


def _require_same(expected: list[Sentence], got: list[Sentence], how: str) -> None:
    __tracebackhide__ = True
    advice = "decide by what was written alone, not by how it came; keep nothing outside"
    if [s.text for s in expected] != [s.text for s in got]:
        fail(
            f"{how}: the sentences are {[s.text for s in got]}, expected "
            f"{[s.text for s in expected]}",
            advice,
        )
    for one, other in zip(expected, got, strict=True):
        found = "; ".join(differences(one.tensors, other.tensors, 0.0))
        if (one.marks, one.breaks) != (other.marks, other.breaks):
            found = found or "its marks or breaks differ"
        if found:
            fail(f"{how}: in {one.text!r} {found}", advice)


def _require_spoken(frontend: Any, text: str, what: str) -> None:
    __tracebackhide__ = True
    spoken = False
    try:
        for sentence in frontend.sentences([text]):
            spoken = isinstance(sentence, Sentence)
    except InputError as error:
        if not str(error):
            fail(f"{what}: the InputError has no message", "name what cannot be spoken, and why")
        return
    except Exception as error:
        fail(
            f"{what}: {type(error).__name__}: {error}",
            "skip what cannot be spoken; raise InputError if nothing is left",
        )
    if not spoken:
        fail(f"{what}: neither a sentence nor an InputError", "raise InputError if nothing is left")


def _close(sentences: Any) -> None:
    close = getattr(sentences, "close", None)
    if close is not None:
        close()


@final
class _Pieces:
    """The same text repeated, word by word; counts the characters that were read."""

    def __init__(self, text: str, most: int = 1 << 30) -> None:
        self._words: list[str] = [f"{word} " for word in text.split()]
        self.most, self.read = most, 0

    def __iter__(self) -> Iterator[str]:
        while self.read < self.most:
            for word in self._words:
                self.read += len(word)
                yield word
