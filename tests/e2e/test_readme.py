"""The examples of the README: the Python ones run, and the commands exist with their options."""

import re
import shlex
import subprocess
import sys
from importlib.util import find_spec

import click
import pytest

BROUGHT_BY = dict.fromkeys(("train", "evaluate"), "voxstack_train")  # not installed everywhere


def blocks(text, *languages):
    """Give the fenced blocks of ``text`` in one of ``languages``, in order."""
    fences = re.findall(r"^```(\w+)[^\n]*\n(.*?)^```\s*$", text, re.DOTALL | re.MULTILINE)
    return [code for language, code in fences if language in languages]


def commands(text):
    """Give the ``voxstack`` commands in shell blocks: lists of words after the program's name."""
    found = []
    for block in blocks(text, "console", "sh", "shell", "bash"):
        for line in block.replace("\\\n", " ").splitlines():
            line = line.removeprefix("$ ").strip()
            lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;<>()")
            lexer.commenters, lexer.whitespace_split = "#", True
            words: list[str] = []
            try:
                tokens = list(lexer)
            except ValueError:  # output that is no command
                continue
            for token in [*tokens, "|"]:
                if set(token) <= set("|&;<>()"):
                    program = words[0].rpartition("/")[2] if words else ""
                    if program == "voxstack":
                        found.append(words[1:])
                    words = []
                else:
                    words.append(token)
    return found


def check_command(words):
    """Walk to the command that ``words`` name and check each option against it."""
    from voxstack.cli import cli

    command, context = cli, click.Context(cli, info_name="voxstack")
    words = list(words)
    while words:
        word = words.pop(0)
        if word.startswith("-") and word != "-" and not re.fullmatch(r"-\d.*", word):
            name = word.partition("=")[0] if word.startswith("--") else word[:2]
            options = {o: p for p in command.params for o in (*p.opts, *p.secondary_opts)}
            options |= dict.fromkeys(("--help", "-h", "--debug"), None)
            assert name in options, f"{command.name} has no option {name}"
            option = options[name]
            takes = option is not None and not option.is_flag and not option.count
            if takes and "=" not in word and word == name:
                assert words, f"{name} takes a value"
                words.pop(0)
        elif isinstance(command, click.Group):
            inner = command.get_command(context, word)
            assert inner is not None, f"{command.name} has no command {word}"
            command, context = inner, click.Context(inner, context, word)


@pytest.fixture(scope="module")
def readme(root):
    return (root / "README.md").read_text("utf-8")


def test_every_python_example_runs_in_order(readme, tmp_path):
    examples = blocks(readme, "python")
    assert examples, "README.md has no python example"
    for number, code in enumerate(examples, start=1):
        script = tmp_path / f"example_{number}.py"
        script.write_text(code, "utf-8")
        done = subprocess.run(
            [sys.executable, script.name],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
            stdin=subprocess.DEVNULL,
        )
        assert done.returncode == 0, f"python example {number}:\n{code}\n{done.stderr}"


def test_every_command_exists_with_its_options(readme):
    found = commands(readme)
    assert found, "README.md shows no voxstack command"
    for words in found:
        if find_spec(BROUGHT_BY.get(words[0], "voxstack")) is None:
            continue
        try:
            check_command(words)
        except AssertionError as error:
            pytest.fail(f"voxstack {shlex.join(words)}: {error}")


SAMPLE = """
```console
$ voxstack say "Hi, <there>." -o - | aplay -f S16_LE  # plays
$ .venv/bin/voxstack stack check x.json --json && echo good
a voice: it's here
```
```python
print("hi")
```
"""


def test_commands_are_found_in_console_blocks():
    assert commands(SAMPLE) == [
        ["say", "Hi, <there>.", "-o", "-"],
        ["stack", "check", "x.json", "--json"],
    ]
    assert blocks(SAMPLE, "python") == ['print("hi")\n']


@pytest.mark.parametrize(
    "words", [["sya", "Hi."], ["say", "Hi.", "--speeker", "rms"], ["stack", "x"]]
)
def test_a_command_that_is_not_there_is_found_out(words):
    with pytest.raises(AssertionError):
        check_command(words)
