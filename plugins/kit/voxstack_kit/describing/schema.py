"""JSON Schema of addon.json, of stacks and of deployment files, from the installed components.

The rules are those of ``structure``: what the host takes, the schema accepts. A component is a
definition of its own, chosen by its ``type``, so that an editor completes its options.
"""

from __future__ import annotations

from typing import Any

from voxstack import Frontend, StreamableBlock
from voxstack.inspection import (
    DTYPES,
    FORMAT,
    HIGHEST_RATE,
    LOWEST_RATE,
    MAX_FILE,
    MAX_FILES,
    MAX_FRAMES,
    MAX_LINE,
    Deployment,
    Manifest,
    Registry,
    VoiceSettings,
)

from voxstack_kit.describing.schema_components import ComponentSchemas, Described, described
from voxstack_kit.describing.schema_types import Schema, by_type

__all__ = ["Described", "described", "schema"]

SCHEMA_KEY = "$schema"  # of a whole document: for editors, and ignored by the host
DIALECT = "https://json-schema.org/draft/2020-12/schema"
NAMED: Schema = {
    SCHEMA_KEY: {
        "type": "string",
        "description": "the address of a JSON Schema, for editors; the host ignores it",
    }
}
FRAMES: Schema = {"minimum": 0, "maximum": MAX_FRAMES}
LINE: Schema = {"maxLength": MAX_LINE}
NAME = r"^[^:/\\@]+$"
SIZE: Schema = {
    "type": "array",
    "prefixItems": [{"type": "integer", "minimum": 1}, {"type": "number", "exclusiveMinimum": 0}],
    "items": False,
    "minItems": 2,
}
# What the manifest's classes refuse beyond their types, as far as JSON Schema can express it.
LIMITS: dict[str, dict[str, Schema]] = {
    "Manifest": {
        **dict.fromkeys(("version", "language", "license", "author", "description"), LINE),
        "sample": LINE,
        "homepage": {**LINE, "pattern": "^$|^https?://"},
        "datasets": {"items": {"type": "string", **LINE}},
        "name": {**LINE, "pattern": NAME},
        "networks": {"propertyNames": {"pattern": NAME}},
        "files": {"maxProperties": MAX_FILES},
        "sizes": {"additionalProperties": {"type": "array", "minItems": 1, "items": SIZE}},
    },
    "AudioFormat": {
        "sample_rate": {"minimum": LOWEST_RATE, "maximum": HIGHEST_RATE},
        "hop": {"minimum": 1, "maximum": MAX_FRAMES},
    },
    "Context": {"left": FRAMES, "right": FRAMES},
    "Control": {"values": {"minItems": 1}},
    "FileEntry": {
        "sha256": {"pattern": "^[0-9a-fA-F]{64}$"},
        "bytes": {"minimum": 0, "maximum": MAX_FILE},
    },
    "NetworkManifest": {
        "files": {"minProperties": 1},
        "delay": FRAMES,
        "frame_ratio": {"minimum": 1, "maximum": MAX_FRAMES},
    },
    "TensorSpec": {
        "dtype": {"enum": list(DTYPES)},
        "shape": {"items": {"anyOf": [{"type": "integer", "minimum": 0}, {"type": "string"}]}},
    },
}


def schema(registry: Registry, what: str = "addon") -> Schema:
    """Return the schema of an ``addon``, a ``stack`` or a ``deployment``.

    Imports every component; one that cannot be imported is named in ``$comment``.
    """
    made = ComponentSchemas(registry)
    root = {"addon": _addon, "stack": _stack, "deployment": _deployment}[what](made)
    left_out = [f"{r.namespace} {r.name} of {r.distribution}: {why}" for r, why in made.unusable]
    comment = f"left out: {'; '.join(left_out)}" if left_out else None
    return {
        "$schema": DIALECT,
        "title": f"voxstack {what}",
        **({"$comment": comment} if comment else {}),
        **root,
        "$defs": dict(sorted(made.definitions.items())),
    }


def _addon(made: ComponentSchemas) -> Schema:
    """Return the schema of a manifest: it has both a frontend and a stack, or neither."""
    options = made.types.options(Manifest, hosted=False)
    properties = options["properties"]
    properties |= NAMED
    properties["format"] |= {"const": FORMAT}
    properties["frontend"] |= by_type("null", True, made.place(Frontend))
    properties["stack"] |= {**_row(made), "type": ["array", "null"]}
    for name, limits in LIMITS.items():
        owner = options if name == "Manifest" else made.definitions[f"manifest.{name}"]
        for key, limit in limits.items():
            owner["properties"][key] |= limit
    given = {"frontend": "object", "stack": "array"}
    together = [
        {
            "if": {"required": [one], "properties": {one: {"type": given[one]}}},
            "then": {"required": [other], "properties": {other: {"type": given[other]}}},
        }
        for one, other in (("frontend", "stack"), ("stack", "frontend"))
    ]
    return {**options, "allOf": together}


def _stack(made: ComponentSchemas) -> Schema:
    """Return the schema of a stack alone: its list, or an object with it and anything else."""
    holder = {
        "type": "object",
        "required": ["stack"],
        "properties": {
            **NAMED,
            "stack": _row(made),
            "frontend": by_type("null", True, made.place(Frontend)),
        },
    }
    return by_type("array", _row(made), holder)


def _deployment(made: ComponentSchemas) -> Schema:
    """Return the schema of a deployment file, as plain values."""
    options = made.types.options(Deployment, hosted=False)
    options["properties"] |= NAMED
    voice = made.types.of_class(VoiceSettings, hosted=False)
    for owner in (options, made.definitions[voice["$ref"].rpartition("/")[2]]):
        properties = owner["properties"]
        executor = by_type("null", True, made.executors())
        properties["executor"] |= executor
        properties["executors"] |= {"additionalProperties": executor}
        properties["set"] |= {
            "propertyNames": {"pattern": "^/"},
            "additionalProperties": made.value(),
        }
    made.definitions |= {key: _key_by_key(value) for key, value in made.definitions.items()}
    return dict(_key_by_key(options))


def _key_by_key(value: Any) -> Any:
    """Return a schema that refuses an unknown key at its own place.

    Taplo, which most editors check TOML with, underlines every key of a file if
    ``"additionalProperties": false`` refuses one.
    """
    if isinstance(value, list):
        return [_key_by_key(item) for item in value]
    if not isinstance(value, dict):
        return value
    made = {key: _key_by_key(item) for key, item in value.items()}
    if value.get("additionalProperties") is False:
        there = ", ".join(key for key in value["properties"] if key != SCHEMA_KEY)
        made["additionalProperties"] = {"not": {"title": f"unknown key; known keys: {there}"}}
    return made


def _row(made: ComponentSchemas) -> Schema:
    return {"type": "array", "minItems": 1, "items": made.place(StreamableBlock)}
