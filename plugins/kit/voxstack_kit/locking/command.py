"""The options that a lock was made with, and the command that makes it again."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any, final

from attrs import frozen
from voxstack import VoxstackError
from voxstack.inspection import parse_value


@final
@frozen
class Asked:
    """The options of ``voxstack stack lock`` that a lock was made with."""

    deploy: str | None = None  # the deployment file, from the lock file's folder
    executor: Any = None
    edits: tuple[tuple[str, Any], ...] = ()  # JSON pointer and value, in order
    allow: tuple[str, ...] = ()
    block: tuple[str, ...] = ()


def command(asked: Asked, voice: str, path: str) -> str:
    """Return the shell command that makes the lock at ``path`` again."""
    return shlex.join(["voxstack", "stack", "lock", voice, "-o", path, *_options(asked, path)])


def _options(asked: Asked, path: str) -> Iterator[str]:
    if asked.deploy is not None:
        yield from ("--deploy", os.path.normpath(Path(path).parent / asked.deploy))
    if asked.executor is not None:
        yield from ("--executor", _written(asked.executor))
    for pointer, value in asked.edits:
        yield from ("--set", f"{pointer}={_written(value)}")
    for option, patterns in (("--allow", asked.allow), ("--block", asked.block)):
        for pattern in patterns:
            yield from (option, pattern)


def _written(value: Any) -> str:
    """Return a value as an argument: a string unquoted if it parses to itself, else JSON."""
    if isinstance(value, str):
        try:
            if parse_value(value) == value:
                return value
        except VoxstackError:  # begins as JSON does
            pass
    return json.dumps(value, ensure_ascii=False)
