"""Plain configuration to typed objects, strictly, with all problems in one pass.

A value is taken as it is or not at all: ``"-6"`` is not a number, an unknown option is refused.
The types are those of a class's fields; a hook makes what is not written out in a configuration
(a block, a network, an executor).
"""

from __future__ import annotations

import enum
import math
import re
import types
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, Union, final, get_args, get_origin

import attrs

from voxstack.config.documents import Document
from voxstack.config.problems import Invalid, Invalids, invalids_of, problems_of
from voxstack.errors import ConfigError, VoxstackError, did_you_mean, escape, shown

Hook = Callable[[Any, Any], Any]  # (value, type) -> object
T = TypeVar("T")

SCALARS = (bool, int, float, str)
LISTS = (list, tuple, Sequence, Collection, Iterable)
OBJECTS = (dict, Mapping)
SCHEMA_KEY = "$schema"  # of a whole document: for editors, ignored by the host


@final
class Structurer:
    """Makes objects of plain values. ``hooks`` make what extends their class."""

    def __init__(self, hooks: Mapping[type, Hook] | None = None) -> None:
        self._hooks = dict(hooks or {})

    def structure(self, value: Any, type_: Any) -> Any:
        """Return a ``type_`` made of ``value``; raises Invalid, Invalids or a VoxstackError."""
        if type_ is Any:
            return value
        if type_ in SCALARS or type_ is type(None) or type_ is None:
            return _scalar(value, type_)
        origin = get_origin(type_)
        if origin is Annotated:
            return self.structure(value, get_args(type_)[0])
        if origin is Union or origin is types.UnionType:
            return self._union(value, type_)
        if origin is Literal:
            if any(value == a and type(value) is type(a) for a in get_args(type_)):
                return value
            raise Invalid(f"expected {describe(type_)}, not {shown(value)}", _near(value, type_))
        if (origin or type_) in LISTS:
            return self._list(value, type_)
        if (origin or type_) in OBJECTS:
            return self._object(value, type_)
        if isinstance(type_, type):
            return self._class(value, type_)
        if supertype := getattr(type_, "__supertype__", None):  # typing.NewType
            return self.structure(value, supertype)
        raise Invalid(f"an option of the type {type_} cannot be given in a configuration")

    def fields(
        self, values: Mapping[str, Any], cls: Any, made: Mapping[str, Any] | None = None
    ) -> Any:
        """Return an attrs class whose fields are the options in ``values``.

        ``made`` has options that are not in a configuration, as they are.
        """
        options = {o.name: o for o in attrs.fields(attrs.resolve_types(cls)) if o.init}
        known = f"options: {', '.join(map(repr, options)) or 'none'}"
        invalid = [
            Invalid(
                f"unknown option {name!r}",
                partial(did_you_mean, name, options, known),
                f"/{escape(name)}",
            )
            for name in values
            if name not in options
        ]
        given = {}
        for name, option in options.items():
            if made is not None and name in made:
                given[option.alias or name] = made[name]
            elif name in values:
                try:
                    given[option.alias or name] = self.structure(values[name], option.type or Any)
                except Exception as error:
                    invalid += invalids_of(error, f"/{escape(name)}")
            elif option.default is attrs.NOTHING:
                invalid.append(Invalid(f"option {name!r} is missing", f"add {name!r}"))
        if invalid:
            raise Invalids(invalid)
        try:
            return cls(**given)
        except (ValueError, TypeError, VoxstackError) as error:  # a validator refused a value
            raise _refused(error, options) from None
        except Exception as error:
            raise Invalid(f"{cls.__name__} cannot be made: {error!r}") from error

    def _class(self, value: Any, type_: type) -> Any:
        for base, hook in self._hooks.items():
            if issubclass(type_, base):
                return hook(value, type_)
        if issubclass(type_, enum.Enum):
            return type_(self.structure(value, Literal[tuple(member.value for member in type_)]))
        if issubclass(type_, Path):
            return type_(_scalar(value, str))
        if not attrs.has(type_):
            what = type_.__name__
            raise Invalid(f"an option of the type {what} cannot be given in a configuration")
        if not isinstance(value, dict):
            raise Invalid(f"expected an object, not {shown(value)}")
        return self.fields(value, type_)

    def _union(self, value: Any, type_: Any) -> Any:
        """Take the one type that fits: null, the scalar that it is, or what is left."""
        within = get_args(type_)
        if value is None and type(None) in within:
            return None
        scalars = [t for t in within if t in SCALARS]
        if type(value) in scalars:
            return value
        if type(value) is int and float in scalars:
            return float(value)
        others = [t for t in within if t not in SCALARS and t is not type(None)]
        if len(others) == 1 and not (scalars and isinstance(value, SCALARS)):
            return self.structure(value, others[0])
        for other in others:
            try:
                return self.structure(value, other)
            except (Invalid, Invalids):
                continue
        raise Invalid(f"expected {describe(type_)}, not {shown(value)}")

    def _list(self, value: Any, type_: Any) -> Any:
        """Make a list, a tuple of any length, or one with a type for each place."""
        if not isinstance(value, list | tuple):
            raise Invalid(f"expected a list, not {shown(value)}")
        within = get_args(type_)
        is_tuple = tuple in (type_, get_origin(type_))
        if not within:
            within = (Any,) * len(value)
        elif not is_tuple or within[-1] is Ellipsis:
            within = within[:1] * len(value)
        elif len(within) != len(value):
            raise Invalid(f"expected a list of {len(within)}, not of {len(value)}")
        items = self._each(enumerate(zip(value, within, strict=True)))
        return items if list in (type_, get_origin(type_)) else tuple(items)

    def _object(self, value: Any, type_: Any) -> dict[str, Any]:
        """Make a dict whose keys are names."""
        if not isinstance(value, dict):
            raise Invalid(f"expected an object, not {shown(value)}")
        within = (get_args(type_) or (str, Any))[1]
        items = self._each((key, (item, within)) for key, item in value.items())
        return dict(zip(value, items, strict=True))

    def _each(self, items: Iterable[tuple[Any, tuple[Any, Any]]]) -> list[Any]:
        """Make each (place, (value, type)); all problems at once."""
        made: list[Any] = []
        invalid: list[Invalid] = []
        for place, (value, type_) in items:
            try:
                made.append(self.structure(value, type_))
            except Exception as error:
                invalid += invalids_of(error, f"/{escape(str(place))}")
        if invalid:
            raise Invalids(invalid)
        return made


def _scalar(value: Any, type_: Any) -> Any:
    if type_ is float and type(value) in (int, float):
        if not math.isfinite(value):
            raise Invalid(f"expected a finite number, not {value}")
        return float(value)
    if type(value) is type_ or (value is None and type_ is None):
        return value
    raise Invalid(f"expected {describe(type_)}, not {shown(value)}")


def _refused(error: Exception, options: Collection[str]) -> Invalid:
    """Return what a validator raised, at the option that its message names first."""
    # Some of attrs' own carry the attribute and the value beside the message.
    first = error.args[0] if error.args and not isinstance(error, VoxstackError) else None
    text = first if isinstance(first, str) else str(error)
    named = re.search(r"'(\w+)'", text)
    if named is None or named[1] not in options:
        return Invalid(text)
    if bound := re.fullmatch(r"'\w+' (must be [<>]=? \S+): (.+)", text):
        text = f"{bound[1]}, not {bound[2]}"
    return Invalid(text, None, f"/{escape(named[1])}")


def _near(value: Any, type_: Any) -> str | None:
    names = [a for a in get_args(type_) if isinstance(a, str)]
    return did_you_mean(value, names) if isinstance(value, str) else None


WORDS = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a string",
    type(None): "null",
    None: "null",
}


def describe(type_: Any) -> str:
    """Return a type in the words of a configuration."""
    if type_ in WORDS:
        return WORDS[type_]
    if get_origin(type_) is Literal:
        return " or ".join(shown(a) for a in get_args(type_))
    if get_args(type_):
        return " or ".join(describe(a) for a in get_args(type_))
    return str(getattr(type_, "__name__", type_))


def structured(document: Document, cls: type[T]) -> T:
    """Return the whole ``document.value`` as a ``cls``; ConfigError with all problems."""
    invalid = list(schema_problems(document.value))
    value = document.value
    if isinstance(value, dict) and SCHEMA_KEY in value:
        value = {key: kept for key, kept in value.items() if key != SCHEMA_KEY}
    try:
        made: T = Structurer().structure(value, cls)
    except Exception as error:
        invalid += invalids_of(error)
    if invalid:
        raise ConfigError(problems_of(document, Invalids(invalid)))
    return made


def schema_problems(value: Any) -> Iterator[Invalid]:
    """Yield what is wrong with a document's "$schema", which says how an editor checks it."""
    named = value.get(SCHEMA_KEY, "") if isinstance(value, dict) else ""
    if not isinstance(named, str):
        expected = f"expected the address of a JSON Schema, a string, not {shown(named)}"
        yield Invalid(expected, f"remove it: only editors read {SCHEMA_KEY!r}", f"/{SCHEMA_KEY}")
