"""The guides are followed to the letter, each in a folder of its own."""

import shutil
import subprocess
import sys

import pytest
from snippets import check_command, commands, installed, mentioned, snippets, typed

if sys.platform == "win32" or shutil.which("bash") is None:
    pytest.skip("the guides are typed into bash", allow_module_level=True)

from walkthrough import GuideError, Walkthrough, agree, reader, split

GUIDES = "core/docs/guides"
PLAYER = "needs a sound card and a player"
# What cannot be done here, block by block, and why. A guide can leave out nothing else.
OF_THEIR_OWN = {  # they make an environment with pip
    "install-a-voice.md": [PLAYER, PLAYER],
    "ship-an-executor.md": [],
    "swap-by-config.md": ["needs an editor"],
}
HERE = {  # they use what is installed
    "deploy.md": ["it is in your home folder"],
    "kit.md": [],
    "python.md": [],
    "speak.md": [PLAYER],
}
SHOWN = {"extend-the-host.md", "make-a-voice.md", "write-a-component.md"}  # and not followed
SLOW = {"kit.md"}  # doctor, conformance, bench


@pytest.fixture
def walkthrough(root, tmp_path):
    """A reader in a folder that contains the repository."""
    (tmp_path / "voxstack").symlink_to(root, target_is_directory=True)
    shell = reader(tmp_path)
    yield Walkthrough(shell)
    shell.close()


def text_of(root, guide):
    return (root / GUIDES / guide).read_text("utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("guide", sorted(OF_THEIR_OWN))
def test_who_follows_a_guide_from_pip_on_gets_what_it_shows(root, walkthrough, guide):
    walkthrough.follow(text_of(root, guide))
    assert walkthrough.not_run == OF_THEIR_OWN[guide]


@pytest.mark.parametrize(
    "guide", [pytest.param(g, marks=[pytest.mark.slow] if g in SLOW else []) for g in sorted(HERE)]
)
def test_who_follows_a_guide_gets_what_it_shows(root, walkthrough, guide):
    walkthrough.shell.run("export VOXSTACK_VOICE=en-us")
    walkthrough.follow(text_of(root, guide))
    assert walkthrough.not_run == HERE[guide]


@pytest.mark.parametrize("guide", sorted(SHOWN))
def test_the_python_that_a_guide_shows_runs(root, guide):
    for snippet in snippets(text_of(root, guide)):
        if snippet.language == "python":
            done = subprocess.run(
                [sys.executable, "-c", snippet.code], capture_output=True, text=True, timeout=60
            )
            assert done.returncode == 0, f"{guide}:{snippet.line}: {done.stderr}"


def test_every_guide_is_followed_or_shown(root):
    assert {path.name for path in (root / GUIDES).iterdir()} == {*OF_THEIR_OWN, *HERE, *SHOWN}


@pytest.mark.parametrize("guide", sorted({*OF_THEIR_OWN, *HERE, *SHOWN}))
def test_commands_that_a_guide_mentions_exist_with_their_options(root, guide):
    text = text_of(root, guide)
    told = [*mentioned(text), *(typed(text) if guide in SHOWN else [])]
    for words in filter(installed, (words for code in told for words in commands(code))):
        check_command(words)


# The walkthrough itself -------------------------------------------------------------------------

GOOD = """
Written to `greeting.txt`:

```text
hello
```

```sh
export WHOM=world
cat greeting.txt > copy.txt
for word in a b
do
  echo $word
done
```

```console
$ echo "$(cat copy.txt), $WHOM  at 12:34"
hello, world at ...
$ ls nowhere
ls: ...
$ echo $?
2
$ printf 'one\\ntwo\\nthree\\n'
one
...
```

```python
print(sum([1, 2]))
```

```text
3
```

<!-- not run: needs a harp -->
```sh
play-the-harp
```
"""


def test_a_correct_guide_is_followed_to_its_end(walkthrough):
    walkthrough.follow(GOOD)
    assert walkthrough.not_run == ["needs a harp"]
    assert (walkthrough.shell.folder / "greeting.txt").read_text() == "hello\n"


@pytest.mark.parametrize(
    ("right", "wrong", "reported"),
    [
        ("hello, world at ...", "hello, moon at ...", "+hello, world at 12:34"),
        ("hello, world at ...", "...", "shows nothing"),
        ("$ echo $?\n2\n", "", "exit code 2"),
        ("$ echo $?\n2\n", "$ echo $?\n0\n", "+2"),
        ("one\n...", "two\n...", "+one"),
        ("```text\n3\n```\n", "", "+3"),
        ("```text\n3", "```text\n4", "-4"),
        ("print(sum", "print(summ", "NameError"),
        ("export WHOM", "exprt WHOM", "exprt: command not found"),
        ("```console", "```bash", "line 17: nothing is done with this block"),
        ("<!-- not run: needs a harp -->", "", "play-the-harp"),
        ("`greeting.txt`:", "a file:", "nothing is done with this block"),
        ("cat greeting.txt", "cat greeting.tx", "No such file"),
        ("cat greeting.txt >", "echo hello >", "no command names the file greeting.txt"),
        ("export WHOM=world", "exit 0", "ends the shell"),
        ("done\n```", "```", "not a whole command"),
    ],
)
def test_what_is_wrong_in_a_guide_is_reported(walkthrough, right, wrong, reported):
    assert GOOD.count(right) == 1
    with pytest.raises(GuideError) as raised:
        walkthrough.follow(GOOD.replace(right, wrong))
    assert reported in str(raised.value)


@pytest.mark.parametrize(
    ("shown", "printed", "same"),
    [
        ("a ... c", "a b b c", True),
        ("a ... c", "a\nc", False),
        ("a\n...\nc", "a\nb\nb\nc", True),
        ("a\n...", "a", True),
        ("a", "a\nb", False),
        ("a  b", "a b", True),
        ("a.c", "abc", False),
    ],
)
def test_dots_stand_for_anything_in_a_line_or_for_lines(shown, printed, same):
    assert agree(shown, printed) is same


def test_a_block_is_split_into_commands_as_bash_reads_it():
    code = "echo a \\\n  b\n# a comment\ncat <<E\nx\nE\necho 'c\nd'\n"
    assert split(code) == ["echo a \\\n  b", "cat <<E\nx\nE", "echo 'c\nd'"]
