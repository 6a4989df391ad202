"""The examples of the README: the Python ones run, and the commands exist with their options."""

import shlex
import subprocess
import sys
from importlib.util import find_spec

import pytest
from snippets import check_command, commands, mentioned, snippets, typed

BROUGHT_BY = {  # not installed everywhere
    "train": "voxstack_train",
    "evaluate": "voxstack_train",
    "addon new": "voxstack_template",
}


@pytest.fixture(scope="module")
def readme(root):
    return (root / "README.md").read_text("utf-8")


def test_every_python_example_runs_in_order(readme, tmp_path):
    examples = [snippet.code for snippet in snippets(readme) if snippet.language == "python"]
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
    found = [words for code in (*typed(readme), *mentioned(readme)) for words in commands(code)]
    assert found, "README.md shows no voxstack command"
    for words in found:
        brought = BROUGHT_BY.get(words[0]) or BROUGHT_BY.get(" ".join(words[:2]), "voxstack")
        if find_spec(brought) is None:
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
See `voxstack voices`.
"""


def test_commands_are_found_in_blocks_and_in_the_text():
    assert [words for code in typed(SAMPLE) for words in commands(code)] == [
        ["say", "Hi, <there>.", "-o", "-"],
        ["stack", "check", "x.json", "--json"],
    ]
    assert mentioned(SAMPLE) == ["voxstack voices"]
    assert snippets(SAMPLE)[1].code == 'print("hi")\n'


@pytest.mark.parametrize(
    "words", [["sya", "Hi."], ["say", "Hi.", "--speeker", "rms"], ["stack", "x"]]
)
def test_a_command_that_is_not_there_is_found_out(words):
    with pytest.raises(AssertionError):
        check_command(words)
