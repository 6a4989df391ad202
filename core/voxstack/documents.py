"""Configuration documents: JSON with known positions, and edits by JSON pointer (RFC 6901)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, final

from attrs import define, field, frozen

from voxstack.errors import ConfigError, InputError, Problem, did_you_mean

MAX_DEPTH = 64  # nesting that no hand-written configuration reaches

_TOKEN = re.compile(r'[ \t\r\n]*(?:([{}\[\],:])|("(?:[^"\\]|\\.)*")|([^\s{}\[\],:"]+))', re.DOTALL)


@final
@define(eq=False)
class Document:
    """A configuration: its value, and the text that it came from."""

    value: Any
    name: str | None = None  # the file's name as the user knows it
    text: str | None = field(default=None, repr=False)
    edits: dict[str, str] = field(factory=dict)  # pointer -> who set it
    base: str = ""  # where the text's own root stands in the value
    _positions: dict[str, tuple[int, int]] | None = field(default=None, init=False, repr=False)

    def problem(self, pointer: str, message: str, suggestion: str | None = None) -> Problem:
        """Make a problem at ``pointer``, with the line and column of the nearest place known."""
        for edited, origin in self.edits.items():
            if pointer == edited or pointer.startswith(edited + "/"):
                return Problem(pointer, f"{message} (set by {origin})", suggestion)
        below = [o for edited, o in self.edits.items() if edited.startswith(pointer + "/")]
        if below and pointer:
            message = f"{message} (changed by {', '.join(dict.fromkeys(below))})"
        line, column = self.position(pointer)
        return Problem(pointer, message, suggestion, line, column, self.name)

    def position(self, pointer: str) -> tuple[int | None, int | None]:
        """Give line and column (1-based) of the value at ``pointer`` or the nearest around it."""
        if self.text is None:
            return None, None
        if self._positions is None:
            self._positions = scan_positions(self.text)[0]
        pointer = pointer.removeprefix(self.base)
        while pointer and pointer not in self._positions:
            pointer = pointer.rpartition("/")[0]
        return self._positions.get(pointer, (None, None))

    def edited(self, edits: Iterable[tuple[str, Any, str]]) -> Document:
        """Give a copy with values set: (pointer, value, origin). Pointer ``/-`` appends."""
        copy = Document(
            json.loads(json.dumps(self.value)), self.name, self.text, dict(self.edits), self.base
        )
        for pointer, value, origin in edits:
            if _deeper(value, MAX_DEPTH):
                raise ConfigError([_deep(origin)])
            try:
                copy.edits[_set(copy.value, pointer, value, origin)] = origin
            except InputError as error:
                # "--set /stack/9" says the pointer already.
                told = str(error).removeprefix(f"{pointer!r}: " if pointer in origin else "")
                raise InputError(f"{origin}: {told}") from None
        return copy


@final
@frozen
class _Frame:
    """A container that the scanner is in."""

    pointer: str
    is_object: bool
    keys: set[str] = field(factory=set)


def parse_json(text: str, name: str | None = None) -> Document:
    """Parse JSON; ConfigError gives line and column, and names a key that stands twice."""
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
    document._positions, twice, deepest = scan_positions(text)
    if deepest > MAX_DEPTH:
        raise ConfigError([_deep(name)])
    if twice:
        raise ConfigError(
            [
                document.problem(p, "this key stands twice in its object", "keep one of them")
                for p in twice
            ]
        )
    return document


def _deeper(value: Any, depth: int) -> bool:
    """Tell whether a value is nested more than ``depth`` levels; no recursion."""
    level = [value]
    for _ in range(depth + 1):
        level = [
            inner
            for v in level
            if isinstance(v, dict | list)
            for inner in (v.values() if isinstance(v, dict) else v)
        ]
        if not level:
            return False
    return True


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON number")


def _deep(name: str | None) -> Problem:
    return Problem(
        "",
        f"nested more than {MAX_DEPTH} levels deep",
        "flatten it: a StreamableStack takes any number of blocks in a row",
        file=name,
    )


def scan_positions(text: str) -> tuple[dict[str, tuple[int, int]], list[str], int]:
    """Give (pointer -> (line, column) of each value, keys that stand twice, greatest depth).

    ``text`` must be valid JSON; no recursion, so any depth will do.
    """
    positions: dict[str, tuple[int, int]] = {}
    twice: list[str] = []
    frames: list[_Frame] = []
    indices: list[int] = []
    key: str | None = None
    deepest = line = line_start = at = 0
    for match in _TOKEN.finditer(text):
        mark, string, scalar = match.groups()
        start = match.end() - len(mark or string or scalar)
        line += text.count("\n", at, start)
        newline = text.rfind("\n", at, start)
        line_start, at = (newline + 1 if newline >= 0 else line_start), start
        if mark in (",", ":"):
            if mark == "," and not frames[-1].is_object:
                indices[-1] += 1
            continue
        if mark in ("}", "]"):
            frames.pop()
            indices.pop()
            continue
        frame = frames[-1] if frames else None
        if frame is not None and frame.is_object and key is None:
            key = json.loads(string)
            if key in frame.keys:
                twice.append(_child(frame.pointer, key))
            frame.keys.add(key)
            continue
        pointer = ""
        if frame is not None:
            pointer = _child(frame.pointer, key if key is not None else indices[-1])
        positions.setdefault(pointer, (line + 1, start - line_start + 1))
        key = None
        if mark:
            frames.append(_Frame(pointer, mark == "{"))
            indices.append(0)
            deepest = max(deepest, len(frames))
    return positions, twice, deepest


def _child(pointer: str, key: str | int) -> str:
    return f"{pointer}/{escape(str(key))}"


def escape(key: str) -> str:
    """Spell a key as a part of a JSON pointer."""
    return key.replace("~", "~0").replace("/", "~1")


def split(pointer: str) -> list[str]:
    """Split a JSON pointer into keys; InputError if it is none."""
    if pointer and not pointer.startswith("/"):
        raise InputError(f"{pointer!r} is not a JSON pointer: it must begin with '/'")
    return [p.replace("~1", "/").replace("~0", "~") for p in pointer.split("/")[1:]]


def lookup(value: Any, pointer: str) -> Any:
    """Give the value at ``pointer``; InputError names the first part that is not there."""
    done = ""
    for key in split(pointer):
        value = _step(value, key, done, pointer)
        done = _child(done, key)
    return value


def parse_value(text: str) -> Any:
    """Read a value of the command line: JSON if it parses, else a string."""
    try:
        return json.loads(text, parse_constant=_no_constant)
    except ValueError as error:
        if text.lstrip()[:1] in ("{", "["):
            start = text if len(text) <= 60 else text[:57] + "..."
            raise InputError(f"{start!r} is not valid JSON: {error}") from None
        return text
    except RecursionError:
        raise ConfigError([_deep(None)]) from None


def _step(value: Any, key: str, done: str, pointer: str) -> Any:
    where = f"{pointer!r}: nothing at {_child(done, key)!r}"
    if isinstance(value, dict):
        if key in value:
            return value[key]
        hint = did_you_mean(key, value) or f"there: {', '.join(map(repr, value)) or 'nothing'}"
        raise InputError(f"{where} ({hint})")
    if isinstance(value, list):
        if key.isdecimal() and int(key) < len(value):
            return value[int(key)]
        raise InputError(f"{where} (the list at {done or '/'!r} has {len(value)} items)")
    raise InputError(f"{where} ({done or '/'!r} is no object and no list)")


def _set(root: Any, pointer: str, value: Any, origin: str) -> str:
    """Set a value in place and give the pointer that it has now."""
    keys = split(pointer)
    if not keys:
        raise InputError("the pointer is empty; name a place such as /stack/0/type")
    parent, done = root, ""
    for key in keys[:-1]:
        parent = _step(parent, key, done, pointer)
        done = _child(done, key)
    key = keys[-1]
    if isinstance(parent, list):
        if key == "-":
            parent.append(value)
            return _child(done, len(parent) - 1)
        if not key.isdecimal() or int(key) >= len(parent):
            raise InputError(
                f"{pointer!r}: the list at {done or '/'!r} has {len(parent)} items; "
                "name one of them, or '-' to append"
            )
        parent[int(key)] = value
    elif isinstance(parent, dict):
        parent[key] = value
    else:
        raise InputError(f"{pointer!r}: {done or '/'!r} is no object and no list")
    return _child(done, key)


def read_toml(path: str | Path) -> Document:
    """Read a TOML file; InputError or ConfigError if it is none."""
    import tomllib

    try:
        text = Path(path).read_text("utf-8")
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 text (byte {error.start})") from None
    try:
        value = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        place = re.search(r"\(at line (\d+), column (\d+)\)", str(error))
        line, column = (int(place[1]), int(place[2])) if place else (None, None)
        told = str(error)[: place.start()].rstrip() if place else str(error)
        problem = Problem("", f"not TOML: {told}", None, line, column, str(path))
        raise ConfigError([problem]) from None
    return Document(value, str(path))
