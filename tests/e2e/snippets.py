"""What the documentation shows: its fenced blocks, links, and the ``voxstack`` commands in it."""

from __future__ import annotations

import io
import re
import shlex
from contextlib import redirect_stdout, suppress
from importlib.util import find_spec

import click
from attrs import frozen
from markdown_it import MarkdownIt

SHELLS = ("sh", "console")
# Commands of packages that are not installed everywhere, and the modules that provide them.
PROVIDED_BY = {
    "train": "voxstack_train",
    "evaluate": "voxstack_train",
    "addon pack": "voxstack_pack",
    "addon new": "voxstack_template",
}


@frozen
class Snippet:
    """A fenced block, with what stands right before it."""

    language: str
    code: str
    line: int  # of the document, from 1
    lead: str = ""  # the last line of the paragraph before it
    comment: str = ""  # the HTML comment before it
    previous: Snippet | None = None  # the block before it, if nothing stands between


def snippets(text: str) -> list[Snippet]:
    """Return the fenced blocks of a Markdown document, in order."""
    found: list[Snippet] = []
    lead = comment = ""
    previous = None
    for token in MarkdownIt("commonmark").parse(text):
        if token.type in ("fence", "code_block"):
            language = (token.info.split() or [""])[0]
            assert token.map is not None
            line = token.map[0] + 1
            previous = Snippet(language, token.content, line, lead, comment, previous)
            found.append(previous)
            lead = comment = ""
        elif token.type == "html_block":
            comment = token.content.strip().removeprefix("<!--").removesuffix("-->").strip()
        elif token.type == "inline":
            lead, comment, previous = token.content.splitlines()[-1], "", None
    return found


def _inline(text: str, kind: str) -> list:
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    return [p for token in tokens for p in token.children or () if p.type == kind]


def links(text: str) -> list[str]:
    """Return the targets of the links and images of a document."""
    found = [part.attrs["href"] for part in _inline(text, "link_open")]
    return [*found, *(part.attrs["src"] for part in _inline(text, "image"))]


def anchors(text: str) -> set[str]:
    """Return the fragments that lead to the headings of a document, as GitHub makes them."""
    headings = re.findall(r"(?m)^#+ (.+)$", re.sub(r"(?ms)^```.*?^```", "", text))
    return {re.sub(r"[^\w\- ]", "", h.lower()).strip().replace(" ", "-") for h in headings}


def typed(text: str) -> list[str]:
    """Return the shell code in the blocks of a document."""
    return [snippet.code for snippet in snippets(text) if snippet.language in SHELLS]


def mentioned(text: str) -> list[str]:
    """Return the ``voxstack`` commands that stand in its lines of text."""
    code = [part.content for part in _inline(text, "code_inline")]
    return [words for words in code if words.startswith("voxstack ")]


def commands(code: str) -> list[list[str]]:
    """Return the ``voxstack`` commands in shell code: the words after the program's name."""
    found = []
    for line in code.replace("\\\n", " ").splitlines():
        line = line.removeprefix("$ ").strip()
        lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;<>()")
        lexer.commenters, lexer.whitespace_split = "#", True
        words: list[str] = []
        try:
            tokens = list(lexer)
        except ValueError:  # output that is not a command
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


def installed(words: list[str]) -> bool:
    """Return whether the package of a command is installed here."""
    module = PROVIDED_BY.get(words[0]) or PROVIDED_BY.get(" ".join(words[:2]))
    return module is None or find_spec(module) is not None


def _names(parameter: click.Parameter) -> tuple[str, ...]:
    return (*parameter.opts, *parameter.secondary_opts)


def _parameters(command: click.Command, context: click.Context) -> list[click.Parameter]:
    """Return all parameters; those of plugins are there when help is asked for."""
    with suppress(click.exceptions.Exit), redirect_stdout(io.StringIO()):
        command.parse_args(context, ["--help"])
    return command.get_params(context)


def check_command(words: list[str]) -> None:
    """Walk to the command that ``words`` name and check each option against it."""
    from voxstack.cli import cli

    command: click.Command = cli
    context = click.Context(cli, info_name="voxstack")
    words = list(words)
    while words:
        word = words.pop(0)
        if word == "--":
            return
        if word.startswith("-") and word != "-" and not re.fullmatch(r"-\d.*", word):
            name = word.partition("=")[0] if word.startswith("--") else word[:2]
            options = {o: p for p in _parameters(command, context) for o in _names(p)}
            assert name in (*options, "--help", "-h", "--debug"), f"{command.name} has no {name}"
            option = options.get(name)
            takes = isinstance(option, click.Option) and not (option.is_flag or option.count)
            if takes and "=" not in word and word == name:
                assert words, f"{name} takes a value"
                words.pop(0)
        elif isinstance(command, click.Group):
            inner = command.get_command(context, word)
            assert inner is not None, f"{command.name} has no command {word}"
            command, context = inner, click.Context(inner, context, word)
