"""Documents: JSON with known positions, and edits by JSON pointer."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from voxstack import ConfigError, InputError
from voxstack.config import (
    Document,
    lookup,
    parse_json,
    parse_value,
    split,
)
from voxstack.config.documents import MAX_DEPTH, scan_positions
from voxstack.errors import escape

keys = st.text(st.sampled_from('ab/~"\\ é\n{}[],:'), max_size=5)
scalars = st.none() | st.booleans() | st.integers() | keys | st.sampled_from([0.5, -1e-7, 1e300])
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=12,
)


def pointers(value, pointer=""):
    yield pointer, value
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from pointers(inner, f"{pointer}/{escape(key)}")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from pointers(inner, f"{pointer}/{index}")


def offset(text, line, column):
    return sum(len(part) + 1 for part in text.split("\n")[: line - 1]) + column - 1


@settings(max_examples=60, deadline=None)
@given(
    values,
    st.sampled_from([None, 0, 1, 3, "\t", " \n"]),
    st.booleans(),
    st.sampled_from(["", "\n", " \r\n "]),
)
def test_the_position_of_every_pointer_points_at_its_value(value, indent, ascii_, before):
    text = before + json.dumps(value, indent=indent, ensure_ascii=ascii_) + "\n"
    document = parse_json(text)
    for pointer, inner in pointers(value):
        line, column = document.position(pointer)
        there, _ = json.JSONDecoder().raw_decode(text, offset(text, line, column))
        assert there == inner


@settings(max_examples=60, deadline=None)
@given(values)
def test_every_pointer_looks_its_value_up(value):
    for pointer, inner in pointers(value):
        assert lookup(value, pointer) == inner


def test_a_pointer_below_a_value_has_the_position_of_what_is_around_it():
    document = parse_json('{\n  "stack": [\n    {"type": "Gain"}]}')
    assert document.position("/stack/0/db") == (3, 5)
    assert document.position("/stack/7/type") == (2, 12)
    assert document.position("/nowhere") == (1, 1)


def test_a_document_without_a_text_has_no_positions():
    assert Document({"a": 1}).position("/a") == (None, None)


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        ("{", 1, 2, "not JSON: Expecting property name"),
        ('{"a": 1,\n "b" 2}', 2, 6, "not JSON: Expecting ':'"),
        ("", 1, 1, "not JSON: Expecting value"),
        ("[1]\n]", 2, 1, "not JSON: Extra data"),
    ],
)
def test_what_is_not_json_has_its_line_and_column(text, line, column, message):
    with pytest.raises(ConfigError) as caught:
        parse_json(text, "addon.json")
    (problem,) = caught.value.problems
    assert (problem.line, problem.column, problem.file) == (line, column, "addon.json")
    assert problem.message.startswith(message)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_a_number_that_json_does_not_know_is_refused(number):
    with pytest.raises(ConfigError, match=f"{number} is not a JSON number"):
        parse_json(f'{{"db": {number}}}')


def test_all_duplicate_keys_are_found():
    with pytest.raises(ConfigError) as caught:
        parse_json('{"a": 1, "b": {"c": 1,\n "c": 2}, "a": 3}')
    assert sorted(p.pointer for p in caught.value.problems) == ["/a", "/b/c"]
    assert {(p.message, p.suggestion) for p in caught.value.problems} == {
        ("duplicate key", "keep one of them")
    }


def test_the_same_key_in_two_objects_is_not_a_duplicate():
    assert parse_json('[{"a": 1}, {"a": 2}]').value == [{"a": 1}, {"a": 2}]


@pytest.mark.parametrize(
    "text", ["[" * 10_000 + "]" * 10_000, '{"a":' * 10_000 + "1" + "}" * 10_000]
)
def test_ten_thousand_levels_are_a_config_error(text):
    with pytest.raises(ConfigError, match="nested more than 64 levels"):
        parse_json(text)


def test_as_many_levels_as_are_allowed_are_read():
    assert parse_json("[" * MAX_DEPTH + "]" * MAX_DEPTH).value
    with pytest.raises(ConfigError, match="levels deep"):
        parse_json("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1))


def test_a_whole_number_of_too_many_digits_is_a_config_error():
    with pytest.raises(ConfigError, match="not JSON"):
        parse_json("1" * 10_000)


def test_a_long_tail_of_newlines_is_read():
    document = parse_json('{"a": 1}' + "\n" * 200_000)
    assert document.value == {"a": 1}
    assert document.position("/a") == (1, 7)


@pytest.mark.parametrize("between", ["\n", " ", "\n \t\r\n"])
def test_the_scanner_looks_at_a_character_a_few_times_whatever_the_size(between):
    class Counted(str):
        looked_at = 0

        def rfind(self, what, start, end):
            Counted.looked_at += end - start
            return str.rfind(self, what, start, end)

        def count(self, what, start, end):
            Counted.looked_at += end - start
            return str.count(self, what, start, end)

    text = Counted("[" + f"1,{between}" * 5000 + f"1]{between * 5000}")
    scan_positions(text)
    assert Counted.looked_at <= 2 * len(text)


# Edits ------------------------------------------------------------------------------------------


def edited(value, pointer, new):
    return Document(value).edited([(pointer, new, "--set")]).value


def test_an_edit_replaces_a_value_and_leaves_the_original():
    original = Document({"stack": [{"type": "Gain"}]})
    copy = original.edited([("/stack/0/type", "Loud", "--set")])
    assert copy.value == {"stack": [{"type": "Loud"}]}
    assert original.value == {"stack": [{"type": "Gain"}]}


def test_an_edit_adds_a_key_or_appends_with_a_minus():
    assert edited({"a": {}}, "/a/b", 1) == {"a": {"b": 1}}
    assert edited({"a": [1]}, "/a/-", 2) == {"a": [1, 2]}


def test_edits_are_made_in_order_and_see_each_other():
    edits = [("/a/-", {}, "--set"), ("/a/0/b", 3, "--set")]
    assert Document({"a": []}).edited(edits).value == {"a": [{"b": 3}]}


def test_keys_with_slashes_and_tildes_are_reached():
    assert edited({"a/b": {"~": 1}}, "/a~1b/~0", 2) == {"a/b": {"~": 2}}


@pytest.mark.parametrize(
    ("pointer", "message"),
    [
        ("stack/0", "is not a JSON pointer: it must begin with '/'"),
        ("", "the pointer is empty"),
        ("/stock/0/type", "nothing at \"/stock\" .did you mean 'stack'"),
        ("/stack/3", "the list at '/stack' has 1 items; name one of them, or '-' to append"),
        ("/stack/3/type", "the list at '/stack' has 1 items"),
        ("/stack/x/type", "nothing at \"/stack/x\" .the list at '/stack' has 1 items"),
        ("/stack/-1", "the list at '/stack' has 1 items"),
        ("/stack/0/type/x", "'/stack/0/type' is neither an object nor a list"),
        ("/stack/0/type/x/y", "'/stack/0/type' is neither an object nor a list"),
    ],
)
def test_an_edit_of_a_place_that_does_not_exist_lists_what_does(pointer, message):
    with pytest.raises(InputError, match=message):
        edited({"stack": [{"type": "Gain"}]}, pointer, 1)


def test_a_problem_of_an_edited_value_names_the_edit_and_not_a_line():
    document = parse_json('{"a": {"b": 1}}', "x.json").edited([("/a/b", "z", "--set")])
    problem = document.problem("/a/b", "expected a number")
    assert problem.message == "expected a number (set by --set)"
    assert problem.line is None
    assert document.problem("/a", "other").line == 1


def test_a_problem_below_an_appended_value_names_the_edit():
    document = Document({"stack": [{}]}).edited([("/stack/-", {"db": "x"}, "--set")])
    assert "set by --set" in document.problem("/stack/1/db", "expected a number").message
    assert "set by" not in document.problem("/stack/0", "wrong").message


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("-6", -6),
        ("true", True),
        ('"-6"', "-6"),
        ("CustomizedEncoders", "CustomizedEncoders"),
        ('{"type": "Gain"}', {"type": "Gain"}),
        ("NaN", "NaN"),
        ("", ""),
    ],
)
def test_a_value_of_the_command_line_is_json_if_it_parses_else_a_string(text, value):
    assert parse_value(text) == value


def test_a_value_of_the_command_line_that_is_too_deep_is_refused():
    with pytest.raises(ConfigError, match="nested more than 64 levels"):
        Document({}).edited([("/a", parse_value("[" * 5000 + "]" * 5000), "--set /a")])


def test_split_and_escape_are_inverse():
    assert split("/a~1b/~0/") == ["a/b", "~", ""]
    assert escape("a/b~") == "a~1b~0"


def test_a_lookup_of_a_place_that_does_not_exist_lists_what_does():
    with pytest.raises(InputError, match=r"""nothing at "/a/c" \(it has: 'b'\)"""):
        lookup({"a": {"b": 1}}, "/a/c")
