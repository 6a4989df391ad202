"""What the documentation shows: its fenced blocks, and the ``voxstack`` commands in it."""

from __future__ import annotations

import re
import shlex

import click
from attrs import frozen
from markdown_it import MarkdownIt

SHELLS = ("sh", "console")


@frozen
class Snippet:
    """A fenced block, with what stands right before it."""

    language: str
    code: str
    line: int  # of the document, from 1
    lead: str = ""  # the last line of the paragraph before it
    comment: str = ""  # the HTML comment before it
    previous: Snippet | None = None  # the block before it, where nothing stands between


def snippets(text: str) -> list[Snippet]:
    """Give the fenced blocks of a Markdown document, in order."""
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


def typed(text: str) -> list[str]:
    """Give the shell code in the blocks of a document."""
    return [snippet.code for snippet in snippets(text) if snippet.language in SHELLS]


def mentioned(text: str) -> list[str]:
    """Give the ``voxstack`` commands that stand in its lines of text."""
    parts = [p for token in MarkdownIt("commonmark").parse(text) for p in token.children or ()]
    code = [part.content for part in parts if part.type == "code_inline"]
    return [words for words in code if words.startswith("voxstack ")]


def commands(code: str) -> list[list[str]]:
    """Give the ``voxstack`` commands in shell code: the words after the program's name."""
    found = []
    for line in code.replace("\\\n", " ").splitlines():
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


def check_command(words: list[str]) -> None:
    """Walk to the command that ``words`` name and check each option against it."""
    from voxstack.cli import cli

    command: click.Command = cli
    context = click.Context(cli, info_name="voxstack")
    words = list(words)
    while words:
        word = words.pop(0)
        if word.startswith("-") and word != "-" and not re.fullmatch(r"-\d.*", word):
            name = word.partition("=")[0] if word.startswith("--") else word[:2]
            options = {o: p for p in command.params for o in (*p.opts, *p.secondary_opts)}
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
