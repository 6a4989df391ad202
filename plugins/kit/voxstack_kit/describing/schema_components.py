"""JSON Schema of the installed components: each a definition, chosen by its ``type``."""

from __future__ import annotations

import contextlib
import re
from typing import final

import attrs
from voxstack import Executor, Frontend, PluginError
from voxstack.inspection import KINDS, Block, Registration, Registry

from voxstack_kit.describing.comments import summary
from voxstack_kit.describing.schema_types import Schema, TypeSchemas, by_type
from voxstack_kit.describing.schema_types import described as with_description

NAMESPACES = ((Block, "block"), (Frontend, "frontend"), (Executor, "executor"))
EXECUTOR = "the executor of all networks in this block; of a list, the first that can run here"


@final
@attrs.frozen(eq=False)
class _Choice:
    """A component by its name in a configuration."""

    registration: Registration
    cls: type
    type: Schema  # of its "type"
    key: str  # of its definition


@final
@attrs.frozen(eq=False)
class Described:
    """A component that a configuration can name, with its options."""

    registration: Registration
    cls: type | None = None  # None: it cannot be imported
    options: Schema = attrs.field(factory=dict)  # its options' schema: "properties", "required"
    reason: str | None = None  # why it cannot be imported


def described(registry: Registry) -> list[Described]:
    """Return all components that a configuration can name, sorted by name; imports them."""
    made = ComponentSchemas(registry)
    found = [
        Described(c.registration, c.cls, made.types.options(c.cls, True, c.registration.options))
        for choices in made.choices.values()
        for c in choices
    ]
    found += [Described(registration, reason=reason) for registration, reason in made.unusable]
    return sorted(found, key=lambda d: (d.registration.name.lower(), d.registration.distribution))


@final
class ComponentSchemas:
    """Schemas of the places where components are named."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self.definitions: dict[str, Schema] = {}
        self.types = TypeSchemas(self.definitions, self.place)
        self.unusable: list[tuple[Registration, str]] = []  # and why
        self.choices = {namespace: self._loaded(namespace) for _, namespace in NAMESPACES}

    def executors(self) -> Schema:
        """Return the schema of one executor, or of a list with alternatives."""
        one = self.place(Executor)
        many = {"type": "array", "items": {"anyOf": [one, True]}}
        return by_type("array", many, one)

    def _loaded(self, namespace: str) -> list[_Choice]:
        """Return what can be named in a configuration, imported."""
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
                    {"const": full, **with_description(summary(cls))},
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

    def place(self, wanted: type) -> Schema:
        """Return a reference to what a place takes: the components that extend ``wanted``."""
        namespace = next(n for base, n in NAMESPACES if issubclass(wanted, base))
        key = self.types.key(wanted, "place")
        if key not in self.definitions:
            self.definitions[key] = {}  # it may hold itself
            fitting = [c for c in self.choices[namespace] if issubclass(c.cls, wanted)]
            for choice in fitting:
                if choice.key not in self.definitions:
                    self.definitions[choice.key] = {}
                    self.definitions[choice.key] = self._component(choice)
            self.definitions[key] = self._choice(wanted, namespace, fitting)
        return {"$ref": f"#/$defs/{key}"}

    def value(self) -> Schema:
        """Return a reference to any value; in it an object with a ``type`` is a component."""
        if "value" not in self.definitions:
            by_name: dict[str, list[Schema]] = {}  # two namespaces may have one name
            types: dict[str, Schema] = {}
            for wanted, namespace in NAMESPACES:
                self.place(wanted)
                for choice in self.choices[namespace]:
                    name = choice.key.partition(".")[2]
                    by_name.setdefault(name, []).append({"$ref": f"#/$defs/{choice.key}"})
                    types.setdefault(name, choice.type)
            component = {
                "properties": {
                    "type": {"anyOf": [one for t in types.values() for one in t["anyOf"]]}
                },
                "allOf": [
                    {
                        "if": {"properties": {"type": types[name]}},
                        "then": {"anyOf": fitting} if fitting[1:] else fitting[0],
                    }
                    for name, fitting in by_name.items()
                ],
            }
            self.definitions["value"] = by_type(
                "array",
                {"items": {"$ref": "#/$defs/value"}},
                {"if": {"type": "object", "required": ["type"]}, "then": component},
            )
        return {"$ref": "#/$defs/value"}

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
        return by_type("string", {"anyOf": bare}, made) if bare else made

    def _component(self, choice: _Choice) -> Schema:
        preset = choice.registration.options
        options = self.types.options(choice.cls, hosted=True, preset=preset)
        properties = {"type": choice.type, **options["properties"]}
        if issubclass(choice.cls, Block):
            properties.setdefault("executor", {**self.executors(), "description": EXECUTOR})
        title = f"{choice.registration.name} of {choice.registration.distribution}"
        required = ["type", *options["required"]]
        return {**options, "title": title, "properties": properties, "required": required}


def _qualified(name: str, distribution: str) -> str:
    """Return a pattern for ``Name@distribution`` in every spelling that the host takes."""
    spelled = "".join(
        "[-_.]+" if c == "-" else f"[{c}{c.upper()}]" if c.isalpha() else _literal(c)
        for c in distribution
    )
    return f"^{_literal(name)}@{spelled}$"


def _literal(text: str) -> str:
    """Return text escaped for JSON Schema, whose expressions have fewer escapes than Python's."""
    return re.sub(r"[\\^$.*+?()\[\]{}|]", r"\\\g<0>", text)
