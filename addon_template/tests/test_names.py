"""Any name gives names that work, or an error that says what to give instead."""

import keyword
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from voxstack import InputError

pytest.importorskip("voxstack_template", reason="needs pip install ./addon_template")
from voxstack_template.names import names_of

WORDS = st.sampled_from(
    ["acme", "gain", "class", "json", "voxstack", "numpy", "con", "tests", "3", "é"]
)
ODD = st.text() | st.lists(WORDS, max_size=3).map("-".join)


@given(ODD)
@example("\ud800")
@example("-" * 50)
@example("acme-" + "a" * 35)
def test_any_text_gives_good_names_or_says_what_to_say_instead(text):
    try:
        names = names_of(text)
    except InputError as error:
        assert error.exit_code == 2
        offered = re.search(r"say: voxstack addon new (\S+)$", str(error))[1]
        names = names_of(offered)  # the advice is good
        assert names.distribution == offered
    assert re.fullmatch(r"[a-z][a-z0-9-]*", names.distribution) and len(names.distribution) <= 40
    assert names.module.isidentifier() and not keyword.iskeyword(names.module)
    assert names.component.isidentifier() and not keyword.iskeyword(names.component)


@pytest.mark.parametrize(
    ("given_", "distribution", "module", "component"),
    [
        ("acme-gain", "acme-gain", "acme_gain", "AcmeGain"),
        ("Acme_Gäin.2", "acme-gain-2", "acme_gain_2", "AcmeGain2"),
        ("my gain --", "my-gain", "my_gain", "MyGain"),
        ("Größe", "grosse", "grosse", "Grosse"),
    ],
)
def test_names_are_written_as_python_wants_them(given_, distribution, module, component):
    names = names_of(given_)
    assert (names.distribution, names.module, names.component) == (distribution, module, component)
    assert bool(names.notes) == (given_ != distribution)


@pytest.mark.parametrize(
    ("given_", "reason", "offered"),
    [
        ("", "has no letter from a to z", "acme-gain"),
        ("-", "has no letter from a to z", "acme-gain"),
        ("Gainж", "has letters beyond a to z", "acme-gain"),
        ("-x", "begins with a dash", "acme-x"),
        ("a/b", "is a path", "acme-b"),
        ("..\\x", "is a path", "acme-x"),
        ("3d", "does not begin with a letter", "acme-3d"),
        ("class", "is a reserved word", "acme-class"),
        ("None", "is a reserved word", "acme-none"),
        ("json", "standard library", "acme-json"),
        ("test", "standard library", "acme-test"),
        ("voxstack", "is voxstack's own", "acme-voxstack"),
        ("voxstack-standard", "is voxstack's own", "acme-standard"),
        ("streamable-block", "gives the class StreamableBlock", "acme-streamable-block"),
        ("exception", "gives the class Exception", "acme-exception"),
        ("numpy", "is an installed package, numpy", "acme-numpy"),
        ("attr", "is an installed module, attr", "acme-attr"),
        ("con", "keep for themselves", "acme-con"),
        ("a" * 300, "has 300 characters, 40 at most", "acme-" + "a" * 35),
    ],
)
def test_names_that_cannot_be_are_refused_with_another(given_, reason, offered):
    with pytest.raises(InputError) as caught:
        names_of(given_)
    assert reason in str(caught.value)
    assert str(caught.value).endswith(f"say: voxstack addon new {offered}")


def test_what_is_offered_is_not_what_is_taken(monkeypatch, tmp_path):
    (tmp_path / "acme_taken.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(InputError, match=r"an installed module, acme_taken; .* new my-taken$"):
        names_of("acme-taken")


def test_ones_own_package_that_is_installed_may_be_made_again(monkeypatch):
    class Installed:
        version = "0.1.0"
        entry_points = [type("EntryPoint", (), {"group": "voxstack.effects"})]

    monkeypatch.setattr("voxstack_template.names.distribution", lambda name: Installed)
    (note,) = names_of("acme-gain").notes
    assert note == "acme-gain 0.1.0 is installed: yours will replace it"
