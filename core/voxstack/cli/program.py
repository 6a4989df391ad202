"""The program ``voxstack``: its commands, its exit codes, and what errors look like."""

from __future__ import annotations

import os
import sys
from itertools import islice
from pathlib import Path
from typing import NoReturn

import click

import voxstack
from voxstack.cli import signals
from voxstack.cli.groups import PluginGroup, ReaderGoneError
from voxstack.cli.listing import plugins, voices
from voxstack.cli.output import printable
from voxstack.cli.say import say
from voxstack.cli.stack import stack
from voxstack.errors import VoxstackError
from voxstack.logs import colours_wanted, set_level


@click.group(
    cls=PluginGroup,
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
        set_level(log or "debug")


for command in (say, voices, plugins, stack):
    cli.add_command(command)


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line: exit code 0, 2 for bad input, 1 for a fault."""
    args = sys.argv[1:] if arguments is None else arguments
    general, rest = _general_first(args)
    signals.hold()
    if rest[:1] != ["say"]:  # which delivers them when its voice is loaded
        signals.deliver()
    if sys.stdout is None:  # closed by the caller
        sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115
    code = _run([*general, *rest], "--debug" in general)
    if arguments is None and not isinstance(code, str):  # the process is ours to end
        _end(code or 0)
    sys.exit(code)


def _general_first(args: list[str]) -> tuple[list[str], list[str]]:
    """Return --debug and --log, which may stand anywhere before "--", and all the rest."""
    end = args.index("--") if "--" in args else len(args)
    general, rest = list[str](), list[str]()
    words = iter(args[:end])
    for word in words:
        if word == "--log":
            general += [word, *islice(words, 1)]
        elif word == "--debug" or word.startswith("--log="):
            general.append(word)
        else:
            rest.append(word)
    return general, [*rest, *args[end:]]


def _run(args: list[str], debug: bool) -> int | str | None:
    """Run a command and report what it raises; return the exit code, as ``sys.exit`` takes it."""
    try:
        colours = None if colours_wanted() else False  # None: where there is a terminal
        code = cli.main(args, prog_name="voxstack", standalone_mode=False, color=colours)
        sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return signals.exit_code()
    except SystemExit as error:  # a command's own
        return error.code
    except (ReaderGoneError, BrokenPipeError):
        # The reader of a pipe went away: not our fault, and nothing to report.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        _report(error, debug)
        return int(getattr(error, "exit_code", 1))


def _report(error: Exception, debug: bool) -> None:
    """Write an error to stderr, in red on a terminal, after its traceback if that is wanted."""
    if debug:
        import traceback

        traceback.print_exc()
    text = str(error)
    if isinstance(error, OSError):
        text = ": ".join(filter(None, (error.filename, error.strerror or text)))
    elif not isinstance(error, VoxstackError):
        text = (
            f"a fault in voxstack or a plugin: {type(error).__name__}: {error}\n"
            "run the same command with --debug to see where, and report it"
        )
    shown = printable(text.encode("utf-8", "replace").decode())
    click.secho(f"error: {shown}", fg="red", err=True, color=None if colours_wanted() else False)


def _end(code: int) -> None:
    """End the process where a plugin left a thread that never ends."""
    import threading

    others = {*threading.enumerate()} - {threading.main_thread()}
    if not all(thread.daemon for thread in others):
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
        os._exit(code)
