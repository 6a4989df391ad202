"""Text to sentences of symbols and marks."""

import json
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from voxstack import InputError
from voxstack_english import English

RECORDED = (Path(__file__).parent / "prototype_rows.jsonl").read_text().splitlines()


@pytest.mark.parametrize("line", RECORDED, ids=lambda line: json.loads(line)["text"])
def test_plain_sentences_have_the_rows_of_the_voices_training(english, line):
    row = json.loads(line)
    (sentence,) = english.sentences([row["text"]])
    assert sentence.text == row["text"]
    for name in ("ids", "stress", "word_position", "function_word"):
        assert sentence.tensors[name].dtype == np.int64
        assert sentence.tensors[name].tolist() == [row[name]]


def test_a_question_is_distinguished_from_a_statement(english):
    sentences = english.sentences('Is it? It is. "Was it?" (Was it?!)')
    assert [s.tensors["question"].tolist() for s in sentences] == [[1], [0], [1], [1]]


def phones(english, text):
    names = {number: name for name, number in english.symbols.tables["phone"].items()}
    (sentence,) = english.sentences(text)
    return " ".join(names[number] for number in sentence.tensors["ids"][0])


def test_the_sounds_different_before_a_vowel(english):
    assert phones(english, "the apple") == "<start> dh iy ae p ax l <end>"
    assert phones(english, "the 8") == "<start> dh iy ey t <end>"
    assert phones(english, "the, apple") == "<start> dh ax pau ae p ax l <end>"


def test_pauses_are_single_and_inside_only(english):
    assert phones(english, "... no,, - (no) ...!") == "<start> n ow pau n ow <end>"


def test_a_verb_is_distinguished_from_its_noun(english):
    assert phones(english, "use") == "<start> y uw s <end>"
    assert phones(english, "to use") == "<start> t ax y uw z <end>"


@pytest.mark.parametrize(
    "text",
    [
        "Dr. Foo's café costs $3.50 at 10:05 pm, on Nov. 20, 2026.",
        "# Héllo\n\n- see [the docs](https://a.b/c) for `x_y`!\n\nnaïve “quo\u0301te”… 5–6 km²",
    ],
)
def test_marks_lead_back_to_the_written_token(english, text):
    for sentence in english.sentences(list(text)):
        first, *words = sentence.marks
        assert (first.kind, first.start) == ("sentence", 0)
        assert words
        assert [m.start for m in words] == sorted({m.start for m in words})
        for mark in words:
            assert mark.kind == "word"
            assert text[slice(*mark.span)] == mark.value
            assert sentence.tensors["word_position"][0, mark.start] in (1, 4)


def test_a_long_sentence_is_cut_at_a_phrase(symbols):
    english = English(symbols=symbols, max_words=8)
    text = "one two three four, five six seven eight nine and ten eleven twelve one two?"
    parts = list(english.sentences(text))
    assert [part.text for part in parts] == [
        "one two three four",
        "five six seven eight nine",
        "and ten eleven twelve one two?",
    ]
    assert [int(part.tensors["question"][0]) for part in parts] == [0, 0, 1]


def test_a_word_of_ten_thousand_letters_is_cut(english):
    sentences = list(english.sentences("ab" * 5000))
    assert len(sentences) > 5
    assert max(s.tensors["ids"].shape[1] for s in sentences) < 2000


def test_sentences_come_as_the_text_arrives(english):
    def read():
        yield "It is here. "
        raise AssertionError("read too far")

    assert next(english.sentences(read())).text == "It is here."


def test_an_endless_text_streams(english):
    endless = ("line of words\n" for _ in iter(int, 1))
    sentences = english.sentences(endless)
    assert all(next(sentences).tensors["ids"].shape[1] > 2 for _ in range(50))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "only spaces"),
        ("... --- !!", "only spaces"),
        ("👍", "only spaces"),
        ("Привет, мир.", "Cyrillic"),
        ("你好。", "Chinese"),
    ],
)
def test_nothing_to_speak_is_an_error_with_the_reason(english, text, found):
    with pytest.raises(InputError, match="nothing to speak") as raised:
        list(english.sentences([text]))
    assert found in str(raised.value)


def test_skipped_words_are_logged_once(english, monkeypatch):
    logged = []
    monkeypatch.setattr("voxstack.logs.Logger.warning", lambda *a, **fields: logged.append(fields))
    list(english.sentences("Hello мир. And привет again."))
    assert logged == [{"words": ["мир", "привет"], "count": 2}]


def test_own_pronunciations_win(symbols):
    english = English(symbols=symbols, pronunciations={"voxel": "b aa1"})
    assert phones(english, "Voxel") == "<start> b aa <end>"


WRITTEN = st.text(st.sampled_from("aAbS.,:;!?-–—'\"“”()[]{}<>#*_`|~/\\$€%&@+=^0123456789 \n\té½мπ"))


@settings(deadline=None, max_examples=300)
@given(st.one_of(st.text(), WRITTEN), st.integers(1, 5))
def test_any_text_is_spoken_or_refused(english, text, size):
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    try:
        sentences = list(english.sentences(pieces))
    except InputError:
        return
    for sentence in sentences:
        assert len({value.shape for n, value in sentence.tensors.items() if n != "question"}) == 1
        for mark in sentence.marks[1:]:
            assert text[slice(*mark.span)] == mark.value


TOKENS = (
    "Dr. U.S. e.g. 3.14 $5 5km 10:05 pm Nov. 20, 2026 a A b Word WORD it's -x --long a_b __init__ "
    "**bold** `c` x=1 -> 1/2 3-4 – — … . , ! ? : ; \" ' é µs 5° v1.2 1e5 0xFF 007 #1 - 1. & a@b.c "
    "http://a.b/c C++ % 50% 1st 1990s '90s 12:30:15 12/31/1999 +1 555-1234 1,000,000 .5 5. 5K 3D ²"
)


@settings(deadline=None, max_examples=300)
@given(
    st.lists(st.sampled_from(TOKENS.split()), min_size=1, max_size=8),
    st.sampled_from(["", " ", "\n"]),
)
def test_every_letter_and_digit_belongs_to_a_spoken_token(english, tokens, space):
    text = "so " + space.join(tokens)
    spans = [m.span for s in english.sentences([text]) for m in s.marks if m.span]
    covered = {place for span in spans for place in range(*span)}
    written = {place for place, c in enumerate(text) if c.isascii() and c.isalnum()}
    assert written <= covered


@given(st.lists(st.from_regex(r"[A-Za-z]{1,12}", fullmatch=True), min_size=1, max_size=30))
def test_no_plain_word_is_dropped(english, words):
    marks = [m for s in english.sentences(" ".join(words)) for m in s.marks if m.kind == "word"]
    assert [mark.value for mark in marks] == words


def test_threads_share_a_frontend(english):
    text = "In 1999, Dr. Foo paid $3.50 for 21 apples. The end."
    expected = [s.tensors["ids"].tolist() for s in english.sentences(text)]
    results = []

    def work():
        results.append([s.tensors["ids"].tolist() for s in english.sentences(text)])

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [expected] * 8


def test_plain_text_imports_no_number_words():
    code = (
        "import sys, voxstack_english as v; from voxstack_english.pronounce import pronounce;"
        "from voxstack_english.normalize import normalize; normalize('Plain words, Dr. Foo.');"
        "sys.exit('inflect' in sys.modules or 'structlog' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_max_words_must_be_positive(symbols):
    with pytest.raises(ValueError, match="1 or more"):
        English(symbols=symbols, max_words=0)
