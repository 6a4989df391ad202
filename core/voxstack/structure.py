"""Plain configuration to typed objects, strictly, with all problems in one pass.

A value is taken as it is or not at all: ``"-6"`` is no number, an option that is not known is
refused. The types are those of a class's fields; a subclass hook says how to make what is not
written out in a configuration (a block, a network, an executor).
"""

from __future__ import annotations

import contextlib
import enum
import math
import re
import types
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal, Union, final, get_args, get_origin

import attrs

from voxstack.deprecations import (
    Deprecation,
    Notice,
    current_names,
    deprecation_of,
    old_names,
    tell,
)
from voxstack.documents import Document, escape
from voxstack.errors import ConfigError, VoxstackError, did_you_mean
from voxstack.shown import shown
from voxstack.unfit import Unfit, Unfits, problems_of, unfits_of

Hook = Callable[[Any, Any], Any]  # (value, type) -> object

SCALARS = (bool, int, float, str)
LISTS = (list, tuple, Sequence, Collection, Iterable)
OBJECTS = (dict, Mapping)
SCHEMA_KEY = "$schema"  # of a whole document: for editors, and ignored by the host


@final
@attrs.frozen
class Use:
    """Something in a configuration that goes away."""

    pointer: str
    what: str
    deprecation: Deprecation
    owner: str  # the distribution that takes it away, with its version: "acme-fx 1.0"


@final
class Structurer:
    """Makes objects of plain values."""

    def __init__(self) -> None:
        self._hooks: list[tuple[type, Hook]] = []
        self._place: list[str] = []  # where in the document, key by key
        self.uses: list[Use] = []  # of what goes away; ``tell_uses`` tells them

    def register(self, base: type, hook: Hook) -> None:
        """Make what extends ``base`` by ``hook``."""
        self._hooks.append((base, hook))

    def structure(self, value: Any, type_: Any) -> Any:
        """Make a ``type_`` of ``value``; raises Unfit, Unfits or a VoxstackError."""
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
            raise Unfit(f"expected {describe(type_)}, not {shown(value)}", _near(value, type_))
        if (origin or type_) in LISTS:
            return self._list(value, type_)
        if (origin or type_) in OBJECTS:
            return self._object(value, type_)
        if isinstance(type_, type):
            return self._class(value, type_)
        if supertype := getattr(type_, "__supertype__", None):  # typing.NewType
            return self.structure(value, supertype)
        raise Unfit(f"an option of the type {type_} cannot be given in a configuration")

    def fields(self, values: Mapping[str, Any], cls: Any, owner: str = "voxstack") -> Any:
        """Make an attrs class whose fields are the options in ``values``.

        ``owner`` is the distribution that the class belongs to, and its version.
        """
        options = {o.name: o for o in attrs.fields(attrs.resolve_types(cls)) if o.init}
        current = current_names(options.values())
        unfits = [
            Unfit(f"unknown option {name!r}", partial(_there, name, options), f"/{escape(name)}")
            for name in values
            if name not in options and name not in current
        ]
        made = {}
        for name, option in options.items():
            given, *twice = [n for n in (name, *old_names(option)) if n in values] or [None]
            for old in twice:
                place = f"/{escape(old)}"
                unfits.append(Unfit(f"is given twice: {old!r} is now {name!r}", "remove it", place))
            if given is not None:
                try:
                    with self.at(given):
                        value = self.structure(values[given], option.type or Any)
                    made[option.alias or name] = value
                except Exception as error:
                    unfits += unfits_of(error, f"/{escape(given)}")
            elif option.default is attrs.NOTHING:
                unfits.append(Unfit(f"option {name!r} is missing", f"add {name!r}"))
        if unfits:
            raise Unfits(unfits)
        for name in values:
            option = options[current.get(name, name)]
            if deprecation := old_names(option).get(name) or deprecation_of(option):
                with self.at(name):
                    self.note(f"the option {name!r} of {cls.__name__}", deprecation, owner)
        try:
            return cls(**made)
        except (ValueError, TypeError, VoxstackError) as error:  # a validator refused a value
            raise _refused(error, options) from None
        except Exception as error:
            raise Unfit(f"{cls.__name__} cannot be made: {error!r}") from error

    @contextlib.contextmanager
    def at(self, key: str | int) -> Iterator[None]:
        """Be at ``key`` of the place at hand."""
        self._place.append(f"/{escape(str(key))}")
        try:
            yield
        finally:
            self._place.pop()

    def note(self, what: str, deprecation: Deprecation, owner: str) -> None:
        """Note that what stands at the place at hand goes away."""
        self.uses.append(Use("".join(self._place), what, deprecation, owner))

    def _class(self, value: Any, type_: type) -> Any:
        for base, hook in self._hooks:
            if issubclass(type_, base):
                return hook(value, type_)
        if issubclass(type_, enum.Enum):
            return type_(self.structure(value, Literal[tuple(member.value for member in type_)]))
        if issubclass(type_, Path):
            return type_(_scalar(value, str))
        if not attrs.has(type_):
            raise Unfit(
                f"an option of the type {type_.__name__} cannot be given in a configuration"
            )
        if not isinstance(value, dict):
            raise Unfit(f"expected an object, not {shown(value)}")
        return self.fields(value, type_)

    def _union(self, value: Any, type_: Any) -> Any:
        """Take the one type that fits: null, or the scalar it is, or what is left."""
        within = get_args(type_)
        if value is None and type(None) in within:
            return None
        scalars = [t for t in within if t in SCALARS]
        if type(value) in scalars:
            return value
        if type(value) is int and float in scalars:
            return float(value)
        others = [t for t in within if t not in SCALARS and t is not type(None)]
        if len(others) == 1 and not (scalars and isinstance(value, bool | int | float | str)):
            return self.structure(value, others[0])
        for other in others:
            try:
                return self.structure(value, other)
            except (Unfit, Unfits):
                continue
        raise Unfit(f"expected {describe(type_)}, not {shown(value)}")

    def _list(self, value: Any, type_: Any) -> Any:
        """Make a list, a tuple of any length, or one with a type for each place."""
        if not isinstance(value, list | tuple):
            raise Unfit(f"expected a list, not {shown(value)}")
        within = get_args(type_)
        is_list = list in (type_, get_origin(type_))
        is_tuple = tuple in (type_, get_origin(type_))
        if not within:
            within = (Any,) * len(value)
        elif not is_tuple or within[-1] is Ellipsis:
            within = within[:1] * len(value)
        elif len(within) != len(value):
            raise Unfit(f"expected a list of {len(within)}, not of {len(value)}")
        items = self._each(enumerate(zip(value, within, strict=True)))
        return items if is_list else tuple(items)

    def _object(self, value: Any, type_: Any) -> dict[str, Any]:
        """Make a dict whose keys are names."""
        if not isinstance(value, dict):
            raise Unfit(f"expected an object, not {shown(value)}")
        within = (get_args(type_) or (str, Any))[1]
        items = self._each((key, (item, within)) for key, item in value.items())
        return dict(zip(value, items, strict=True))

    def _each(self, items: Iterable[tuple[Any, tuple[Any, Any]]]) -> list[Any]:
        """Make (place, (value, type)) each; all problems at once."""
        made: list[Any] = []
        unfits: list[Unfit] = []
        for place, (value, type_) in items:
            try:
                with self.at(place):
                    made.append(self.structure(value, type_))
            except Exception as error:
                unfits += unfits_of(error, f"/{escape(str(place))}")
        if unfits:
            raise Unfits(unfits)
        return made


def _scalar(value: Any, type_: Any) -> Any:
    if type_ is float and type(value) in (int, float):
        if not math.isfinite(value):
            raise Unfit(f"expected a finite number, not {value}")
        return float(value)
    if type(value) is type_ or (value is None and type_ is None):
        return value
    raise Unfit(f"expected {describe(type_)}, not {shown(value)}")


def _refused(error: Exception, options: Collection[str]) -> Unfit:
    """Give what a validator said at the option that it names first, as attrs' own do."""
    # Some of attrs' carry the attribute and the value beside the message.
    first = error.args[0] if error.args and not isinstance(error, VoxstackError) else None
    text = first if isinstance(first, str) else str(error)
    named = re.search(r"'(\w+)'", text)
    if named is None or named[1] not in options:
        return Unfit(text)
    if bound := re.fullmatch(r"'\w+' (must be [<>]=? \S+): (.+)", text):
        text = f"{bound[1]}, not {bound[2]}"
    return Unfit(text, None, f"/{escape(named[1])}")


def _there(name: str, options: Collection[str]) -> str:
    there = ", ".join(map(repr, options)) or "none"
    return did_you_mean(name, options) or f"options: {there}"


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
    """Say a type in the words of a configuration."""
    if type_ in WORDS:
        return WORDS[type_]
    if get_origin(type_) is Literal:
        return " or ".join(shown(a) for a in get_args(type_))
    if get_args(type_):
        return " or ".join(describe(a) for a in get_args(type_))
    return str(getattr(type_, "__name__", type_))


def structure(structurer: Structurer, document: Document, pointer: str, cls: type) -> Any:
    """Make the whole ``document.value`` a ``cls``; ConfigError with all problems."""
    unfits = list(schema_unfits(document.value))
    value = document.value
    if isinstance(value, dict) and SCHEMA_KEY in value:
        value = {key: kept for key, kept in value.items() if key != SCHEMA_KEY}
    try:
        made = structurer.structure(value, cls)
    except Exception as error:
        unfits += unfits_of(error)
    if unfits:
        raise ConfigError(problems_of(document, Unfits(unfits), pointer))
    tell_uses(structurer, document)
    return made


def schema_unfits(value: Any) -> Iterator[Unfit]:
    """Say what is wrong with a document's "$schema", which tells an editor how to check it."""
    named = value.get(SCHEMA_KEY, "") if isinstance(value, dict) else ""
    if not isinstance(named, str):
        expected = f"expected the address of a JSON Schema, a string, not {shown(named)}"
        yield Unfit(expected, f"remove it: only editors read {SCHEMA_KEY!r}", f"/{SCHEMA_KEY}")


def tell_uses(structurer: Structurer, document: Document) -> None:
    """Warn of what a configuration uses that goes away, each thing once for each document."""
    uses, structurer.uses = structurer.uses, []
    for use in uses:
        problem = document.problem(use.pointer, "")
        owner = use.owner.partition(" ")[0]
        what = use.what if owner == "voxstack" else f"{use.what} ({use.owner})"
        who = document.name or "the configuration of an executor"
        place = str(problem).removesuffix(": ")
        tell(Notice(who, what, owner, use.deprecation, place or who))
