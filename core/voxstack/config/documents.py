"""Configuration documents: JSON with positions, edits by JSON pointer (RFC 6901), and TOML."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, final

from attrs import define, field

from voxstack.errors import ConfigError, InputError, Problem, did_you_mean, escape, shown

MAX_DEPTH = 64  # nesting that no hand-written configuration reaches

_TOKEN = re.compile(r'[{}\[\],:]|"(?:[^"\\]|\\.)*"|[^\s{}\[\],:"]+', re.DOTALL)


@final
@define(eq=False)
class Document:
    """A configuration: its value, and the text that it was read from."""

    value: Any
    name: str | None = None  # the file's name as the user knows it
    text: str | None = field(default=None, repr=False)
    edits: dict[str, str] = field(factory=dict)  # pointer -> who set it
    base: str = ""  # where the root of the text is in the value
    _positions: dict[str, tuple[int, int]] | None = field(default=None, init=False, repr=False)

    def problem(self, pointer: str, message: str, suggestion: str | None = None) -> Problem:
        """Return a problem at ``pointer``, with line and column of the nearest known place."""
        for edited, origin in reversed(self.edits.items()):
            if pointer == edited or pointer.startswith(edited + "/"):
                return Problem(pointer, f"{message} (set by {origin})", suggestion)
        below = [o for edited, o in self.edits.items() if edited.startswith(pointer + "/")]
        if below and pointer:
            message = f"{message} (changed by {', '.join(dict.fromkeys(below))})"
        line, column = self.position(pointer)
        return Problem(pointer, message, suggestion, line, column, self.name)

    def position(self, pointer: str) -> tuple[int | None, int | None]:
        """Return line and column (1-based) of the value at ``pointer`` or the nearest around it."""
        if self.text is None:
            return None, None
        if self._positions is None:
            self._positions = scan_positions(self.text)[0]
        pointer = pointer.removeprefix(self.base)
        while pointer and pointer not in self._positions:
            pointer = pointer.rpartition("/")[0]
        return self._positions.get(pointer, (None, None))

    def edited(self, edits: Iterable[tuple[str, Any, str]]) -> Document:
        """Return a copy with values set: (pointer, value, origin). Pointer ``/-`` appends."""
        value = copy.deepcopy(self.value)
        made = Document(value, self.name, self.text, dict(self.edits), self.base)
        for pointer, new, origin in edits:
            if _too_deep(new):
                raise ConfigError([_deep(origin)])
            try:
                made.edits[_set(value, pointer, copy.deepcopy(new))] = origin
            except InputError as error:
                # The name of an edit contains the pointer already.
                reason = str(error).removeprefix(f"{pointer!r}: " if pointer in origin else "")
                raise InputError(f"{origin}: {reason}") from None
        return made


# Reading ----------------------------------------------------------------------------------------


def read_text(path: str | Path, encoding: str = "utf-8-sig") -> str:
    """Read a text file; InputError if it cannot be read or is not UTF-8."""
    try:
        return Path(path).read_text(encoding)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 text (byte {error.start})") from None


def parse_json(text: str, name: str | None = None) -> Document:
    """Parse JSON; ConfigError has line and column, and lists duplicate keys."""
    try:
        value = json.loads(text, parse_constant=_no_constant)
    except RecursionError:
        raise ConfigError([_deep(name)]) from None
    except json.JSONDecodeError as error:
        problem = Problem("", f"not JSON: {error.msg}", None, error.lineno, error.colno, name)
        raise ConfigError([problem]) from None
    except ValueError as error:
        raise ConfigError([Problem("", f"not JSON: {error}", file=name)]) from None
    document = Document(value, name, text)
    document._positions, duplicates, deepest = scan_positions(text)
    if deepest > MAX_DEPTH:
        raise ConfigError([_deep(name)])
    if duplicates:
        raise ConfigError(
            [document.problem(p, "duplicate key", "keep one of them") for p in duplicates]
        )
    return document


def parse_value(text: str) -> Any:
    """Parse a value as a user types it: JSON if it parses, else a string."""
    try:
        return json.loads(text, parse_constant=_no_constant)
    except ValueError as error:
        if text.lstrip()[:1] in ("{", "["):
            start = text if len(text) <= 60 else text[:57] + "..."
            raise InputError(f"{start!r} is not valid JSON: {error}") from None
        return text
    except RecursionError:
        raise ConfigError([_deep(None)]) from None


def read_toml(path: str | Path) -> Document:
    """Read a TOML file; InputError or ConfigError if it cannot be read."""
    import tomllib

    text = read_text(path, "utf-8")
    try:
        value = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        place = re.search(r"\(at line (\d+), column (\d+)\)", str(error))
        line, column = (int(place[1]), int(place[2])) if place else (None, None)
        reason = str(error)[: place.start()].rstrip() if place else str(error)
        problem = Problem("", f"not TOML: {reason}", None, line, column, str(path))
        raise ConfigError([problem]) from None
    return Document(value, str(path))


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON number")


def _too_deep(value: Any) -> bool:
    try:
        return scan_positions(json.dumps(value, default=str))[2] > MAX_DEPTH
    except RecursionError:
        return True


def _deep(name: str | None) -> Problem:
    message = f"nested more than {MAX_DEPTH} levels deep"
    advice = "flatten it: a StreamableStack takes any number of blocks in a row"
    return Problem("", message, advice, file=name)


def scan_positions(text: str) -> tuple[dict[str, tuple[int, int]], list[str], int]:
    """Return (pointer -> (line, column) of each value, pointers of duplicate keys, depth).

    ``text`` must be valid JSON. Linear in its length, without recursion.
    """
    positions: dict[str, tuple[int, int]] = {}
    duplicates: list[str] = []
    stack: list[tuple[str, set[str] | None]] = []  # pointer; keys so far of an object
    indices: list[int] = []
    key: str | None = None
    line, line_start, at, deepest = 1, 0, 0, 0
    for match in _TOKEN.finditer(text):
        token, start = match[0], match.start()
        if (newline := text.rfind("\n", at, start)) >= 0:
            line, line_start = line + text.count("\n", at, start), newline + 1
        at = start
        pointer, keys = stack[-1] if stack else ("", None)
        if token in ",:":
            indices[-1] += token == ","
        elif token in "}]":
            stack.pop()
            indices.pop()
        elif keys is not None and key is None:
            key = json.loads(token)
            if key in keys:
                duplicates.append(_child(pointer, key))
            keys.add(key)
        else:
            if stack:
                pointer = _child(pointer, indices[-1] if key is None else key)
            positions.setdefault(pointer, (line, start - line_start + 1))
            key = None
            if token in "{[":
                stack.append((pointer, set() if token == "{" else None))
                indices.append(0)
                deepest = max(deepest, len(stack))
    return positions, duplicates, deepest


# JSON pointers ----------------------------------------------------------------------------------


def _child(pointer: str, key: str | int) -> str:
    return f"{pointer}/{escape(str(key))}"


def split(pointer: str) -> list[str]:
    """Split a JSON pointer into keys; InputError if it is not one."""
    if pointer and not pointer.startswith("/"):
        raise InputError(f"{pointer!r} is not a JSON pointer: it must begin with '/'")
    return [p.replace("~1", "/").replace("~0", "~") for p in pointer.split("/")[1:]]


def lookup(value: Any, pointer: str) -> Any:
    """Return the value at ``pointer``; InputError names the first part that is missing."""
    done = ""
    for key in split(pointer):
        value = _step(value, key, done, pointer)
        done = _child(done, key)
    return value


def _index(key: str, items: list[Any]) -> int | None:
    """Return the index that a key stands for; None if the list has no such item."""
    return int(key) if key.isdecimal() and len(key) < 10 and int(key) < len(items) else None


def _step(value: Any, key: str, done: str, pointer: str) -> Any:
    where = f"{shown(pointer)}: nothing at {shown(_child(done, key))}"
    if isinstance(value, dict):
        if key in value:
            return value[key]
        there = f"it has: {', '.join(map(repr, value)) or 'nothing'}"
        raise InputError(f"{where} ({did_you_mean(key, value, there)})")
    if isinstance(value, list):
        if (index := _index(key, value)) is not None:
            return value[index]
        raise InputError(f"{where} (the list at {done or '/'!r} has {len(value)} items)")
    raise InputError(f"{where} ({done or '/'!r} is neither an object nor a list)")


def _set(root: Any, pointer: str, value: Any) -> str:
    """Set a value in place and return its pointer."""
    keys = split(pointer)
    if not keys:
        raise InputError("the pointer is empty; name a place such as /stack/0/type")
    parent, done = root, ""
    for key in keys[:-1]:
        parent = _step(parent, key, done, pointer)
        done = _child(done, key)
    key = keys[-1]
    if isinstance(parent, dict):
        parent[key] = value
    elif not isinstance(parent, list):
        raise InputError(f"{pointer!r}: {done or '/'!r} is neither an object nor a list")
    elif key == "-":
        parent.append(value)
        key = str(len(parent) - 1)
    elif (index := _index(key, parent)) is not None:
        parent[index] = value
    else:
        raise InputError(
            f"{shown(pointer)}: the list at {done or '/'!r} has {len(parent)} items; "
            "name one of them, or '-' to append"
        )
    return _child(done, key)
