"""JSON Schema of addon.json, of stacks and of deployment files, from the installed components.

The rules are those of ``structure``: what the host takes, the schema accepts. A component is a
definition of its own, chosen by its ``type``, so that an editor completes its options.
"""

from __future__ import annotations

import contextlib
import enum
import inspect
import json
import math
import re
import types
from pathlib import Path
from typing import Annotated, Any, Literal, Union, final, get_args, get_origin

import attrs

from voxstack.blocks import Block, Frontend, StreamableBlock
from voxstack.buckets import Buckets
from voxstack.comments import option_comments, summary
from voxstack.components import KINDS
from voxstack.deployment import Deployment, VoiceSettings
from voxstack.deprecations import Deprecation, deprecation_of, old_names
from voxstack.errors import PluginError
from voxstack.executors import Executor, Program
from voxstack.manifest import Manifest
from voxstack.networks import ROLE, Network
from voxstack.provided import AudioFormat, Symbols
from voxstack.registry import Registration, Registry
from voxstack.schedule import Schedule
from voxstack.stability import FORMAT, OLDEST_FORMAT
from voxstack.structure import LISTS, OBJECTS

Schema = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
SCALARS: dict[Any, str] = {
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "string",
    type(None): "null",
    None: "null",
}
NAMESPACES = ((Block, "block"), (Frontend, "frontend"), (Executor, "executor"))
SIZES: Schema = {"type": "array", "items": {"type": "integer", "minimum": 1}}
NETWORK: Schema = {
    "type": "string",
    "title": "network",
    "description": 'a network, or "ADDON:NETWORK"',
}
EXECUTOR = "the executor of all networks in this block; of a list, the first that can run here"


def schema(registry: Registry, what: str = "addon") -> Schema:
    """Give the schema of an ``addon``, a ``stack`` or a ``deployment``.

    Imports every component; one that cannot be imported is named in ``$comment``.
    """
    made = _Schemas(registry)
    root = {"addon": made.addon, "stack": made.stack, "deployment": made.deployment}[what]()
    left_out = [f"{r.namespace} {r.name} of {r.distribution}: {why}" for r, why in made.unusable]
    comment = f"left out: {'; '.join(left_out)}" if left_out else None
    return {
        "$schema": DIALECT,
        "title": f"voxstack {what}",
        **({"$comment": comment} if comment else {}),
        **root,
        "$defs": dict(sorted(made.definitions.items())),
    }


@final
@attrs.frozen(eq=False)
class _Choice:
    """A component by the name that a configuration gives it."""

    registration: Registration
    cls: type
    type: Schema  # of its "type"
    key: str  # of its definition


@final
@attrs.frozen(eq=False)
class Described:
    """A component that a configuration can name, and what it says there."""

    registration: Registration
    cls: type | None = None  # None: it cannot be imported
    options: Schema = attrs.field(factory=dict)  # its options' schema: "properties", "required"
    reason: str | None = None  # why it cannot be imported


def described(registry: Registry) -> list[Described]:
    """Give all components that a configuration can name, sorted by name; imports them."""
    made = _Schemas(registry)
    found = [
        Described(c.registration, c.cls, made.options(c.cls, True, c.registration.options))
        for choices in made.choices.values()
        for c in choices
    ]
    found += [Described(registration, reason=reason) for registration, reason in made.unusable]
    return sorted(found, key=lambda d: (d.registration.name.lower(), d.registration.distribution))


@final
class _Schemas:
    """Collects definitions."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self.definitions: dict[str, Schema] = {}
        self.unusable: list[tuple[Registration, str]] = []  # and why
        self._keys: dict[type, str] = {}
        self.choices = {namespace: self._loaded(namespace) for _, namespace in NAMESPACES}

    # The three documents --------------------------------------------------------------------

    def addon(self) -> Schema:
        """A manifest; its frontend and its stack come together or not at all."""
        options = self.options(Manifest, hosted=False)
        properties = options["properties"]
        properties["format"] |= {"minimum": OLDEST_FORMAT, "maximum": FORMAT}
        properties["frontend"] |= {"anyOf": [self._place(Frontend), {"type": "null"}]}
        properties["stack"] |= {**self._row(), "type": ["array", "null"]}
        given = {"frontend": "object", "stack": "array"}
        together = [
            {
                "if": {"required": [one], "properties": {one: {"type": given[one]}}},
                "then": {"required": [other], "properties": {other: {"type": given[other]}}},
            }
            for one, other in (("frontend", "stack"), ("stack", "frontend"))
        ]
        return {**options, "allOf": together}

    def stack(self) -> Schema:
        """A stack alone: its list, or an object that holds it, in which all else is passed over."""
        holder = {
            "type": "object",
            "required": ["stack"],
            "properties": {
                "stack": self._row(),
                "frontend": {"anyOf": [self._place(Frontend), {"type": "null"}]},
            },
        }
        return {"anyOf": [self._row(), holder]}

    def deployment(self) -> Schema:
        """A deployment file, once a TOML reader made it plain."""
        options = self.options(Deployment, hosted=False)
        voice = self._class(VoiceSettings, hosted=False)
        for owner in (options, self.definitions[voice["$ref"].rpartition("/")[2]]):
            properties = owner["properties"]
            executor = {"anyOf": [self._executors(), {"type": "null"}]}
            properties["executor"] |= executor
            properties["executors"] |= {"additionalProperties": executor}
            properties["set"] |= {"propertyNames": {"pattern": "^/"}}
        return options

    def _row(self) -> Schema:
        return {"type": "array", "minItems": 1, "items": self._place(StreamableBlock)}

    def _executors(self) -> Schema:
        """One executor, or a list in which one that cannot be made is passed over."""
        one = self._place(Executor)
        return {"anyOf": [one, {"type": "array", "items": {"anyOf": [one, True]}}]}

    # Components -----------------------------------------------------------------------------

    def _loaded(self, namespace: str) -> list[_Choice]:
        """Import what can be named in a configuration."""
        with contextlib.suppress(PluginError):
            self.registry.find("", namespace)  # which imports the modules with hooks
        choices = []
        for (name, distribution), rivals in self._by_name(namespace).items():
            usable = [r for r in rivals if r.status in ("ok", "ambiguous")]
            registration = (usable or rivals)[0]
            ambiguous = registration.status == "ambiguous"
            full = f"{name}@{distribution}" if ambiguous else name
            try:
                cls = self.registry.load(self.registry.find(f"{name}@{distribution}", namespace))
                attrs.resolve_types(cls)
            except (PluginError, NameError) as error:
                self.unusable.append((registration, str(error)))
                continue
            type_ = {
                "anyOf": [
                    {"const": full, **_described(summary(cls))},
                    {"pattern": _qualified(name, distribution)},
                ]
            }
            choices.append(_Choice(registration, cls, type_, f"{namespace}.{full}"))
        return choices

    def _by_name(self, namespace: str) -> dict[tuple[str, str], list[Registration]]:
        found: dict[tuple[str, str], list[Registration]] = {}
        for registration in self.registry.registrations:
            if registration.kind in KINDS and registration.namespace == namespace:
                key = (registration.name, registration.distribution)
                found.setdefault(key, []).append(registration)
        return dict(sorted(found.items()))

    def _place(self, wanted: type) -> Schema:
        """Refer to what a place takes: the components that extend ``wanted``, by their type."""
        namespace = next(n for base, n in NAMESPACES if issubclass(wanted, base))
        key = self._key(wanted, "place")
        if key not in self.definitions:
            self.definitions[key] = {}  # it may hold itself
            fitting = [c for c in self.choices[namespace] if issubclass(c.cls, wanted)]
            for choice in fitting:
                if choice.key not in self.definitions:
                    self.definitions[choice.key] = {}
                    self.definitions[choice.key] = self._component(choice)
            self.definitions[key] = self._choice(wanted, namespace, fitting)
        return {"$ref": f"#/$defs/{key}"}

    def _choice(self, wanted: type, namespace: str, fitting: list[_Choice]) -> Schema:
        names = [alternative for c in fitting for alternative in c.type["anyOf"]]
        made: Schema = {
            "type": "object",
            "required": ["type"],
            "properties": {"type": {"anyOf": names} if names else {"not": {}}},
            **({"description": summary(wanted)} if summary(wanted) else {}),
        }
        if fitting:
            made["allOf"] = [
                {
                    "if": {"required": ["type"], "properties": {"type": choice.type}},
                    "then": {"$ref": f"#/$defs/{choice.key}"},
                }
                for choice in fitting
            ]
        if namespace != "executor":
            return made
        # An executor's bare name will do where all its options have defaults.
        bare = [
            alternative
            for choice in fitting
            if self.definitions[choice.key]["required"] == ["type"]
            for alternative in choice.type["anyOf"]
        ]
        return {"anyOf": [{"type": "string", "anyOf": bare}, made]} if bare else made

    def _component(self, choice: _Choice) -> Schema:
        preset = choice.registration.options
        options = self.options(choice.cls, hosted=True, preset=preset)
        properties = {"type": choice.type, **options["properties"]}
        if issubclass(choice.cls, Block):
            properties.setdefault("executor", {**self._executors(), "description": EXECUTOR})
        title = f"{choice.registration.name} of {choice.registration.distribution}"
        required = ["type", *options["required"]]
        return {**options, "title": title, "properties": properties, "required": required}

    # Classes and types ----------------------------------------------------------------------

    def options(self, cls: Any, hosted: bool, preset: Any = ()) -> Schema:
        """Describe a class by its fields; ``hosted``: the host resolves names and provides."""
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
                **_described(text),
                **_default(option, preset),
            }
            if deprecation := deprecation_of(option):
                properties[option.name] |= _deprecated(deprecation)
            for old, deprecation in old_names(option).items():
                properties[old] = {**self._type(option.type or Any, hosted)}
                properties[old] |= _deprecated(deprecation)
            # With an old name both are optional here: the host checks that one of them is given.
            named = option.name in preset or old_names(option)
            if option.default is attrs.NOTHING and not named:
                required.append(option.name)
        return {
            "type": "object",
            **_described(inspect.cleandoc(cls.__doc__ or "")),
            "properties": properties,
            "required": required,
            "additionalProperties": False,
        }

    def _type(self, type_: Any, hosted: bool) -> Schema:
        """Give the schema of what ``structure`` takes for a type."""
        origin, within = get_origin(type_), get_args(type_)
        if type_ is Any:
            return {}
        if origin is Annotated:
            return self._type(within[0], hosted)
        if origin is Union or origin is types.UnionType:
            return {"anyOf": [self._type(t, hosted) for t in within]}
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
            return self._class(type_, hosted)
        if supertype := getattr(type_, "__supertype__", None):  # typing.NewType
            return self._type(supertype, hosted)
        return {"not": {}}

    def _list(self, origin: Any, within: tuple[Any, ...], hosted: bool) -> Schema:
        if not within:
            return {"type": "array"}
        if origin is not tuple or within[-1] is Ellipsis:
            return {"type": "array", "items": self._type(within[0], hosted)}
        items = [self._type(t, hosted) for t in within]
        return {"type": "array", "prefixItems": items, "items": False, "minItems": len(items)}

    def _class(self, type_: Any, hosted: bool) -> Schema:
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
        key = self._key(type_, "object" if hosted else "manifest")
        if key not in self.definitions:
            self.definitions[key] = {}  # it may hold itself
            self.definitions[key] = self.options(type_, hosted)
        return {"$ref": f"#/$defs/{key}"}

    def _key(self, cls: type, prefix: str) -> str:
        """Name the definition of a class; two classes of one name are told apart."""
        if cls not in self._keys:
            key, taken = f"{prefix}.{cls.__name__}", set(self._keys.values())
            self._keys[cls] = f"{key}.{cls.__module__}" if key in taken else key
        return self._keys[cls]


def _qualified(name: str, distribution: str) -> str:
    """Match ``Name@distribution`` in every spelling that the host takes."""
    spelled = "".join(
        "[-_.]+" if c == "-" else f"[{c}{c.upper()}]" if c.isalpha() else _literal(c)
        for c in distribution
    )
    return f"^{_literal(name)}@{spelled}$"


def _literal(text: str) -> str:
    """Escape for a regular expression of JSON Schema, which knows fewer escapes than Python's."""
    return re.sub(r"[\\^$.*+?()\[\]{}|]", r"\\\g<0>", text)


def _default(option: attrs.Attribute[Any], preset: Any) -> Schema:
    """Give an option's default where JSON can say it."""
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
    """Give the bounds that attrs' validators set; what is no number or list is not touched."""
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


def _deprecated(deprecation: Deprecation) -> Schema:
    text = f"goes away in {deprecation.removed_in}: {deprecation.instead}"
    return {"deprecated": True, "description": text}


def _described(text: str | None) -> Schema:
    return {"description": text} if text else {}
