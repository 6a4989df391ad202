"""Plain configuration to typed objects, strictly, with all problems in one pass.

cattrs does the walking; what is added here is strictness ("-6" is no number, no unknown option)
and turning its tree of exceptions into problems with JSON pointers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Union, get_args, get_origin

import attrs
import cattrs
from cattrs.errors import (
    AttributeValidationNote,
    BaseValidationError,
    ClassValidationError,
    ForbiddenExtraKeysError,
    IterableValidationError,
    IterableValidationNote,
)

from voxstack.documents import Document, escape
from voxstack.errors import ConfigError, Problem, VoxstackError, did_you_mean


class Unfit(Exception):  # noqa: N818 - internal: becomes a Problem
    """A value that does not fit its option; ``pointer`` is below the option's own place."""

    def __init__(self, message: str, suggestion: str | None = None, pointer: str = "") -> None:
        super().__init__(message)
        self.message, self.suggestion, self.pointer = message, suggestion, pointer


class Unfits(Exception):  # noqa: N818 - internal: carries problems that have their place
    """Several problems below one place."""

    def __init__(self, problems: list[Unfit]) -> None:
        super().__init__(*problems)
        self.problems = problems


def make_converter() -> cattrs.Converter:
    """Make a converter that takes a value as it is or not at all."""
    converter = cattrs.Converter(forbid_extra_keys=True, detailed_validation=True)
    for type_ in (bool, int, float, str, bytes):
        converter.register_structure_hook(type_, _strict)
    converter.register_structure_hook_func(
        _is_list, lambda value, type_: _list(converter, value, type_)
    )
    converter.register_structure_hook_func(
        _is_mapping, lambda value, type_: _mapping(converter, value, type_)
    )
    converter.register_structure_hook_func(lambda t: t is Any, lambda value, _: value)
    converter.register_structure_hook_func(
        _is_scalar_union, lambda value, type_: _strict_union(value, type_)
    )
    return converter


def _strict(value: Any, type_: Any) -> Any:
    if type_ is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if type(value) is not type_:
        raise Unfit(f"expected {describe(type_)}, not {shown(value)}")
    return value


def _is_scalar_union(type_: Any) -> bool:
    """Tell int | str, float | None: not those with a class in them, which cattrs knows."""
    origin = get_origin(type_)
    scalars = (bool, int, float, str, type(None))
    return (origin is Union or type(type_).__name__ == "UnionType") and all(
        a in scalars for a in get_args(type_)
    )


def _strict_union(value: Any, type_: Any) -> Any:
    for option in get_args(type_):
        if type(value) is option:
            return value
    if float in get_args(type_) and type(value) is int:
        return float(value)
    raise Unfit(f"expected {describe(type_)}, not {shown(value)}")


def _is_list(type_: Any) -> bool:
    return get_origin(type_) in (list, tuple) or type_ in (list, tuple)


def _is_mapping(type_: Any) -> bool:
    origin = get_origin(type_)
    return type_ is dict or (isinstance(origin, type) and issubclass(origin, dict)) or (
        getattr(origin, "__name__", "") in ("Mapping", "MutableMapping")
    )  # fmt: skip


def _list(converter: cattrs.Converter, value: Any, type_: Any) -> Any:
    """Structure a list, a tuple of any length, or one with a type for each place."""
    if not isinstance(value, list | tuple):
        raise Unfit(f"expected a list, not {shown(value)}")
    types = get_args(type_)
    is_tuple = get_origin(type_) is tuple or type_ is tuple
    if not types:
        types = (Any,) * len(value)
    elif not is_tuple or types[-1] is Ellipsis:
        types = types[:1] * len(value)
    elif len(types) != len(value):
        raise Unfit(f"expected a list of {len(types)}, not of {len(value)}")
    items = _each(converter, enumerate(zip(value, types, strict=True)))
    return tuple(items) if is_tuple else items


def _mapping(converter: cattrs.Converter, value: Any, type_: Any) -> dict[str, Any]:
    """Structure an object whose keys are names."""
    if not isinstance(value, dict):
        raise Unfit(f"expected an object, not {shown(value)}")
    within = (get_args(type_) or (str, Any))[1]
    items = _each(converter, ((key, (item, within)) for key, item in value.items()))
    return dict(zip(value, items, strict=True))


def _each(converter: cattrs.Converter, items: Iterable[tuple[Any, tuple[Any, Any]]]) -> list[Any]:
    """Structure (place, (value, type)) each; all problems at once."""
    made, unfits = [], []
    for place, (value, type_) in items:
        try:
            made.append(converter.structure(value, type_))
        except Exception as error:
            unfits += list(flatten(error, type_, f"/{escape(str(place))}"))
    if unfits:
        raise Unfits(unfits)
    return made


def shown(value: Any) -> str:
    """Show a configuration value, cut short."""
    text = repr(value) if not isinstance(value, dict | list) else _kind(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _kind(value: Any) -> str:
    return "an object" if isinstance(value, dict) else "a list"


def describe(type_: Any) -> str:
    """Say a type in the words of a configuration."""
    words = {bool: "true or false", int: "a whole number", float: "a number", str: "a string"}
    words[type(None)] = "null"
    if type_ in words:
        return words[type_]
    if get_args(type_):
        return " or ".join(describe(a) for a in get_args(type_))
    return getattr(type_, "__name__", str(type_))


def structure(converter: cattrs.Converter, document: Document, pointer: str, cls: type) -> Any:
    """Structure the whole ``document.value``; ConfigError with all problems."""
    try:
        return converter.structure(document.value, cls)
    except Exception as error:
        unfits = list(flatten(error, cls))
        raise ConfigError(problems_of(document, unfits, pointer)) from None


def problems_of(document: Document, unfits: list[Unfit], pointer: str = "") -> list[Problem]:
    """Give what did not fit its place in the document."""
    return [document.problem(pointer + u.pointer, u.message, u.suggestion) for u in unfits]


_KNOWN = (
    Unfit,
    Unfits,
    VoxstackError,
    ForbiddenExtraKeysError,
    BaseValidationError,
    KeyError,
    ValueError,
)


def flatten(error: BaseException, cls: Any = None, pointer: str = "") -> Iterator[Unfit]:
    """Walk cattrs' tree of exceptions and give its leaves with their pointers."""
    if isinstance(error, Unfits):
        for unfit in error.problems:
            yield Unfit(unfit.message, unfit.suggestion, pointer + unfit.pointer)
    elif isinstance(error, Unfit):
        yield Unfit(error.message, error.suggestion, pointer + error.pointer)
    elif isinstance(error, ForbiddenExtraKeysError):
        options = [a.alias for a in attrs.fields(error.cl)] if attrs.has(error.cl) else []
        for name in sorted(error.extra_fields):
            hint = did_you_mean(name, options)
            yield Unfit(
                f"unknown option {name!r}",
                hint or f"options: {', '.join(map(repr, options)) or 'none'}",
                f"{pointer}/{escape(name)}",
            )
    elif isinstance(error, ClassValidationError | IterableValidationError):
        within = getattr(error, "cl", cls)
        for child in error.exceptions:
            step = _note(child)
            if isinstance(child, KeyError) and isinstance(error, ClassValidationError) and step:
                yield Unfit(f"option {step!r} is missing", f"add {step!r}", pointer)
            elif (
                step is None
                and isinstance(error, ClassValidationError)
                and not isinstance(child, _KNOWN)
            ):  # not a refused value: it broke when it was made
                yield Unfit(f"{error.cl.__name__} cannot be made: {child!r}", None, pointer)
            else:
                below = pointer if step is None else f"{pointer}/{escape(str(step))}"
                yield from flatten(child, within, below)
    elif isinstance(error, VoxstackError):
        yield Unfit(str(error), None, pointer)
    else:
        yield Unfit(str(error) or repr(error), None, pointer)


def _note(error: BaseException) -> Any:
    """Give the option or index that cattrs noted on an exception."""
    for note in getattr(error, "__notes__", ()):
        if isinstance(note, AttributeValidationNote):
            return note.name
        if isinstance(note, IterableValidationNote):
            return note.index
    return None
