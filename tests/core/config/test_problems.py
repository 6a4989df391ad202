"""Many problems: the first of each kind in full, the others counted, none lost."""

import pytest
from attrs import frozen
from hypothesis import given
from hypothesis import strategies as st
from voxstack import ConfigError
from voxstack.config import Document, Invalid, Invalids, problems_of, structured
from voxstack.config.problems import MOST_OF_A_KIND


@frozen
class Manifest:
    name: str = ""
    sizes: tuple[int, ...] = ()


def problems(value):
    with pytest.raises(ConfigError) as caught:
        structured(Document(value), Manifest)
    return caught.value


def test_of_60000_unknown_keys_the_first_are_listed_and_the_others_counted():
    error = problems({f"key {n}": n for n in range(60_000)})
    assert len(error.problems) == MOST_OF_A_KIND + 1
    assert error.problems[-1].message == "and 59950 more problems like /key 0"
    assert sum(p.count for p in error.problems) == 60_000


def test_suggestions_are_computed_only_for_the_problems_that_are_listed():
    asked = []
    invalids = [Invalid(f"no {n}", lambda n=n: asked.append(n)) for n in range(1000)]
    problems_of(Document({}), Invalids(invalids))
    assert asked == [*range(MOST_OF_A_KIND)]


def test_another_kind_is_listed_beside_the_many():
    error = problems({"name": 3, **{f"key {n}": n for n in range(200)}, "sizes": ["x"] * 51})
    listed = [(p.pointer, p.message) for p in error.problems]
    assert ("/name", "expected a string, not 3") in listed
    assert listed[-2:] == [
        ("", "and 150 more problems like /key 0"),
        ("", "and 1 more problem like /sizes/0"),
    ]


KINDS = st.sampled_from(["unknown option '{}'", 'expected a number, not "{}"', "is missing"])


@given(st.lists(st.tuples(KINDS, st.integers(1, 130)), max_size=6))
def test_no_count_is_lost(kinds):
    invalids = [Invalid(text.format(n)) for text, count in kinds for n in range(count)]
    listed = problems_of(Document({}), Invalids(invalids))
    assert sum(problem.count for problem in listed) == len(invalids)
    *lines, last = str(ConfigError([*listed, *listed])).split("\n")
    rest = int(last.split()[1]) if "more problems" in last and "like" not in last else 0
    shown = (*listed, *listed)[: len(lines) if rest else len(lines) + 1]
    assert sum(problem.count for problem in shown) + rest == 2 * len(invalids)
