"""A value of a configuration is shown as its author wrote it."""

import json
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from voxstack import ConfigError
from voxstack.errors import LONGEST_VALUE, shown

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@pytest.mark.parametrize(
    "text", ["null", "true", "-6", "1.0", '"it\'s"', '{"a": [1, false]}', "[]"]
)
def test_it_is_json(text):
    assert shown(json.loads(text)) == text


@given(PLAIN)
def test_it_is_one_short_line_that_only_prints(value):
    assert len(shown(value)) <= LONGEST_VALUE
    assert shown(value).isprintable()


def test_a_long_value_is_not_written_out_to_be_cut():
    class Endless(list):
        def __iter__(self):
            for n in range(1000):
                assert n < 100, "it was written out"
                yield n

    assert shown(Endless([1])).endswith("...")


def test_what_json_cannot_say_is_shown_as_python_does():
    assert shown({1, 2}) == "{1, 2}"


def test_a_date_is_shown_as_toml_has_it():
    values = tomllib.loads("day = 2020-01-01\nwithin = [07:32:00]")
    assert shown(values["day"]) == "2020-01-01"
    assert shown(values) == '{"day": "2020-01-01", "within": ["07:32:00"]}'


def test_an_executor_that_cannot_be_made_is_named_as_it_was_written(tiny_host):
    with pytest.raises(ConfigError, match=r'the executor \{"type": "Nope", "on": true\} cannot'):
        tiny_host(options={"executor": {"type": "Nope", "on": True}}).voice("tiny")
