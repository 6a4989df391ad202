"""Checks of all suites: documentation, configuration, its errors, a light import."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar, TypeVar, get_args, get_origin

import attrs
import pytest
from hypothesis import HealthCheck, settings
from voxstack import Buckets, ConfigError, VoxstackError
from voxstack.inspection import options_of

from voxstack_kit.describing.comments import option_comments
from voxstack_kit.testing import surroundings
from voxstack_kit.testing.failures import fail
from voxstack_kit.testing.hosted import PROVIDED, Described, alike, hosted
from voxstack_kit.testing.requirements import Requirements
from voxstack_kit.trying.children import Job, Outcome, run_apart

F = TypeVar("F", bound=Callable[..., Any])

PATIENCE_S = 60.0  # for what runs in a process of its own

# The same examples in every run, and nothing written to disk.
EXAMPLES = settings(
    max_examples=30,
    deadline=None,
    derandomize=True,
    database=None,
    print_blob=False,
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)


def promise(name: str) -> Callable[[F], F]:
    """Mark a check that ``Requirements(name=False)`` disables."""

    def marked(check: F) -> F:
        check.requirement = name  # type: ignore[attr-defined]
        return check

    return marked


class ComponentSuite:
    """The base of all suites; the fixture ``component`` is what a suite checks."""

    requirements: ClassVar[Requirements] = Requirements()

    @pytest.fixture(autouse=True)
    def _promised(self, request: pytest.FixtureRequest) -> None:
        name = getattr(request.function, "requirement", None)
        if name is not None and not getattr(self.requirements, name):
            pytest.skip(f"it states that it does not: Requirements({name}=False)")

    @promise("documented")
    def test_it_and_its_options_say_what_they_are(self, component: Any) -> None:
        """Check that the class has a docstring, and each option a type and a comment."""
        cls = type(component)
        if not (cls.__dict__.get("__doc__") or "").strip():
            fail(
                f"{cls.__name__} has no docstring",
                "describe what it does, for those who write configurations",
            )
        base = next(one for one in cls.__mro__ if one.__module__.startswith("voxstack."))
        for name, value in vars(cls).items():
            if (
                type(value) in (bool, int, float, str)
                and not hasattr(base, name)
                and name[0] != "_"
            ):
                fail(
                    f"{name} = {value!r} of {cls.__name__} is not an option and cannot be set",
                    f"add a type, {name}: {type(value).__name__} = {value!r}, or let its name "
                    "begin with an underscore",
                )
        comments = option_comments(cls)
        for option in options_of(component):
            if not option.init or option.type in PROVIDED:
                continue
            if option.type is None:
                fail(
                    f"the option {option.name!r} of {cls.__name__} has no type",
                    f"write {option.name}: float = ..., or what it is; the host checks it",
                )
            if not (option.metadata.get("description") or comments.get(option.name)):
                fail(
                    f"the option {option.name!r} of {cls.__name__} is not documented",
                    "put a comment after it or above it: # decibels",
                )

    @promise("frozen")
    def test_it_is_frozen_and_can_be_compared(self, component: Any) -> None:
        """Check that options cannot be set once it is made, and that it can be compared."""
        cls = type(component)
        for option in options_of(component):
            with contextlib.suppress(attrs.exceptions.FrozenInstanceError):
                held = getattr(component, option.name)
                setattr(component, option.name, held)
                fail(
                    f"{cls.__name__}.{option.name} can be set once it is made",
                    "decorate the class with @attrs.frozen",
                )
        try:
            equal = component == copy.copy(component)
        except Exception as error:
            fail(
                f"two {cls.__name__} cannot be compared: {type(error).__name__}: {error}",
                "decorate the class with @attrs.frozen(eq=False), or hold plain values in options",
            )
        if not isinstance(equal, bool):
            fail(
                f"comparing two {cls.__name__} returns a {type(equal).__name__}",
                "decorate the class with @attrs.frozen(eq=False)",
            )

    @promise("round_trip")
    def test_a_configuration_makes_it_and_can_be_written_from_it(self, component: Any) -> None:
        """Check the way from options to a configuration, to an equal component, and back."""
        described = Described(component)
        name = type(component).__name__
        try:
            with hosted(described) as home:
                built = home.build(described.configuration)
        except ConfigError as error:
            problems = "; ".join(str(problem) for problem in error.problems)
            fail(
                f"the host cannot make {name} from its own options: {problems}",
                "use types that a configuration can hold, and options under their own names",
            )
        again = Described(built)
        before, after = described.configuration, again.configuration
        if not alike(component, built) or _untyped(before) != _untyped(after):
            changed = [key for key in before if before.get(key) != after.get(key)] or ["an option"]
            fail(
                f"{name} is another one when it was made from its options: {', '.join(changed)}",
                "keep options as they are given; derive what follows from them in properties",
            )

    @promise("wrong_options")
    def test_a_wrong_option_is_reported_with_its_place(self, component: Any) -> None:
        """Check that unknown options and wrong types raise a ConfigError with a JSON pointer."""
        described = Described(component)
        name = type(component).__name__
        with hosted(described) as home:
            wrong = {"no_such_option": 1} | dict(_wrong_values(component))
            for option, value in wrong.items():
                given = {**described.configuration, option: value}
                place = f"{home.place}/{option}"
                try:
                    home.build(given)
                except ConfigError as error:
                    if any(problem.pointer.startswith(place) for problem in error.problems):
                        continue
                    places = ", ".join(repr(problem.pointer) for problem in error.problems)
                    fail(
                        f"{name}: a wrong {option!r} is reported at {places}, expected {place!r}",
                        "let the type of the option refuse it, before anything else fails",
                    )
                except Exception as error:
                    fail(
                        f"{name}: a wrong {option!r} raises {type(error).__name__}: {error}",
                        "let the option's type or an attrs validator refuse it (ValueError)",
                    )
                fail(
                    f"{name}: {option!r} takes {value!r}",
                    f"add a type to the option: {option}: float = ..., not Any",
                )

    @promise("light_import")
    def test_importing_it_is_light_and_has_no_effects(self, component: Any) -> None:
        """Check that its module loads no runtime, starts nothing, and changes nothing."""
        cls = type(component)
        if "<locals>" in cls.__qualname__ or cls.__module__ == "__main__":
            pytest.skip(f"{cls.__name__} is made in a test: put it into a module of your package")
        outcome = imported_apart(cls.__module__)
        if outcome.value and outcome.value["missing"]:
            pytest.skip(
                f"{cls.__module__!r} is a module of tests that no other process can import: put "
                f"{cls.__name__} into a module of your package"
            )
        require_light(cls.__module__, outcome)


def imported_apart(module: str) -> Outcome:
    """Import a module in a new process; return the outcome."""
    given = {
        "module": module,
        "folder": surroundings.FOLDER,
        "variables": surroundings.VARIABLES,
    }
    (outcome,) = run_apart([Job("voxstack_kit.testing.children:import_module", given)], PATIENCE_S)
    return outcome


def require_light(module: str, outcome: Outcome) -> None:
    """Fail if importing a module had effects; ``outcome`` is of a process for it."""
    __tracebackhide__ = True
    what = f"importing {module!r}"
    if outcome.failure:
        fail(f"{what} fails: {outcome.failure}", "import only what is always there")
    if outcome.value["heavy"]:
        fail(
            f"{what} imports {', '.join(outcome.value['heavy'])}",
            "import a runtime where it is needed (in load()), not at the top of the module",
        )
    if outcome.printed:
        fail(f"{what} prints {outcome.printed!r}", "log instead: voxstack.logs.get_logger")
    if outcome.forked:
        fail(f"{what} forks the process", "start processes when something is asked for")
    if outcome.value["threads"]:
        fail(
            f"{what} starts threads: {', '.join(outcome.value['threads'])}",
            "start threads when something is asked for",
        )
    if outcome.value["folder"]:
        fail(
            f"{what} changes the working directory to {outcome.value['folder']!r}",
            "do not change it: the paths that a user gives are relative to it",
        )
    if outcome.value["variables"]:
        fail(
            f"{what} changes the environment: {', '.join(outcome.value['variables'])}",
            "leave it to the application; pass options to a runtime when it is loaded",
        )
    if outcome.value["logging"]:
        fail(
            f"{what} sets up the root logger ({'; '.join(outcome.value['logging'])})",
            "log by voxstack.logs.get_logger, and leave it to the application where that goes",
        )


def require_typed(error: BaseException, name: str, of: str) -> None:
    """Fail if an error is not voxstack's own, or does not name the tensor ``name``."""
    __tracebackhide__ = True
    text = f"{type(error).__name__}: {error}"
    if not isinstance(error, VoxstackError):
        fail(
            f"without the tensor {name!r}, {of} raises {text}",
            'read it as chunk["NAME"] or sequence["NAME"], whose error names it',
        )
    if name not in str(error):
        fail(f"without the tensor {name!r}, {of} raises {text}", "name it in the error")


def _wrong_values(component: Any) -> Iterator[tuple[str, Any]]:
    """Yield each option with a value that its type does not have."""
    for option in options_of(component):
        if not option.init or option.type in PROVIDED:
            continue
        type_ = get_origin(option.type) or option.type
        if type_ in (Any, None, object):
            # What takes anything can take nothing wrong, unless it is a number or a word.
            if isinstance(option.default, bool | int | float | str):
                yield option.name, {"wrong": ["value"]}
            continue
        holds_objects = any(
            t in (dict, Mapping, Buckets) or get_origin(t) in (dict, Mapping)
            for t in (option.type, type_, *get_args(option.type))
        ) or (isinstance(type_, type) and attrs.has(type_))
        yield option.name, "no such value" if holds_objects else {"wrong": ["value"]}


def _untyped(value: Any) -> Any:
    """Return a configuration without the names of classes."""
    if isinstance(value, dict):
        return {key: _untyped(item) for key, item in value.items() if key != "type"}
    if isinstance(value, list):
        return [_untyped(item) for item in value]
    return value
