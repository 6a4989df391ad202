"""Written forms, and the words that are spoken for them."""

import pytest
from voxstack_english.normalize import normalize


def spoken(text):
    words = [word for token in normalize(text).tokens for word in token.words]
    return " ".join(words).strip(" ,")


WRITTEN = [
    # numbers
    ("7", "seven"),
    ("1234 people", "twelve thirty four people"),
    ("1234 things", "one thousand two hundred thirty four things"),
    ("1,000,000", "one million"),
    ("3.14", "three point one four"),
    (".5", "point five"),
    ("-5", "minus five"),
    ("007", "zero zero seven"),
    ("21st", "twenty first"),
    ("103rd", "one hundred third"),
    ("1/2", "one half"),
    ("3/4", "three quarters"),
    ("2 1/2", "two and one half"),
    ("1½", "one and one half"),
    ("22/7", "twenty two sevenths"),
    ("50%", "fifty percent"),
    ("10-20", "ten to twenty"),
    ("10–20 kg", "ten to twenty kilograms"),
    ("1e-5", "one times ten to the minus five"),
    ("12345678901234567", "one two three four five six seven eight nine zero one two three four"
     " five six seven"),
    ("2 + 2 = 4", "two plus two equals four"),
    ("5 - 3", "five minus three"),
    ("800x600", "eight hundred by six hundred"),
    ("1.03x", "one point zero three times"),
    ("#1", "number one"),
    # years, dates, times
    ("in 1999", "in nineteen ninety nine"),
    ("2026", "twenty twenty six"),
    ("2007", "two thousand seven"),
    ("1905", "nineteen oh five"),
    ("the 1990s", "the nineteen nineties"),
    ("the '90s", "the nineties"),
    ("2026-3.14", "two thousand twenty six to three point one four"),
    ("so…3-4", "so , , , three to four"),
    ("1999-2005", "nineteen ninety nine to two thousand five"),
    ("2026-11-20", "november twentieth , twenty twenty six"),
    ("11/20/2026", "november twentieth , twenty twenty six"),
    ("Nov. 20, 2026", "november twentieth , twenty twenty six"),
    ("20 November", "the twentieth of november"),
    ("the 20th of May", "the twentieth of may"),
    ("June 1999", "june nineteen ninety nine"),
    ("3:30", "three thirty"),
    ("10:05 pm", "ten oh five P M"),
    ("14:00", "fourteen hundred"),
    ("3:00", "three o'clock"),
    ("5pm", "five P M"),
    # money and units
    ("$3.50", "three dollars and fifty cents"),
    ("$1", "one dollar"),
    ("$0.99", "ninety nine cents"),
    ("$2 million", "two million dollars"),
    ("£5", "five pounds"),
    ("€20", "twenty euros"),
    ("20€", "twenty euros"),
    ("¥100", "one hundred yen"),
    ("$5-$10", "five dollars to ten dollars"),
    ("5 km", "five kilometers"),
    ("1 kg", "one kilogram"),
    ("3 MHz", "three megahertz"),
    ("20°C", "twenty degrees celsius"),
    ("5 ms", "five milliseconds"),
    ("3MB", "three megabytes"),
    ("60 mph", "sixty miles per hour"),
    # strings of digits
    ("555-1234", "five five five , one two three four"),
    ("v1.2.3", "version one point two point three"),
    ("3D", "three D"),
    ("10-year-old", "ten year old"),
    # initialisms, mixed words
    ("FBI", "F B I"),
    ("NATO", "nato"),
    ("CPUs", "C P U's"),
    ("the FBI's", "the F B I's"),
    ("HELLO", "hello"),
    ("MP3", "M P three"),
    ("H2O", "H two O"),
    ("COVID-19", "covid nineteen"),
    ("GitHub", "github"),
    ("U.S. Army", "U S army"),
    ("J. R. R. Tolkien", "J R R tolkien"),
    ("World War II", "world war two"),
    ("Henry VIII", "henry the eighth"),
    ("Plan A", "plan A"),
    # abbreviations
    ("Dr. Smith", "doctor smith"),
    ("St. Louis", "saint louis"),
    ("Main St.", "main street"),
    ("No. 5", "number five"),
    ("e.g. this", "for example this"),
    ("cats, etc.", "cats , et cetera"),
    # signs, links, identifiers
    ("R&D", "R and D"),
    ("salt & pepper", "salt and pepper"),
    ("C++", "C plus plus"),
    ("cats vs dogs", "cats versus dogs"),
    ("A's and 1's", "A's and ones"),
    ("x >= 3", "x at least three"),
    ("9/11 at 50/50", "nine eleven at fifty fifty"),
    ("me@example.com", "me at example dot com"),
    ("https://example.com/path/", "example dot com slash path"),
    ("README.md", "readme dot M D"),
    ("snake_case_name", "snake case name"),
    ("camelCase", "camel case"),
    ("--executor NAME", "executor name"),
    ("drop-off", "drop off"),
    ("word--word", "word , word"),
    # Markdown
    ("# A heading", "a heading"),
    ("- an item", "an item"),
    ("**bold** and *thin* and `code`", "bold and thin and code"),
    ("[text](https://example.com)", "text"),
    ("[![badge](a.png)](b.html) <br> after", "badge after"),
    ("say <file>", "say file"),
    ("| one | two |", "one , two"),
    ("|---|:-:|", ""),
    # Unicode
    ("café naïve", "cafe naive"),
    ("cafe\u0301", "cafe"),
    ("it’s “so”", "it's so"),
    ("ﬁne", "fine"),
    ("x²", "x squared"),
    ("π", "pi"),
    ("yes 👍", "yes"),
    ("a\x00b\u200bc", "a bc"),
    ("\ud800 word", "word"),
]  # fmt: skip


@pytest.mark.parametrize(("written", "words"), WRITTEN)
def test_written_text_is_spoken_as_words(written, words):
    assert spoken(written) == words


@pytest.mark.parametrize("written", [written for written, _ in WRITTEN])
def test_a_token_has_its_place_in_the_input(written):
    text = f"So “é”, {written} ok"
    for token in normalize(text, start=100).tokens:
        if token.text:
            assert text[token.start - 100 :].startswith(token.text)


def test_words_of_another_script_are_listed_as_skipped():
    normalized = normalize("the word привет means hello")
    assert normalized.skipped == ["привет"]
    assert [token.text for token in normalized.tokens] == ["the", "word", "means", "hello"]


def test_a_word_of_ten_thousand_letters_is_cut():
    (token,) = normalize("a" * 10_000).tokens
    assert "".join(token.words) == "a" * 10_000
    assert max(map(len, token.words)) < 33
