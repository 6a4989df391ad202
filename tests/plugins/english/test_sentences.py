"""Sentence ends, and the little text that is read to find them."""

import pytest
from voxstack_english.sentences import split

CASES = [
    ("One. Two! Three? Four… Five", ["One.", "Two!", "Three?", "Four…", "Five"]),
    ("Wow!! Really?! Yes.", ["Wow!!", "Really?!", "Yes."]),
    ('He said "go." Then (so.) He went.', ['He said "go."', "Then (so.)", "He went."]),
    ('"What?" he said. "Yes!" She left.', ['"What?" he said.', '"Yes!"', "She left."]),
    (
        "Dr. Smith met Mr. and Mrs. Fox. They left.",
        ["Dr. Smith met Mr. and Mrs. Fox.", "They left."],
    ),
    ("J. R. R. Tolkien wrote. We read.", ["J. R. R. Tolkien wrote.", "We read."]),
    ("Cats, e.g. mine, i.e. two, etc. are here.", ["Cats, e.g. mine, i.e. two, etc. are here."]),
    ("Cats, dogs, etc. They left.", ["Cats, dogs, etc.", "They left."]),
    (
        "The U.S. Army came at 9 a.m. Then it left.",
        ["The U.S. Army came at 9 a.m.", "Then it left."],
    ),
    ("No. 5 is no. Four is not.", ["No. 5 is no.", "Four is not."]),
    ("On Jan. 5 we met. Good.", ["On Jan. 5 we met.", "Good."]),
    ("It is 3.14. See README.md or a.b.c now.", ["It is 3.14.", "See README.md or a.b.c now."]),
    ("Wait... and then... Nothing.", ["Wait... and then...", "Nothing."]),
    ("It was I. We left.", ["It was I.", "We left."]),
    ("one line\nand the next\n\nnew one", ["one line\nand the next", "new one"]),
    ("# Title\nbody text\n", ["# Title", "body text"]),
    ("- one\n- two\n  goes on\nafter", ["- one", "- two\n  goes on", "after"]),
    ("## 1. Words\nbody", ["## 1. Words", "body"]),
    ("1. First\n2. Second", ["1. First", "2. Second"]),
    ("> quoted\n> words\n\nafter", ["> quoted\n> words", "after"]),
    ("Run:\n```toml\na = 1\nb. c\n```\nDone.", ["Run:", "a = 1", "b. c", "Done."]),
    ("| a | b |\n|---|---|\n| c | d |", ["| a | b |", "|---|---|", "| c | d |"]),
    ("\r\n one \r\n\r\n two", ["one", "two"]),
    ("", []),
    (" \n ", []),
]


def texts(text, **options):
    return [passage.text for passage in split(text, **options)]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_text_is_split_where_sentences_end(text, expected):
    assert texts([text]) == expected


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_the_pieces_that_text_comes_in_do_not_matter(text, expected):
    assert texts(list(text)) == expected


@pytest.mark.parametrize("text", [text for text, _ in CASES])
def test_a_passage_knows_its_place(text):
    for passage in split([text]):
        assert text[passage.start :].startswith(passage.text)


@pytest.mark.parametrize(
    "pieces",
    [
        ["It is here. "],
        ["It is", " here.", "\n"],
        ["Is it? "],
        ["a title\n\n"],
        ["# a title\n", "text"],
        ['"So." ', "He"],
        ["Wait... ", "The"],
    ],
)
def test_a_sentence_comes_before_more_is_read(pieces):
    def read():
        yield from pieces
        raise AssertionError("read too far")

    assert next(split(read())).text.strip("# ")


def test_a_text_without_an_end_is_cut_at_a_phrase():
    endless = ("word " * 30 + "and, " for _ in iter(int, 1))
    first = next(split(endless, limit=400))
    assert len(first.text) <= 400
    assert first.text.endswith("and,")


def test_nothing_is_lost_between_passages():
    text = "Some words, e.g. 3.5 of them! " * 300 + "x" * 3000
    assert "".join("".join(texts([text])).split()) == "".join(text.split())


def test_the_window_stays_small_on_a_megabyte():
    from voxstack_english.sentences import _Splitter

    splitter = _Splitter(["The word goes on. " * 60_000], 1000)
    count = sum(1 for _ in splitter if len(splitter.text) < 10_000)
    assert count == 60_000
