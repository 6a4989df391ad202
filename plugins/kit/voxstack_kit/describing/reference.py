"""The reference of hooks, components and addon.json, made from the code.

``python -m voxstack_kit.describing.reference FOLDER PATTERN...`` writes the pages into a folder,
with the components of the distributions that match; ``voxstack components`` shows those installed.
"""

from __future__ import annotations

import ast
import inspect
import json
import sys
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from voxstack import Component
from voxstack.cli import write_atomically
from voxstack.inspection import FORMAT, KINDS, Filter, Registry

from voxstack_kit.describing.comments import summary
from voxstack_kit.describing.schema import Described, described, schema

Schema = Mapping[str, Any]

hookspecs = sys.modules[Component.__module__]

MADE = (
    "<!-- Made from the code by `python -m voxstack_kit.describing.reference`; do not edit. -->\n\n"
)
WORDS = {
    "boolean": "true or false",
    "integer": "whole number",
    "number": "number",
    "string": "string",
    "null": "null",
    "array": "list",
    "object": "object",
}
UNCOUNTED = ("true or false", "null", "anything")
BOUNDS = (
    ("minimum", "{} or more"),
    ("exclusiveMinimum", "more than {}"),
    ("maximum", "{} at most"),
    ("exclusiveMaximum", "less than {}"),
)


# Components -------------------------------------------------------------------------------------


def facts(component: Described) -> dict[str, Any]:
    """Return what is known of a component, as ``voxstack components --json`` prints it."""
    registration, cls = component.registration, component.cls
    required = component.options.get("required", ())
    return {
        "name": registration.name,
        "kind": registration.kind,
        "distribution": registration.distribution,
        "version": registration.version,
        "status": registration.status if cls is not None else _status(registration.status),
        "reason": component.reason or registration.reason,
        "summary": summary(cls) if cls is not None else None,
        "description": inspect.cleandoc(cls.__doc__ or "") if cls is not None else None,
        "consumes": _declared(cls, "consumes"),
        "produces": _declared(cls, "produces"),
        "options": [
            {
                "name": name,
                "type": words(option),
                "required": name in required,
                "default": option.get("default"),
                "bounds": bounds(option),
                "description": option.get("description"),
            }
            for name, option in component.options.get("properties", {}).items()
        ],
    }


def _status(status: str) -> str:
    return "broken" if status == "ok" else status


def _declared(cls: type | None, name: str) -> list[str] | None:
    """Return the tensors that a class declares; None if its options decide or it declares none."""
    names = getattr(cls, name, None)
    return None if names is None or isinstance(names, property) else list(names)


def words(option: Schema, many: bool = False) -> str:
    """Return what an option takes, in words; ``many``: of a list or of an object's values."""
    if "$ref" in option:
        return str(option["$ref"].split(".")[1])  # "#/$defs/place.StreamableBlock"
    if "anyOf" in option:
        return " or ".join(words(one, many) for one in option["anyOf"])
    if "else" in option:  # an object or a list, or one of the scalars in "if"
        scalars = [words({"type": kind}, many) for kind in option["if"]["type"]]
        return " or ".join([words(option["else"], many), *scalars])
    if "enum" in option:
        return " or ".join(json.dumps(one) for one in option["enum"])
    kind = option.get("type")
    if kind == "array" and "prefixItems" in option:
        return f"[{', '.join(words(one) for one in option['prefixItems'])}]"
    text = str(option.get("title") or WORDS.get(str(kind), "anything"))
    if many and text not in UNCOUNTED:
        text += "s"
    inner = option.get({"array": "items", "object": "additionalProperties"}.get(str(kind), ""))
    return f"{text} of {words(inner, many=True)}" if isinstance(inner, dict) and inner else text


def bounds(option: Schema) -> str | None:
    """Return the bounds of a number in words, or None."""
    if "minimum" in option and "maximum" in option:
        return f"{_number(option['minimum'])} to {_number(option['maximum'])}"
    found = [text.format(_number(option[key])) for key, text in BOUNDS if key in option]
    return ", ".join(found) or None


def _number(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:g}"


# Pages ------------------------------------------------------------------------------------------


def component_section(component: Described) -> str:
    """Return what is known of one component as Markdown."""
    known = facts(component)
    text = f"## {known['name']}\n\nOf `{known['distribution']}`, kind `{known['kind']}`.\n"
    if component.cls is None:
        return f"{text}\nIt cannot be used: {known['reason']}\n"
    text += f"\n{_prose(known['description'])}\n"
    for verb in ("consumes", "produces"):
        if known[verb]:
            text += f"\nIt {verb} {', '.join(f'`{name}`' for name in known[verb])}.\n"
    rows = [
        (
            f"`{option['name']}`",
            "; ".join(filter(None, (option["type"], option["bounds"]))),
            _default(option["required"], option["default"]),
            _prose(option["description"] or ""),
        )
        for option in known["options"]
    ]
    return text + (f"\n{_table('option', rows)}" if rows else "\nIt has no options.\n")


def components_page(components: list[Described]) -> str:
    """Return the page of components."""
    head = (
        "# Components\n\n"
        "What a stack can name, by the `type`. Any block also takes `executor`: the executor of "
        "all networks in it. `voxstack components NAME` shows the same of what is installed.\n"
    )
    return MADE + "\n".join([head, *(component_section(c) for c in components)])


def hooks_page() -> str:
    """Return the page of hooks: each with its signature in the code."""
    kinds = {kind.hook for kind in KINDS.values()}
    sections = []
    for name, signature, function in _hooks():
        what = "components" if name in kinds else "the life cycle"
        doc = _prose(inspect.cleandoc(function.__doc__ or ""))
        sections.append(f"## {name}\n\n```python\n{signature}\n```\n\nA hook of {what}. {doc}\n")
    head = "# Hooks\n\nThe hooks of `voxstack.hookspecs`.\n"
    prose = _prose(inspect.cleandoc(hookspecs.__doc__ or ""))
    return MADE + "\n".join([head, f"{prose}\n", *sections])


def _hooks() -> Iterator[tuple[str, str, Any]]:
    for node in ast.parse(inspect.getsource(hookspecs)).body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("voxstack_"):
            returns = ast.unparse(node.returns) if node.returns else "None"
            signature = f"def {node.name}({ast.unparse(node.args)}) -> {returns}"
            yield node.name, signature, getattr(hookspecs, node.name)


def addon_page(registry: Registry) -> str:
    """Return the page of addon.json: every key of the manifest."""
    document = schema(registry, "addon")
    head = f"# addon.json\n\nFormat {FORMAT}.\n"
    sections = [_keys("Manifest", document)]
    sections += [
        _keys(key.removeprefix("manifest."), definition)
        for key, definition in document["$defs"].items()
        if key.startswith("manifest.")
    ]
    return MADE + "\n".join([head, *sections])


def _keys(name: str, definition: Schema) -> str:
    rows = [
        (
            f"`{key}`",
            "; ".join(filter(None, (_manifest_words(key, option), bounds(option)))),
            _default(key in definition["required"], option.get("default")),
            _prose(option.get("description", "")),
        )
        for key, option in definition["properties"].items()
    ]
    return f"## {name}\n\n{_prose(definition.get('description', ''))}\n\n{_table('key', rows)}"


def _manifest_words(key: str, option: Schema) -> str:
    """Return what a key takes; components have a page of their own."""
    places = {"frontend": "a frontend", "stack": "list of blocks"}
    return places[key] if key in places and "description" in option else words(option)


def _default(required: bool, default: Any) -> str:
    if required:
        return "required"
    return "" if default is None else f"`{json.dumps(default, ensure_ascii=False)}`"


def _table(first: str, rows: list[tuple[str, str, str, str]]) -> str:
    lines = [f"| {first} | takes | default | |", "| --- | --- | --- | --- |"]
    for row in rows:
        cells = (" ".join(cell.replace("|", "\\|").split()) for cell in row)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _prose(text: str) -> str:
    """Return a docstring with Markdown's marks for code."""
    return textwrap.dedent(text).replace("``", "`").strip()


def pages(registry: Registry) -> dict[str, str]:
    """Return the pages by the names of their files."""
    return {
        "hooks.md": hooks_page(),
        "components.md": components_page(described(registry)),
        "addon.md": addon_page(registry),
    }


def main(arguments: list[str]) -> None:
    """Write the pages into the first argument, of the distributions that match the others."""
    folder, *patterns = arguments
    registry = Registry([Filter(tuple(patterns) or ("*",))])
    usable = [r for r in registry.registrations if r.status != "blocked"]
    registry.registrations[:] = usable
    for name, text in pages(registry).items():
        write_atomically(str(Path(folder) / name), text)


if __name__ == "__main__":
    main(sys.argv[1:])
