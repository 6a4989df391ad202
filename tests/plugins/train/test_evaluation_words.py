"""What a recognizer's words say about dropped, repeated and mumbled ones."""

import pytest
from voxstack_train.evaluation.words import Words, compared, errors, words_of

pytest.importorskip("jiwer")

SAID = words_of("The cat sat on the mat.")


@pytest.mark.parametrize(
    ("heard", "found"),
    [
        ("the cat sat on the mat", Words(6)),
        ("the cat on the mat", Words(6, dropped=1)),
        ("", Words(6, dropped=6)),
        ("the cat cat sat on the mat", Words(6, repeated=1)),
        ("the cat sat the cat sat on the mat", Words(6, repeated=3)),
        ("the cat sat on on mat", Words(6, repeated=1)),
        ("the bat sat on the mat", Words(6, mumbled=1)),
        ("the cat sat right on the mat", Words(6, added=1)),
    ],
)
def test_each_kind_of_error_is_distinguished(heard, found):
    assert compared(SAID, heard.split()) == found


def test_a_word_that_is_its_own_neighbor_can_be_dropped():
    assert compared(words_of("no no no no"), ["no", "no"]) == Words(4, dropped=2)


def test_the_kinds_together_are_the_word_error():
    heard = ["the", "the", "bat", "on", "the", "mat", "please"]
    assert compared(SAID, heard).errors == errors(SAID, heard)


def test_words_are_without_signs_and_case():
    assert words_of("Don't, St. Ives: 'B' - yes!") == ["don't", "st", "ives", "'b'", "yes"]
