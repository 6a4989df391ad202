"""The guides are followed to the letter, each in a folder and an environment of its own."""

import shutil
import sys

import pytest
from snippets import check_command, commands, mentioned

if sys.platform == "win32" or shutil.which("bash") is None:
    pytest.skip("the guides are typed into bash", allow_module_level=True)

from walkthrough import GuideError, Walkthrough, agree, reader, split

# What cannot be done here, block by block, and why. A guide can leave out nothing else.
NOT_RUN = {
    "install-a-voice.md": ["needs a sound card and a player", "needs a sound card and a player"],
    "ship-an-executor.md": [],
    "swap-by-config.md": ["needs an editor"],
}
GUIDES = "core/docs/guides"


@pytest.fixture
def walkthrough(root, tmp_path):
    """A reader in a folder that holds the repository."""
    (tmp_path / "voxstack").symlink_to(root, target_is_directory=True)
    shell = reader(tmp_path)
    yield Walkthrough(shell)
    shell.close()


@pytest.mark.parametrize("guide", sorted(NOT_RUN))
def test_who_follows_a_guide_gets_what_it_shows(root, walkthrough, guide):
    walkthrough.follow((root / GUIDES / guide).read_text("utf-8"))
    assert walkthrough.not_run == NOT_RUN[guide]


def test_every_guide_is_followed(root):
    assert {path.name for path in (root / GUIDES).iterdir()} == set(NOT_RUN)


@pytest.mark.parametrize("guide", sorted(NOT_RUN))
def test_commands_that_a_guide_mentions_exist_with_their_options(root, guide):
    for code in mentioned((root / GUIDES / guide).read_text("utf-8")):
        for words in commands(code):
            check_command(words)


@pytest.mark.parametrize("guide", sorted(NOT_RUN))
def test_what_a_guide_links_to_is_there(root, guide):
    from markdown_it import MarkdownIt

    text = (root / GUIDES / guide).read_text("utf-8")
    parts = [part for token in MarkdownIt().parse(text) for part in token.children or ()]
    links = [part.attrs["href"].partition("#")[0] for part in parts if part.type == "link_open"]
    assert links
    for link in links:
        assert link.startswith("https://") or (root / GUIDES / link).exists(), link


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


def test_a_guide_that_is_right_is_followed_to_its_end(walkthrough):
    walkthrough.follow(GOOD)
    assert walkthrough.not_run == ["needs a harp"]
    assert (walkthrough.shell.folder / "greeting.txt").read_text() == "hello\n"


@pytest.mark.parametrize(
    ("right", "wrong", "says"),
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
        ("done\n```", "```", "no whole command"),
    ],
)
def test_what_is_wrong_in_a_guide_is_told(walkthrough, right, wrong, says):
    assert GOOD.count(right) == 1
    with pytest.raises(GuideError) as raised:
        walkthrough.follow(GOOD.replace(right, wrong))
    assert says in str(raised.value)


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


def test_a_block_is_cut_into_commands_as_bash_reads_it():
    code = "echo a \\\n  b\n# told\ncat <<E\nx\nE\necho 'c\nd'\n"
    assert split(code) == ["echo a \\\n  b", "cat <<E\nx\nE", "echo 'c\nd'"]
