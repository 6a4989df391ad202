"""The command line. The library never imports this package.

Commands are imported when they are called: a listing command stays light, and ``say`` is quick
from cold.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import NoReturn

import click

import voxstack
from voxstack.cli import signals
from voxstack.cli.groups import PluginGroup, ReaderGoneError
from voxstack.cli.printable import echo, printable
from voxstack.errors import VoxstackError
from voxstack.logs import colours_wanted

__all__ = ["PluginGroup", "cli", "echo", "main", "printable"]

COMMANDS = {
    "say": "voxstack.cli.say:say",
    "voices": "voxstack.cli.listing:voices",
    "plugins": "voxstack.cli.listing:plugins",
    "stack": "voxstack.cli.stack:stack",
}


@click.group(
    cls=PluginGroup,
    lazy=COMMANDS,
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
    args = _general_first(args)
    debug = "--debug" in args[:1]
    try:
        colours = None if colours_wanted() else False  # None: where there is a terminal
        code = cli.main(args, prog_name="voxstack", standalone_mode=False, color=colours)
        sys.stdout.flush()
    except click.ClickException as error:
        error.show()
        if isinstance(error, click.NoSuchOption) and error.ctx and error.ctx.info_name == "say":
            click.echo("Text that begins with a dash goes behind --, after all options.", err=True)
        code = error.exit_code
    except (click.Abort, KeyboardInterrupt):
        code = signals.exit_code()
    except SystemExit as error:  # a command's own
        code = error.code or 0
        if isinstance(code, str):  # as Python does it
            click.echo(code, err=True)
            code = 1
    except (ReaderGoneError, BrokenPipeError):
        # The reader of a pipe went away: not our fault, and nothing more to say.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except VoxstackError as error:
        _complain(str(error), debug)
        code = error.exit_code
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        _complain(f"{place}{error.strerror or error}", debug)
        code = 1
    except Exception as error:
        _complain(
            f"a fault in voxstack or a plugin: {type(error).__name__}: {error}\n"
            "run the same command with --debug to see where, and report it",
            debug,
        )
        code = 1
    code = code if isinstance(code, int) else 0
    if arguments is None:  # the process is ours to end
        _end(code)
    sys.exit(code)


def _general_first(args: list[str]) -> list[str]:
    """Put --debug and --log, which may stand anywhere before "--", in front of the command."""
    end = args.index("--") if "--" in args else len(args)
    debug, log, rest = [], [], []
    options = iter(args[:end])
    for arg in options:
        if arg == "--debug":
            debug = [arg]
        elif arg == "--log":
            log += [arg, *([level] if (level := next(options, None)) is not None else [])]
        elif arg.startswith("--log="):
            log.append(arg)
        else:
            rest.append(arg)
    return [*debug, *log, *rest, *args[end:]]


def _end(code: int) -> None:
    """End the process where a plugin left a thread that never ends."""
    import threading

    others = (thread for thread in threading.enumerate() if thread is not threading.main_thread())
    if any(not thread.daemon for thread in others):
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
        os._exit(code)


def _complain(message: str, debug: bool) -> None:
    """Write an error to stderr, in red on a terminal, behind its traceback if that is wanted."""
    if debug:
        import traceback

        traceback.print_exc()
    shown = printable(message.encode("utf-8", "replace").decode())
    click.secho(f"error: {shown}", fg="red", err=True, color=None if colours_wanted() else False)


# The face for commands of plugins: names of this package's modules, imported when first used.
_HOMES = {
    "files": ["write_atomically"],
    "cli.options": [
        "Edit",
        "host_options",
        "json_option",
        "make_host",
        "parse_edits",
        "parse_pairs",
    ],
    "cli.output": [
        "check_folder",
        "for_machines",
        "keep_stdout_clean",
        "print_json",
        "print_table",
        "print_text",
    ],
    "cli.sinks": ["check_place"],
}


def __getattr__(name: str) -> object:
    import importlib

    for module, names in _HOMES.items():
        if name in names:
            value: object = getattr(importlib.import_module(f"voxstack.{module}"), name)
            globals()[name] = value
            return value
    raise AttributeError(f"module 'voxstack.cli' has no attribute {name!r}")
