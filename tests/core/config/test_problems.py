"""Many problems: the first of each kind in full, the others counted, none lost."""

import pytest
from attrs import frozen
from hypothesis import given
from hypothesis import strategies as st
from voxstack import ConfigError
from voxstack.config import Document, Invalid, Invalids, problems_of, structure
from voxstack.config.problems import MOST_OF_A_KIND


@frozen
class Manifest:
    name: str = ""
    sizes: tuple[int, ...] = ()


def problems(value):
    with pytest.raises(ConfigError) as caught:
        structure(Document(value), Manifest)
    return caught.value


def test_of_60000_unknown_keys_the_first_are_told_and_the_others_counted():
    error = problems({f"key {n}": n for n in range(60_000)})
    assert len(error.problems) == MOST_OF_A_KIND + 1
    assert error.problems[-1].message == "and 59950 more problems like /key 0"
    assert sum(p.count for p in error.problems) == 60_000


def test_hints_are_looked_for_where_they_are_told_and_nowhere_else():
    asked = []
    unfits = [Invalid(f"no {n}", lambda n=n: asked.append(n)) for n in range(1000)]
    problems_of(Document({}), Invalids(unfits))
    assert asked == [*range(MOST_OF_A_KIND)]


def test_another_kind_is_told_beside_the_many():
    error = problems({"name": 3, **{f"key {n}": n for n in range(200)}, "sizes": ["x"] * 51})
    told = [(p.pointer, p.message) for p in error.problems]
    assert ("/name", "expected a string, not 3") in told
    assert told[-2:] == [
        ("", "and 150 more problems like /key 0"),
        ("", "and 1 more problem like /sizes/0"),
    ]


KINDS = st.sampled_from(["unknown option '{}'", 'expected a number, not "{}"', "is missing"])


@given(st.lists(st.tuples(KINDS, st.integers(1, 130)), max_size=6))
def test_no_count_is_lost(kinds):
    unfits = [Invalid(text.format(n)) for text, count in kinds for n in range(count)]
    told = problems_of(Document({}), Invalids(unfits))
    assert sum(problem.count for problem in told) == len(unfits)
    *lines, last = str(ConfigError([*told, *told])).split("\n")
    rest = int(last.split()[1]) if "more problems" in last and "like" not in last else 0
    shown = (*told, *told)[: len(lines) if rest else len(lines) + 1]
    assert sum(problem.count for problem in shown) + rest == 2 * len(unfits)
