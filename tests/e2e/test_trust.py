"""docs/trust.md says what the code does: its limits, variables, commands and options."""

import inspect
import re
import tomllib
from pathlib import Path

import pytest
from snippets import check_command, commands, mentioned, snippets, typed
from voxstack import blocks
from voxstack.addons import files, manifest
from voxstack.config import documents
from voxstack.inspection import Deployment, Document, structured
from voxstack.plugins.filters import ALLOW, BLOCK
from voxstack_kit.cli import addon_check
from voxstack_onnx import describing, protobuf

PAGE = Path(__file__).parents[2] / "core" / "docs" / "trust.md"
UNITS = {"MiB": 1 << 20, "GiB": 1 << 30}

# The first cell of a row under "Limits" -> the constants behind its numbers, in their order.
LIMITS = {
    "`addon.json`": [files.MAX_MANIFEST, documents.MAX_DEPTH],
    "symbols, card": [files.MAX_TEXT],
    "a file": [files.MAX_FILE],
    "all files": [files.MAX_TOTAL, files.MAX_FILES],
    "a path": [files.MAX_PATH],
    "a file in a zip": [files.MAX_RATIO, files.PIECE],
    "a zip": [],
    "a tensor's fixed sizes": [manifest.MAX_NUMBERS],
    "context, delay, frames for one": [manifest.MAX_FRAMES],
    "audio": [blocks.HIGHEST_RATE, manifest.MAX_FRAMES],
    "a name, or a line about the voice": [manifest.MAX_LINE],
    "an ONNX file": [protobuf.MAX_FIELDS, describing.MAX_NESTING],
}


@pytest.fixture(scope="module")
def text():
    return PAGE.read_text("utf-8")


def rows(section):
    found = re.findall(r"(?m)^\| (.+?) \| (.+) \|$", section)
    return {first: second for first, second in found if first != "---"}


def numbers(cell):
    """The numbers of a cell, in bytes where it says so; "zip64" is a name."""
    found = re.findall(r"(?<![\w-])(\d[\d,]*)(?: (MiB|GiB))?", cell)
    return [int(digits.replace(",", "")) * UNITS.get(unit, 1) for digits, unit in found]


def test_each_limit_is_the_constant_of_the_code(text):
    section = text.partition("\n## Limits\n")[2].partition("\n## ")[0]
    stated = {first: numbers(cell) for first, cell in rows(section).items()}
    assert stated == LIMITS


def test_each_variable_is_one_that_is_read(text):
    assert set(re.findall(r"\bVOXSTACK_\w+", text)) == {ALLOW, BLOCK}


def test_each_command_and_option_is_there(text):
    given = [words for code in typed(text) for words in commands(code)]
    inline = [words for code in mentioned(text) for words in commands(code)]
    assert len(given) == 3 and len(inline) >= 3
    for words in (*given, *inline):
        check_command(words)
    named = set(re.findall(r"--[a-z][\w-]+", text)) - {"--only-binary"}  # pip's
    assert named == {"--json", "--deploy", "--allow", "--block", "--locked"}
    check_command(["say", "--locked", "x", "--deploy", "x", "--allow", "x", "--block", "x"])


def test_the_deployment_file_that_it_shows_is_one(text):
    (shown,) = [snippet.code for snippet in snippets(text) if snippet.language == "toml"]
    deployment = structured(Document(tomllib.loads(shown)), Deployment)
    assert deployment.plugins.block == ("acme-labs-*",)


def test_its_checks_are_those_of_addon_check(text):
    section = text.partition("| check | what it says |")[2].partition("\n\n")[0]
    named = re.findall(r"`(\w+)`", " ".join(rows(section)))
    assert set(named) == set(re.findall(r'\.do\("(\w+)"', inspect.getsource(addon_check)))
