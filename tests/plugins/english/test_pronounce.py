"""Words to phones."""

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st
from voxstack_english.pronounce import DATA, lexicon, pronounce


@pytest.mark.parametrize(
    ("word", "phones"),
    [
        ("record", "r eh1 k er0 d"),  # lexicon
        ("voxstack", "v aa1 k s t ae1 k"),  # letter to sound
        ("don't", "d ow1 n t"),
        ("couldn't", "k uh1 d n t"),
        ("we'll", "w iy1 l"),
        ("dog's", "d ao1 g z"),
        ("cat's", "k ae1 t s"),
        ("church's", "ch er1 ch ax0 z"),
        ("A", "ey1"),
        ("U's", "y uw1 z"),
        ("W", "d ah1 b ax0 l y uw0"),
    ],
)
def test_a_word_has_its_phones(word, phones):
    assert " ".join(pronounce(word)) == phones


@given(st.text(min_size=1))
def test_no_word_is_silent(word):
    assert pronounce(word)


def test_every_entry_of_the_lexicon_is_found():
    lines = (DATA / "lexicon.txt").read_text(encoding="ascii").splitlines()
    assert lines == sorted(lines, key=lambda line: line.split("\t")[0])
    for line in [*lines[:50], *lines[1000::97], *lines[-50:]]:
        word, phones = line.split("\t")
        assert " ".join(lexicon().get(word)) == phones
    assert lexicon().get("zzzzz") is lexicon().get("") is lexicon().get("abacu") is None


def test_many_threads_pronounce_equally():
    words = [f"word{letter}s" for letter in "abcdefghij"] * 20
    expected = [pronounce.__wrapped__(word) for word in words]
    results = []
    threads = [
        threading.Thread(target=lambda: results.append([pronounce.__wrapped__(w) for w in words]))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [expected] * 8
