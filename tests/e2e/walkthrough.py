"""A guide, followed to the letter: what its reader would type is typed, and output is compared.

``sh``
    Each command runs in bash; each must succeed.
``console``
    A session: commands after ``$ ``, and what they print, compared; each must succeed, unless the
    next one is ``echo $?``, which shows its exit code.
Any block led by "`NAME.ext`:"
    Is written to that file, which, or whose folder, a later command must name.
``python``
    Runs as a script; what it prints stands in the ``text`` block that follows, if there is one.
Any block after a comment ``<!-- not run: REASON -->``
    Is left out, and counted.

Any other block is an error. In output, ``...`` stands for anything within a line, and on a line of
its own for any lines; the width of gaps and rules does not count, nor do empty lines.
"""

from __future__ import annotations

import difflib
import json
import os
import pty
import re
import select
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable
from pathlib import Path
from secrets import token_hex

from attrs import define, field
from snippets import Snippet, snippets

NAMED = re.compile(r"`([^`\s]+\.(?:toml|json|py|txt))`[^`]*:$")
NOT_RUN = "not run:"
SECONDS = 300  # for one command
CHECKS: dict[str, Callable[[str], object]] = {
    ".json": json.loads,
    ".toml": tomllib.loads,
    ".py": lambda code: compile(code, "", "exec"),
}


class GuideError(AssertionError):
    """A guide shows what does not happen."""


# What is printed --------------------------------------------------------------------------------


def plain(printed: str) -> list[str]:
    """Return the lines of ``printed`` without what a terminal adds."""
    text = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", printed)  # colours, and what clears a line
    text = re.sub(r"[^\n]*\r", "", text)  # progress, which is overwritten
    lines = (re.sub(r"[─━]{2,}", "──", line) for line in text.splitlines())
    lines = (re.sub(r"\s+", " ", line).strip() for line in lines)
    return [line for line in lines if line]


def agree(shown: str, printed: str) -> bool:
    """Return whether ``printed`` is what a guide has ``shown``."""
    pattern = "".join(
        r"(?:.*\n)*?" if line == "..." else re.escape(line).replace(r"\.\.\.", ".*?") + "\n"
        for line in plain(shown)
    )
    return re.fullmatch(pattern, "".join(f"{line}\n" for line in plain(printed))) is not None


def difference(shown: str, printed: str) -> str:
    """Return where they differ, for whoever corrects the guide."""
    lines = difflib.unified_diff(plain(shown), plain(printed), "shown", "printed", lineterm="")
    return "\n".join(lines)


# The reader's shell -----------------------------------------------------------------------------


@define
class Shell:
    """One bash in a terminal of 160 columns; what a command exports is there for the next."""

    folder: Path
    environment: dict[str, str]
    code: int = 0  # of the last command
    _bash: subprocess.Popen[bytes] = field(init=False)
    _screen: int = field(init=False)
    _script: Path = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._screen, terminal = pty.openpty()
        self._script = self.folder / ".command"
        self._bash = subprocess.Popen(
            ["bash", "--noprofile", "--norc"],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=terminal,
            stderr=terminal,
            start_new_session=True,
        )
        os.close(terminal)

    def run(self, command: str) -> str:
        """Run a command and return what it prints; ``code`` is then its exit code."""
        self._script.write_text(command + "\n", "utf-8")
        end = f"<end {token_hex(8)} "
        # The script sees the exit code of the command before it, as a reader's shell does.
        line = f"(exit {self.code}); . {self._script} </dev/null; printf '\\n{end}%d>' $?\n"
        assert self._bash.stdin is not None
        self._bash.stdin.write(line.encode())
        self._bash.stdin.flush()
        printed, deadline = "", time.monotonic() + SECONDS
        while (ended := re.search(rf"\n{end}(\d+)>$", printed)) is None:
            ready, *_ = select.select([self._screen], [], [], max(0, deadline - time.monotonic()))
            if not ready:
                raise GuideError(f"no end after {SECONDS} s\n{printed}")
            try:
                read = os.read(self._screen, 1 << 16)
            except OSError:  # the terminal is gone with its shell
                raise GuideError(f"it ends the shell\n{printed}") from None
            printed += read.decode("utf-8", "replace").replace("\r\n", "\n")
        self.code = int(ended[1])
        return printed[: ended.start()]

    def close(self) -> None:
        """End the shell."""
        assert self._bash.stdin is not None
        self._bash.stdin.close()
        self._bash.wait()
        os.close(self._screen)


def reader(folder: Path, **variables: str) -> Shell:
    """Return the shell of a reader who has this Python and no virtual environment."""
    kept = {
        k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "VOXSTACK", "PYTEST"))
    }
    kept.pop("VIRTUAL_ENV", None)
    path = os.pathsep.join([str(Path(sys.executable).parent), kept.get("PATH", os.defpath)])
    screen = {"TERM": "dumb", "COLUMNS": "160", "LINES": "50", "PS1": "", "LC_ALL": "C.UTF-8"}
    quiet = {"PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    return Shell(folder, {**kept, **screen, **quiet, **variables, "PATH": path})


def complete(code: str) -> bool:
    """Return whether bash would run ``code`` rather than wait for another line."""
    checked = subprocess.run(["bash", "-n"], input=code, capture_output=True, text=True)
    return checked.returncode == 0 and not checked.stderr and not code.rstrip("\n").endswith("\\")


def split(code: str) -> list[str]:
    """Split the code of an ``sh`` block into its commands."""
    found, pending = [], ""
    for line in code.splitlines():
        pending += line + "\n"
        if complete(pending):
            found.append(pending.strip())
            pending = ""
    if pending:
        raise GuideError(f"not a whole command: {pending}")
    return [command for command in found if command and not command.startswith("#")]


def session(code: str) -> list[tuple[str, str]]:
    """Split a ``console`` block into commands, each with the output that it shows."""
    found: list[tuple[str, str]] = []
    for line in code.splitlines():
        if line.startswith("$ "):
            found.append((line[2:], ""))
        elif not found:
            raise GuideError(f"a console block begins with a command after '$ ', not {line!r}")
        elif line.startswith("> ") and not found[-1][1]:
            found[-1] = (f"{found[-1][0]}\n{line[2:]}", "")
        else:
            found[-1] = (found[-1][0], f"{found[-1][1]}{line}\n")
    return found


# The guide --------------------------------------------------------------------------------------


@define
class Walkthrough:
    """Follow a guide from top to bottom."""

    shell: Shell
    not_run: list[str] = field(factory=list)  # the reasons
    _unused: dict[str, Snippet] = field(factory=dict)  # files that no command has named yet
    _examples: int = 0

    def follow(self, text: str) -> None:
        """Do what the guide says.

        Raises:
            GuideError: with the line of the block where a reader would be stuck.
        """
        blocks = snippets(text)
        for snippet, following in zip(blocks, [*blocks[1:], None], strict=True):
            try:
                self._do(snippet, following)
            except GuideError as error:
                raise GuideError(f"line {snippet.line}: {error}") from None
        for name, snippet in self._unused.items():
            raise GuideError(f"line {snippet.line}: no command names the file {name}")

    def _do(self, snippet: Snippet, following: Snippet | None) -> None:
        named = NAMED.search(snippet.lead)
        if snippet.comment.startswith(NOT_RUN):
            self.not_run.append(snippet.comment.removeprefix(NOT_RUN).strip())
        elif snippet.language == "sh":
            for command in split(snippet.code):
                self._succeed(command)
        elif snippet.language == "console":
            self._session(session(snippet.code))
        elif named is not None:
            self._write(named[1], snippet)
        elif snippet.language == "python":
            answer = following if following and following.previous is snippet else None
            shown = answer.code if answer is not None and answer.language == "text" else ""
            self._script(snippet.code, shown)
        elif not (snippet.language == "text" and _runs(snippet.previous)):
            raise GuideError(f"nothing is done with this block:\n{snippet.code}")

    def _type(self, command: str) -> str:
        for name in list(self._unused):
            if name.partition("/")[0] in command:
                del self._unused[name]
        return self.shell.run(command)

    def _succeed(self, command: str) -> str:
        printed = self._type(command)
        if self.shell.code:
            raise GuideError(f"{command}\nexit code {self.shell.code}\n{printed}")
        return printed

    def _session(self, steps: list[tuple[str, str]]) -> None:
        for (command, shown), (next_command, _) in zip(steps, [*steps[1:], ("", "")], strict=True):
            if next_command == "echo $?":
                printed = self._type(command)
            else:
                printed = self._succeed(command)
            _compare(command, shown, printed)

    def _write(self, name: str, snippet: Snippet) -> None:
        path = self.shell.folder / name
        check = CHECKS.get(path.suffix)
        if check is not None:
            try:
                check(snippet.code)
            except (ValueError, SyntaxError) as error:
                raise GuideError(f"{name}: {error}") from None
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(snippet.code, "utf-8")
        self._unused[name] = snippet

    def _script(self, code: str, shown: str) -> None:
        self._examples += 1
        name = f".example-{self._examples}.py"
        (self.shell.folder / name).write_text(code, "utf-8")
        _compare(code, shown, self._succeed(f"python {name}"))


def _runs(snippet: Snippet | None) -> bool:
    return snippet is not None and snippet.language == "python" and not NAMED.search(snippet.lead)


def _compare(what: str, shown: str, printed: str) -> None:
    if plain(shown) == ["..."]:
        raise GuideError(f"{what}\nshows nothing of what is printed; use an sh block")
    if not agree(shown, printed):
        raise GuideError(f"{what}\n{difference(shown, printed)}")
