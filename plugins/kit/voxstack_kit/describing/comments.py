"""The comments beside the fields of a class, which describe its options."""

from __future__ import annotations

import ast
import inspect
import io
import textwrap
import tokenize
from collections.abc import Iterator

import attrs


def summary(cls: type) -> str:
    """Return the first line of a class's docstring."""
    return inspect.cleandoc(cls.__doc__ or "").partition("\n")[0]


def option_comments(cls: type) -> dict[str, str]:
    """Return the comment of each option: the one after it, else the lines above."""
    comments: dict[str, str] = {}
    for base in reversed(cls.__mro__):
        if attrs.has(base):
            comments |= dict(_comments(base))
    return comments


def _comments(cls: type) -> Iterator[tuple[str, str]]:
    try:
        source = textwrap.dedent(inspect.getsource(cls))
        (definition,) = ast.parse(source).body
        tokens = list(tokenize.generate_tokens(io.StringIO(source).readline))
    except (OSError, TypeError, ValueError, SyntaxError, tokenize.TokenError):
        return  # no source: made at run time, or installed without it
    comments = {t.start[0]: t.string.lstrip("# ") for t in tokens if t.type == tokenize.COMMENT}
    alone = {
        t.start[0]
        for t in tokens
        if t.type == tokenize.COMMENT and not t.line[: t.start[1]].strip()
    }
    for line in getattr(definition, "body", ()):
        if not isinstance(line, ast.AnnAssign) or not isinstance(line.target, ast.Name):
            continue
        last = line.end_lineno or line.lineno
        found = [comments[n] for n in range(line.lineno, last + 1) if n in comments]
        above = line.lineno - 1
        while not found and above in alone:
            above -= 1
        if not found:
            found = [comments[n] for n in range(above + 1, line.lineno)]
        text = " ".join(c for c in found if not c.startswith(("noqa", "type:")))
        if text:
            yield line.target.id, text
