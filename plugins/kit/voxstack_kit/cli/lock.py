"""``voxstack stack lock``, ``stack check FILE.lock`` and ``say --locked``."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import click
from voxstack import InputError
from voxstack.cli import (
    OPEN,
    check_folder,
    for_machines,
    host_options,
    json_option,
    make_host,
    parse_edits,
    print_json,
    write_atomically,
)
from voxstack.inspection import parse_value

if TYPE_CHECKING:
    from voxstack import Voice

    from voxstack_kit.locking.lock import Lock


@click.command(short_help="Lock a voice and its environment in a file.")
@click.argument("voice", required=False)
@click.option(
    "-o",
    "--output",
    metavar="FILE|-",
    required=True,
    help="Write the lock to FILE; - for stdout.",
)
@host_options
def lock(
    voice: str | None,
    output: str,
    deploy: str | None,
    executor: str | None,
    sets: tuple[str, ...],
    allow: tuple[str, ...],
    block: tuple[str, ...],
) -> None:
    """Write what VOICE is built from: configuration, distributions, versions and hashes.

    Without VOICE: the deployment's, VOXSTACK_VOICE, or the only one that is installed.

    "say --locked FILE" speaks with exactly that.

    \b
    voxstack stack lock en-us -o voice.lock
    voxstack say "Hello." --locked voice.lock -o hello.wav
    """
    from voxstack_kit.locking.lock import lock_text, make_lock

    check_folder(output)
    if output == "-":
        for_machines(click.get_current_context())
    asked = parse_value(executor) if executor is not None else None
    with make_host(deploy, executor, allow, block) as host:
        locked = make_lock(host, voice, parse_edits(sets), asked, Path(output))
    if output == "-":
        print_json(attrs.asdict(locked))
        return
    write_atomically(output, lock_text(locked))
    click.echo(
        f"{output}: {locked.voice}, {len(locked.components)} components, "
        f"{len(locked.distributions)} distributions"
    )


@click.command(short_help="Compare a lock file with what is installed.")
@click.argument("file")
@click.option("--voice", help="The voice that must be the locked one.")
@host_options
@json_option
def check_lock(file: str, as_json: bool, **options: Any) -> None:
    """Compare the lock FILE with what is installed; exit code 2 if there are differences."""
    from voxstack_kit.locking.drift import all_drifts, locked_host
    from voxstack_kit.locking.lock import read_lock

    require_nothing_beside(file, options)
    lock = read_lock(file)
    with locked_host(lock) as host:
        found = all_drifts(host, lock, file, every_file=True)
    if as_json:
        print_json({"problems": [attrs.asdict(drift) for drift in found]})
    for drift in () if as_json else found:
        click.echo(str(drift), err=True)
    if not found and not as_json:
        click.echo(f"{file}: the environment is as it was locked")
    sys.exit(2 if found else 0)


# The option of ``voxstack say`` -----------------------------------------------------------------


def _open_locked(context: click.Context, option: click.Parameter, value: str | None) -> str | None:
    """Make ``voxstack say`` open the voice of a lock; the lock is read at once."""
    if value is not None:
        from voxstack_kit.locking.lock import read_lock

        lock = read_lock(value)
        context.meta[OPEN] = lambda: _locked_voice(context, lock, value)
    return value


@contextmanager
def _locked_voice(context: click.Context, lock: Lock, path: str) -> Iterator[Voice]:
    from voxstack_kit.locking.drift import locked_host, locked_voice

    settled = ("voice", "sets", "deploy", "executor", "allow", "block")
    require_nothing_beside(path, {name: context.params.get(name) for name in settled})
    with locked_host(lock) as host:
        yield locked_voice(host, lock, path)


locked = click.Option(
    ["--locked"],
    metavar="FILE",
    expose_value=False,
    callback=_open_locked,
    help="Speak with what voxstack stack lock wrote, and refuse any other environment.",
)


def require_nothing_beside(locked: str, options: Mapping[str, Any]) -> None:
    """Refuse the options that a lock determines; its own voice may be named."""
    from voxstack_kit.locking.drift import is_voice_of
    from voxstack_kit.locking.lock import read_lock

    voice = options.get("voice")
    names = {"sets": "set"}
    given = {f"--{names.get(name, name)}": value for name, value in options.items() if value}
    if voice and is_voice_of(read_lock(locked), locked, voice):
        del given["--voice"]
    if given:
        # "stack lock" takes the voice without an option.
        words = [voice or "VOICE", *(f"{name} ..." for name in given if name != "--voice")]
        raise InputError(
            f"{', '.join(given)} cannot change what {locked} has locked; omit it, or lock "
            f"again with it: voxstack stack lock {' '.join(words)} -o {locked}"
        )
