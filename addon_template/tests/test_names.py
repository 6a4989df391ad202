"""Any input leads to names that work, or to an error that suggests one."""

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
def test_any_text_leads_to_valid_names_or_a_valid_suggestion(text):
    try:
        names = names_of(text)
    except InputError as error:
        assert error.exit_code == 2
        offered = re.search(r"try: voxstack addon new (\S+)$", str(error))[1]
        names = names_of(offered)  # the suggestion is valid
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
def test_names_are_normalized_as_python_requires(given_, distribution, module, component):
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
        ("voxstack", "begins with 'voxstack'", "acme-voxstack"),
        ("voxstack-standard", "begins with 'voxstack'", "acme-standard"),
        ("streamable-block", "gives the class StreamableBlock", "acme-streamable-block"),
        ("exception", "gives the class Exception", "acme-exception"),
        ("numpy", "is an installed package, numpy", "acme-numpy"),
        ("attr", "is an installed module, attr", "acme-attr"),
        ("con", "is reserved by tools", "acme-con"),
        ("a" * 300, "has 300 characters, at most 40", "acme-" + "a" * 35),
    ],
)
def test_invalid_names_are_refused_with_a_suggestion(given_, reason, offered):
    with pytest.raises(InputError) as caught:
        names_of(given_)
    assert reason in str(caught.value)
    assert str(caught.value).endswith(f"try: voxstack addon new {offered}")


def test_the_suggestion_is_not_the_taken_name(monkeypatch, tmp_path):
    (tmp_path / "acme_taken.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(InputError, match=r"an installed module, acme_taken; .* new my-taken$"):
        names_of("acme-taken")


def test_the_users_own_installed_package_may_be_created_again(monkeypatch):
    class Installed:
        version = "0.1.0"
        entry_points = [type("EntryPoint", (), {"group": "voxstack.effects"})]

    monkeypatch.setattr("voxstack_template.names.distribution", lambda name: Installed)
    (note,) = names_of("acme-gain").notes
    assert note == "acme-gain 0.1.0 is installed; yours will replace it"
