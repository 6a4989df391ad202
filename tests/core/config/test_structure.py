"""Plain configuration to typed objects: strictly, all problems at once."""

from collections.abc import Mapping
from typing import Any

import pytest
from attrs import field, frozen
from attrs.validators import ge
from voxstack import ConfigError
from voxstack.config import (
    Document,
    Invalid,
    Invalids,
    Structurer,
    invalids_of,
    parse_json,
    problems_of,
    structured,
)


@frozen
class Inner:
    size: int
    name: str = "x"


@frozen
class Outer:
    number: float = 0.0
    count: int = field(default=1, validator=ge(1))
    flag: bool = False
    text: str = ""
    maybe: int | None = None
    either: str | float | None = None
    pair: tuple[int, str] = (0, "")
    sizes: tuple[int, ...] = ()
    words: list[str] = field(factory=list)
    nested: tuple[tuple[int, ...], ...] = ()
    letters: list[list[str]] = field(factory=list)
    lists: dict[str, list[str]] = field(factory=dict)
    inner: Inner | None = None
    inners: tuple[Inner, ...] = ()
    table: dict[str, int] = field(factory=dict)
    mapping: Mapping[str, Inner] = field(factory=dict)
    anything: Any = None


def make(**value):
    return structured(Document(value), Outer)


def problems(**value):
    with pytest.raises(ConfigError) as caught:
        make(**value)
    return [(p.pointer, p.message) for p in caught.value.problems]


@pytest.mark.parametrize(
    ("option", "value", "pointer", "message"),
    [
        ("number", "-6", "", 'expected a number, not "-6"'),
        ("number", True, "", "expected a number, not true"),
        ("number", None, "", "expected a number, not null"),
        ("count", True, "", "expected a whole number, not true"),
        ("count", 1.0, "", "expected a whole number, not 1.0"),
        ("count", "1", "", 'expected a whole number, not "1"'),
        ("flag", 1, "", "expected true or false, not 1"),
        ("flag", "true", "", 'expected true or false, not "true"'),
        ("text", 5, "", "expected a string, not 5"),
        ("text", ["a"], "", 'expected a string, not ["a"]'),
        ("maybe", "1", "", 'expected a whole number or null, not "1"'),
        ("either", True, "", "expected a string or a number or null, not true"),
        ("sizes", "123", "", 'expected a list, not "123"'),
        ("sizes", 5, "", "expected a list, not 5"),
        ("sizes", {"0": 1}, "", 'expected a list, not {"0": 1}'),
        ("sizes", [1, "2"], "/1", 'expected a whole number, not "2"'),
        ("words", "word", "", 'expected a list, not "word"'),
        ("words", ["a", 3], "/1", "expected a string, not 3"),
        ("nested", [[1], 2], "/1", "expected a list, not 2"),
        ("nested", [[1], [2, None]], "/1/1", "expected a whole number, not null"),
        ("letters", ["ab"], "/0", 'expected a list, not "ab"'),
        ("lists", {"a": "bc"}, "/a", 'expected a list, not "bc"'),
        ("inner", {"size": "3"}, "/size", 'expected a whole number, not "3"'),
        ("inner", {}, "", "option 'size' is missing"),
        ("inners", [{"size": 1}, {"size": None}], "/1/size", "expected a whole number, not null"),
        ("table", ["a"], "", 'expected an object, not ["a"]'),
        ("table", {"a": 1, "b/c": "2"}, "/b~1c", 'expected a whole number, not "2"'),
        ("mapping", {"a": {"size": True}}, "/a/size", "expected a whole number, not true"),
    ],
)
def test_a_value_is_taken_as_it_is_or_not_at_all(option, value, pointer, message):
    assert problems(**{option: value}) == [(f"/{option}{pointer}", message)]


@pytest.mark.parametrize(
    ("option", "value", "made"),
    [
        ("number", -6, -6.0),
        ("number", 0.5, 0.5),
        ("maybe", None, None),
        ("maybe", 4, 4),
        ("either", "fast", "fast"),
        ("either", 2, 2.0),
        ("pair", [3, "a"], (3, "a")),
        ("sizes", [1, 2], (1, 2)),
        ("words", ["a"], ["a"]),
        ("nested", [[1], []], ((1,), ())),
        ("inner", {"size": 1}, Inner(1)),
        ("inner", None, None),
        ("inners", [{"size": 1, "name": "y"}], (Inner(1, "y"),)),
        ("table", {"a": 1}, {"a": 1}),
        ("mapping", {"a": {"size": 1}}, {"a": Inner(1)}),
        ("anything", {"a": [1, "x", None]}, {"a": [1, "x", None]}),
    ],
)
def test_a_fitting_value_arrives_in_its_type(option, value, made):
    got = getattr(make(**{option: value}), option)
    assert got == made
    assert type(got) is type(made)


def test_an_unknown_option_is_refused_with_the_nearest_name():
    with pytest.raises(ConfigError) as caught:
        make(numbr=1)
    (problem,) = caught.value.problems
    assert problem.pointer == "/numbr"
    assert problem.message == "unknown option 'numbr'"
    assert problem.suggestion == "did you mean 'number'?"


def test_an_unknown_option_without_a_near_one_lists_all_options():
    with pytest.raises(ConfigError) as caught:
        make(inner={"size": 1, "qqq": 2})
    assert caught.value.problems[0].suggestion == "options: 'size', 'name'"


def test_a_validator_of_attrs_that_fails_is_a_problem_at_its_option():
    ((pointer, message),) = problems(count=0)
    assert pointer == "/count"
    assert message == "must be >= 1, not 0"


def test_a_pair_of_the_wrong_length_is_refused():
    ((pointer, _),) = problems(pair=[1])
    assert pointer == "/pair"


def test_all_problems_come_at_once_with_their_places():
    text = """{
  "number": "-6",
  "inners": [{"size": 1}, {"size": "x"},
             {"sise": 3}],
  "tabel": {}
}"""
    with pytest.raises(ConfigError) as caught:
        structured(parse_json(text, "x.json"), Outer)
    found = {(p.pointer, p.line) for p in caught.value.problems}
    assert found == {
        ("/number", 2),
        ("/inners/1/size", 3),
        ("/inners/2", 4),
        ("/inners/2/sise", 4),
        ("/tabel", 5),
    }


def test_a_long_value_is_cut_short_in_the_message():
    ((_, message),) = problems(number="x" * 1000)
    assert len(message) < 100


@pytest.mark.parametrize("value", [[], "Outer", 3, None])
def test_what_is_not_an_object_is_refused(value):
    with pytest.raises(ConfigError):
        structured(Document(value), Outer)


def test_the_pointer_of_the_whole_goes_in_front():
    document = Document({"voices": {"a": {"count": "1"}}})
    with pytest.raises(Invalids) as caught:
        Structurer().structure(document.value["voices"]["a"], Outer)
    (problem,) = problems_of(document, caught.value, "/voices/a")
    assert problem.pointer == "/voices/a/count"


# Hooks ------------------------------------------------------------------------------------------


class Color:
    def __init__(self, name):
        self.name = name


class Paint(Color):
    pass


@frozen
class House:
    wall: Color
    roof: Paint | None = None
    doors: tuple[Color, ...] = ()


def color(value, wanted):
    if not isinstance(value, str):
        raise Invalid("expected a color", pointer="/name")
    return wanted(value)


def test_a_hook_makes_what_extends_its_class_at_any_depth():
    config = {"wall": "red", "roof": "blue", "doors": ["green"]}
    house = Structurer({Color: color}).structure(config, House)
    assert (house.wall.name, house.roof.name, house.doors[0].name) == ("red", "blue", "green")
    assert (type(house.wall), type(house.roof)) == (Color, Paint)


def test_what_a_hook_refuses_has_its_place():
    with pytest.raises(Invalids) as caught:
        Structurer({Color: color}).structure({"wall": 1, "doors": ["green", 2]}, House)
    assert [i.pointer for i in invalids_of(caught.value)] == ["/wall/name", "/doors/1/name"]


def test_the_fields_of_a_class_are_made_although_a_hook_would_make_the_class():
    hooks = {House: lambda value, wanted: pytest.fail("asked"), Color: color}
    assert Structurer(hooks).fields({"wall": "red"}, House).wall.name == "red"


def test_a_class_that_no_hook_makes_cannot_be_given():
    with pytest.raises(ConfigError, match="the type Color cannot be given in a configuration"):
        structured(Document({"wall": "red"}), House)


# Schemas ----------------------------------------------------------------------------------------


def test_a_document_may_name_its_schema_which_changes_nothing():
    document = Document({"$schema": "./x.json", "count": 2})
    plain = structured(Document({"count": 2}), Outer)
    assert structured(document, Outer) == plain
    assert document.value == {"$schema": "./x.json", "count": 2}


def test_a_schema_that_is_not_a_string_is_reported_with_all_else():
    text = '{"$schema": {"a": 1},\n "count": "1"}'
    with pytest.raises(ConfigError) as caught:
        structured(parse_json(text), Outer)
    assert [(p.pointer, p.line) for p in caught.value.problems] == [("/$schema", 1), ("/count", 2)]
