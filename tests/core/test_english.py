"""Docstrings and messages are plain technical English: no translated idiom, no odd first words."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# Folders whose English is finished; add a folder as soon as it is.
FINISHED = ("core", "plugins", "addon_template")

# A docstring begins with Return, Yield, Raise, Load, Check, Build, ... instead.
FIRST_WORDS = ("Give", "Gives", "Tell", "Tells", "Say", "Says")

PHRASES = {  # pattern: what to write instead
    r"(?<!there )\b(is|are) no\b(?! longer| more)": "is not a, are not",
    r"\bthat nobody\b": "unknown, unused",
    r"\bwhoever\b": "the author, the user",
    r"\b(bring|brings|brought)\b": "provides, runs",
    r"\bat hand\b": "current",
    r"\bto be had\b": "available",
    r"\bis to be\b": "must be, is",
    r"\bthat has come\b": "the last",
    r"\bone of its own\b": "its own",
    r"\b(one|once|samples|frames|symbols|words|bytes|seconds|times) an? "
    r"(frame|second|sentence|step|kind|line|word|file|set|utterance|speaker)\b": "per",
    r"\bstands? (twice|already|there)\b": "is a duplicate, is already",
    r"\b(is|are|was|were) told\b": "is reported, is listed",
    r"\botherwise than\b": "differently from",
    r"\bmend(s|ed)?\b": "fix",
    r"\bquicker\b": "faster",
    r"\b(goes|go) on where\b": "resumes, continues",
    r"\w*(colour|neighbour|behaviour|licence|normalis|recognis|organis|learnt)\w*": "US spelling",
}


def strings_of(source):
    """Yield (line, text, whether it is a docstring) of every string in Python code."""
    tree = ast.parse(source)
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, documented) and ast.get_docstring(node) is not None
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value, id(node) in docstrings


def faults(source):
    """Yield (line, message) of every forbidden word and phrase in Python code."""
    for line, text, documents in strings_of(source):
        first = re.match(r"\s*(\w+)", text)
        if documents and first and first[1] in FIRST_WORDS:
            yield line, f"the docstring begins with {first[1]!r}; begin with Return, Check, ..."
        for pattern, instead in PHRASES.items():
            for found in re.finditer(pattern, text, re.IGNORECASE):
                at = line + text.count("\n", 0, found.start())
                yield at, f"{found[0]!r}; write: {instead}"


@pytest.mark.parametrize("folder", FINISHED)
def test_docstrings_and_messages_are_plain_english(folder):
    paths = [path for path in (ROOT / folder).rglob("*.py") if "tests" not in path.parts]
    assert paths
    found = [
        f"{path.relative_to(ROOT)}:{line}: {message}"
        for path in sorted(paths)
        for line, message in faults(path.read_text("utf-8"))
    ]
    assert not found, "\n" + "\n".join(found)


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ('"""Give the sum."""', 1),
        ('def f():\n    """Say what is wrong."""', 2),
        ('class A:\n    """A thing.\n\n    It brings networks.\n    """', 4),
        ('x = 1\nraise ValueError(f"{x} is no voice")', 2),
        ("x = 'one a kind'", 1),
    ],
)
def test_a_fault_is_reported_with_its_line(source, line):
    assert [at for at, _ in faults(source)] == [line]


@pytest.mark.parametrize(
    "source",
    ['"""Return the sum."""', "x = 'there is no such file'", "x = 'is no longer used'", "# brings"],
)
def test_plain_english_has_no_faults(source):
    assert not list(faults(source))
