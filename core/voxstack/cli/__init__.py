"""The command line. The library never imports this package.

Commands are imported when they are called: a listing command stays light, and ``say`` is quick
from cold.
"""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path
from typing import Any, NoReturn

import click

import voxstack
from voxstack.cli import signals
from voxstack.errors import VoxstackError, did_you_mean

COMMANDS = {
    "say": "voxstack.cli.say:say",
    "voices": "voxstack.cli.listing:voices",
    "plugins": "voxstack.cli.listing:plugins",
    "stack": "voxstack.cli.stack:stack",
    "addon": "voxstack.cli.addon:addon",
    "bench": "voxstack.cli.bench:bench",
}

INTERRUPTED = 130  # 128 + SIGINT, as shells have it


class _ReaderGoneError(Exception):
    """The reader of a pipe went away."""


class LazyGroup(click.Group):
    """The commands of the host, and those that plugins bring."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Give all command names; plugins' commands after the host's."""
        return [*COMMANDS, *(n for n in _registry().names("command") if n not in COMMANDS)]

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Import a command by its name."""
        if name in COMMANDS:
            module, _, attribute = COMMANDS[name].partition(":")
            command: click.Command = getattr(importlib.import_module(module), attribute)
            return command
        registry = _registry()
        if not registry.candidates(name, "command"):
            return None
        command = registry.load(registry.find(name, "command"))
        if not isinstance(command, click.Command):
            raise click.ClickException(
                f"the command {name!r} of a plugin is no click command: {type(command).__name__}"
            )
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Suggest the nearest command for one that is not there."""
        name = args[0]
        if self.get_command(ctx, name) is None and not name.startswith("-"):
            names = self.list_commands(ctx)
            hint = did_you_mean(name, names) or f"there: {', '.join(names)}"
            raise click.UsageError(f"no such command {name!r}; {hint}", ctx)
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; click would end with 1 where the reader of a pipe went away."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            raise _ReaderGoneError from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands; one of a plugin that breaks is listed with its reason."""
        rows = []
        for name in self.list_commands(ctx):
            try:
                command = self.get_command(ctx, name)
                text = command.get_short_help_str(70) if command else ""
            except (VoxstackError, click.ClickException) as error:
                text = f"(cannot be used: {error})"
            rows.append((name, text))
        with formatter.section("Commands"):
            formatter.write_dl(rows)


def _registry() -> Any:
    from voxstack.registry import Registry

    return Registry()


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(voxstack.__version__, message="voxstack %(version)s")
@click.option("--debug", is_flag=True, help="Show tracebacks, and log all that happens.")
@click.option(
    "--log",
    type=click.Choice(["debug", "info", "warning", "error", "off"]),
    help="Log lines of this level and above to stderr (default: warning).",
)
def cli(debug: bool, log: str | None) -> None:
    """Speak text with neural voices whose parts are named by configuration.

    \b
    voxstack say "Hello, world." -o hello.wav
    voxstack say -f page.txt -o - | aplay -f S16_LE -r 16000
    voxstack voices
    """
    if debug or log:
        from voxstack.logs import set_level

        set_level(log or "debug")


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line: exit code 0, 2 for bad input, 1 for a fault."""
    args = sys.argv[1:] if arguments is None else arguments
    signals.hold()
    if args[:1] != ["say"]:  # which delivers them when its voice is loaded
        signals.deliver()
    if sys.stdout is None:  # closed by the caller: nobody reads
        sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115
    debug = "--debug" in args
    if debug:  # anywhere on the line
        args = ["--debug", *(a for a in args if a != "--debug")]
    try:
        code = cli.main(args, prog_name="voxstack", standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except (click.Abort, KeyboardInterrupt):
        code = INTERRUPTED
    except (_ReaderGoneError, BrokenPipeError):
        # The reader of a pipe went away: not our fault, and nothing more to say.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except VoxstackError as error:
        if debug:
            raise
        _complain(str(error))
        code = error.exit_code
    except OSError as error:
        if debug:
            raise
        place = f"{error.filename}: " if error.filename else ""
        _complain(f"{place}{error.strerror or error}")
        code = 1
    except Exception as error:
        if debug:
            raise
        _complain(
            f"a fault in voxstack or a plugin: {type(error).__name__}: {error}\n"
            "run the same command with --debug to see where, and report it"
        )
        code = 1
    sys.exit(code if isinstance(code, int) else 0)


def _complain(message: str) -> None:
    """Write an error to stderr, in red on a terminal."""
    printable = message.encode("utf-8", "replace").decode()
    click.secho(f"error: {printable}", fg="red" if sys.stderr.isatty() else None, err=True)
