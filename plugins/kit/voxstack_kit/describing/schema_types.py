"""JSON Schema of a class by its fields: what ``structure`` takes, the schema accepts."""

from __future__ import annotations

import enum
import inspect
import json
import math
import types
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Union, final, get_args, get_origin

import attrs
from voxstack import AudioFormat, Buckets, Executor, Frontend, Network, Program, Schedule, Symbols
from voxstack.inspection import ROLE, Block

from voxstack_kit.describing.comments import option_comments

Schema = dict[str, Any]

SCALARS: dict[Any, str] = {
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "string",
    type(None): "null",
    None: "null",
}
LISTS = (list, tuple, Sequence, Collection, Iterable)  # types whose values are arrays
OBJECTS = (dict, Mapping)
SIZES: Schema = {"type": "array", "items": {"type": "integer", "minimum": 1}}
NETWORK: Schema = {
    "type": "string",
    "title": "network",
    "description": 'a network, or "ADDON:NETWORK"',
}


def by_type(kind: str | list[str], then: Any, otherwise: Any) -> Schema:
    """Return a choice by the JSON type, so that a mistake is reported at its own place.

    For an "anyOf" an editor can only report that no alternative fits.
    """
    return {"if": {"type": kind}, "then": then, "else": otherwise}


@final
class TypeSchemas:
    """Schemas of classes and of the types of their fields.

    Objects become ``definitions``; ``place`` describes where a component is named.
    """

    def __init__(self, definitions: dict[str, Schema], place: Callable[[type], Schema]) -> None:
        self.definitions = definitions
        self._place = place
        self._keys: dict[type, str] = {}

    def options(self, cls: Any, hosted: bool, preset: Any = ()) -> Schema:
        """Return the schema of a class by its fields; ``hosted``: the host resolves names."""
        comments = option_comments(cls)
        properties: Schema = {}
        required = []
        for option in attrs.fields(attrs.resolve_types(cls)):
            if not option.init or (hosted and option.type in (AudioFormat, Symbols)):
                continue
            text = option.metadata.get("description") or comments.get(option.name)
            properties[option.name] = {
                **self._type(option.type or Any, hosted),
                **({} if option.converter else _bounds(option.validator)),
                **described(text),
                **_default(option, preset),
            }
            if option.default is attrs.NOTHING and option.name not in preset:
                required.append(option.name)
        return {
            "type": "object",
            **described(inspect.cleandoc(cls.__doc__ or "")),
            "properties": properties,
            "required": required,
            "additionalProperties": False,
        }

    def _type(self, type_: Any, hosted: bool) -> Schema:
        """Return the schema of what ``structure`` takes for a type."""
        origin, within = get_origin(type_), get_args(type_)
        if type_ is Any:
            return {}
        if origin is Annotated:
            return self._type(within[0], hosted)
        if origin is Union or origin is types.UnionType:
            return self._union(within, hosted)
        if origin is Literal:
            return {"enum": list(within)}
        if (origin or type_) in LISTS:
            return self._list(origin or type_, within, hosted)
        if (origin or type_) in OBJECTS:
            return {
                "type": "object",
                "additionalProperties": self._type(within[1], hosted) if within else True,
            }
        if isinstance(type_, type) or type_ is None:
            return self.of_class(type_, hosted)
        if supertype := getattr(type_, "__supertype__", None):  # typing.NewType
            return self._type(supertype, hosted)
        return {"not": {}}

    def _union(self, within: tuple[Any, ...], hosted: bool) -> Schema:
        """Return the schema of a union; the type separates scalars from objects and lists."""
        made = [self._type(t, hosted) for t in within]
        plain = [m["type"] for m in made if m.get("type") in SCALARS.values()]
        others = [m for m in made if m.get("type") not in SCALARS.values()]
        if plain and len(others) == 1 and ("$ref" in others[0] or "type" in others[0]):
            return by_type(plain, True, others[0])
        return {"anyOf": made}

    def _list(self, origin: Any, within: tuple[Any, ...], hosted: bool) -> Schema:
        if not within:
            return {"type": "array"}
        if origin is not tuple or within[-1] is Ellipsis:
            return {"type": "array", "items": self._type(within[0], hosted)}
        items = [self._type(t, hosted) for t in within]
        return {"type": "array", "prefixItems": items, "items": False, "minItems": len(items)}

    def of_class(self, type_: Any, hosted: bool) -> Schema:
        """Return the schema of a class's values; an object becomes a definition."""
        if type_ in SCALARS:
            return {"type": SCALARS[type_]}
        if hosted and issubclass(type_, (Block, Frontend, Executor)):
            return self._place(type_)
        if hosted and issubclass(type_, (Program, Network)):
            return NETWORK
        if hosted and issubclass(type_, Schedule):
            return SIZES
        if hosted and issubclass(type_, Buckets):
            return {"type": "object", "additionalProperties": {**SIZES, "minItems": 1}}
        if hosted and issubclass(type_, (AudioFormat, Symbols)):
            return {"not": {}}  # the host provides it
        if issubclass(type_, enum.Enum):
            return {"enum": [member.value for member in type_]}
        if issubclass(type_, Path):
            return {"type": "string"}
        if not attrs.has(type_):
            return {"not": {}}
        key = self.key(type_, "object" if hosted else "manifest")
        if key not in self.definitions:
            self.definitions[key] = {}  # it may hold itself
            self.definitions[key] = self.options(type_, hosted)
        return {"$ref": f"#/$defs/{key}"}

    def key(self, cls: type, prefix: str) -> str:
        """Return the name of a class's definition, unique even if two classes share a name."""
        if cls not in self._keys:
            key, taken = f"{prefix}.{cls.__name__}", set(self._keys.values())
            self._keys[cls] = f"{key}.{cls.__module__}" if key in taken else key
        return self._keys[cls]


def _default(option: attrs.Attribute[Any], preset: Any) -> Schema:
    """Return an option's default if JSON can express it."""
    value = option.default
    if option.name in preset:
        value = preset[option.name]
    elif value is attrs.NOTHING or ROLE in option.metadata:
        return {}
    elif isinstance(value, attrs.Factory):  # type: ignore[arg-type]
        if value.takes_self:  # type: ignore[union-attr]
            return {}
        value = value.factory()  # type: ignore[union-attr]
    if isinstance(value, Schedule | Buckets):
        value = value.sizes
        if not value:
            return {}
    try:
        return {"default": json.loads(json.dumps(value, allow_nan=False))}
    except (TypeError, ValueError):
        return {}


def _bounds(validator: Any) -> Schema:
    """Return the bounds that attrs' validators set for a number or a list."""
    bounds: Schema = {}
    for one in getattr(validator, "_validators", (validator,)):
        words = {">=": "minimum", ">": "exclusiveMinimum", "<=": "maximum", "<": "exclusiveMaximum"}
        bound: Any = getattr(one, "bound", None)
        word = words.get(getattr(one, "compare_op", ""))
        if word and type(bound) in (int, float) and math.isfinite(bound):
            bounds[word] = bound
        for key, words_ in (
            ("min_length", ("minItems", "minLength")),
            ("max_length", ("maxItems", "maxLength")),
        ):
            if type(length := getattr(one, key, None)) is int:
                bounds |= dict.fromkeys(words_, length)
    return bounds


def described(text: str | None) -> Schema:
    """Return the description, if there is one."""
    return {"description": text} if text else {}
