"""The README: short, its Python runs, its commands exist with their options, its links lead on."""

import shlex
import subprocess
import sys
import tomllib

import pytest
from snippets import anchors, check_command, commands, installed, links, mentioned, snippets, typed

LINES = 160
INSTALL = (
    "python3 -m venv .venv && .venv/bin/pip install . ./plugins/standard ./plugins/onnx "
    "./plugins/onnxruntime ./plugins/english ./plugins/vocoder-16k ./plugins/voice-en-us "
    "./plugins/kit && .venv/bin/voxstack say"
)
TEST = '.venv/bin/pip install ".[test]" ./addon_template && .venv/bin/pytest\n'


@pytest.fixture(scope="module")
def readme(root):
    return (root / "README.md").read_text("utf-8")


def test_it_is_short(readme):
    assert len(readme.splitlines()) <= LINES


def test_its_first_two_commands_install_and_test(readme):
    first, second, *_ = typed(readme)
    assert first.startswith(INSTALL)
    assert second == TEST


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
    for words in filter(installed, found):
        try:
            check_command(words)
        except AssertionError as error:
            pytest.fail(f"voxstack {shlex.join(words)}: {error}")


def test_every_folder_that_provides_something_is_listed(readme, root):
    table = readme.partition("\n## Packages\n")[2].partition("\n## ")[0]
    folders = {path.parent.name for path in (root / "plugins").glob("*/pyproject.toml")}
    assert [name for name in sorted(folders) if name not in table] == []


def documents(root):
    pages = [root / "README.md", *(root / "core/docs").rglob("*.md")]
    return sorted([*pages, *(root / ".github").glob("*.md"), *(root / "plugins").glob("*/*.md")])


def test_every_link_of_the_documentation_leads_to_a_file_and_its_heading(root):
    broken = []
    for page in documents(root):
        for link in links(page.read_text("utf-8")):
            if "://" in link or link.startswith("mailto:"):
                continue
            path, _, fragment = link.partition("#")
            target = (page.parent / path).resolve() if path else page
            good = target.exists() and (
                not fragment or fragment in anchors(target.read_text("utf-8"))
            )
            if not good:
                broken.append(f"{page.relative_to(root)}: {link}")
    assert broken == []


def test_every_toml_block_of_the_documentation_is_toml(root):
    for page in documents(root):
        for snippet in snippets(page.read_text("utf-8")):
            if snippet.language == "toml":
                tomllib.loads(snippet.code)


SAMPLE = """
```console
$ voxstack say "Hi, <there>." -o - | aplay -f S16_LE  # plays
$ .venv/bin/voxstack stack check x.json --json && echo good
a voice: it's here
```
```python
print("hi")
```
See `voxstack voices` and [a page](x.md#there).

| `voxstack plugins` |
| --- |

## It's 2 "words": `code`
"""


def test_commands_are_found_in_blocks_text_and_tables():
    assert [words for code in typed(SAMPLE) for words in commands(code)] == [
        ["say", "Hi, <there>.", "-o", "-"],
        ["stack", "check", "x.json", "--json"],
    ]
    assert mentioned(SAMPLE) == ["voxstack voices", "voxstack plugins"]
    assert snippets(SAMPLE)[1].code == 'print("hi")\n'


def test_links_and_headings_are_found():
    assert links(SAMPLE) == ["x.md#there"]
    assert anchors(SAMPLE) == {"its-2-words-code"}


@pytest.mark.parametrize(
    "words", [["sya", "Hi."], ["say", "Hi.", "--speeker", "rms"], ["stack", "x"]]
)
def test_an_unknown_command_or_option_is_found(words):
    with pytest.raises(AssertionError):
        check_command(words)
