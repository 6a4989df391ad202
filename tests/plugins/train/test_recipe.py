"""Recipes: strict, and all problems at once."""

import pytest
from voxstack import ConfigError, InputError
from voxstack_train.recipe import read_recipe
from voxstack_train.stages import builtin

SPEAKERS = '[[corpus.speakers]]\nname = "rms"\nteacher = "flite"\ncount = 5\n'
LEARNING = 'name = "x"\n' + SPEAKERS + "[acoustic]\nlearning = {{ {} }}\n"


def read(tmp_path, text):
    path = tmp_path / "recipe.toml"
    path.write_text(text)
    return read_recipe(path)


def test_the_shipped_recipes_are_read(recipes):
    assert {read_recipe(path).name for path in recipes.glob("*.toml")} >= {"en-us", "smoke"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (SPEAKERS, "option 'name' is missing"),
        ('name = "x"\n[corpus]\nspeakers = []\n', "the corpus has no speakers"),
        ('name = "x"\n' + SPEAKERS + SPEAKERS, "duplicate speaker"),
        ('name = "x"\nsped = 1\n' + SPEAKERS, "unknown option 'sped'.*'seed'"),
        ('name = "x"\nseed = "0"\n' + SPEAKERS, "expected a whole number"),
        ('name = "x"\n' + SPEAKERS.replace("rms", "bob"), "flite has no voice 'bob'"),
        (
            'name = "x"\n' + SPEAKERS.replace('teacher = "flite"\n', ""),
            "either teacher or recorded",
        ),
        (
            'name = "x"\n' + SPEAKERS + "[vocoder]\nspeakers = ['slt']\n"
            "learning = { steps = 1, rate = 1e-3 }\n",
            "the vocoder's speaker 'slt' is not in the corpus",
        ),
        (
            'name = "x"\n' + SPEAKERS + '[[export]]\nkind = "attention"\nfolder = "x"\nname = "x"\n'
            'version = "1"\ndescription = ""\nvocoder = "a:b"\n',
            "which this recipe does not train",
        ),
        ('name = "x"\nname = "y"\n', r":2:\d+: .*not TOML"),
        ('name = "../x"\n' + SPEAKERS, "the name '../x' must be"),
        ('name = "x"\nseed = -1\n' + SPEAKERS, "seed must be 0 or more, not -1"),
        ('name = "x"\n' + SPEAKERS.replace("= 5", "= 0"), "count must be 1 or more, not 0"),
        (LEARNING.format("steps = 0, rate = 1e-3"), "/acoustic/learning.*steps must be 1 or more"),
        (LEARNING.format("steps = 1, rate = 0.0"), "rate must be above 0, not 0"),
        (LEARNING.format("steps = 1, rate = 1, warmup = 0"), "warmup must be 1 or more, not 0"),
        (LEARNING.format("steps = 1, rate = 1, every = 0"), "every must be 1 or more, not 0"),
        (
            'name = "x"\n' + SPEAKERS + "[vocoder]\nspeakers = []\n"
            "learning = { steps = 1, rate = 1e-3 }\n",
            "the vocoder needs speakers",
        ),
    ],
)
def test_an_invalid_recipe_is_refused(tmp_path, text, message):
    with pytest.raises(ConfigError, match=f"(?s){message}"):
        read(tmp_path, text)


def test_a_missing_recipe_is_refused(tmp_path):
    with pytest.raises(InputError, match="cannot read"):
        read_recipe(tmp_path / "none.toml")


def test_held_out_sentences_are_not_trained_on():
    from voxstack_train.corpus.sentences import plain

    trained = {plain(text) for text in builtin("sentences")}
    for name in ("easy", "hard", "nasty"):
        assert not trained & {plain(text) for text in builtin(name)}


def test_the_sentences_are_many_and_cover_all_phones():
    from voxstack_train.corpus.sentences import coverage

    texts = builtin("sentences")
    assert len(texts) > 8000
    report = coverage(texts[:1500])
    assert report["phones"] == report["phones of"]
    assert report["questions"] > 50
    assert report["with numbers"] > 50


def test_phones_that_no_sentence_has_are_counted_as_none():
    from voxstack_train.corpus.sentences import coverage

    report = coverage(["A."])
    assert report["phones"] < report["phones of"]
    assert set(report["rarest phones"].values()) == {0}
