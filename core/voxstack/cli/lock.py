"""``voxstack stack lock``: a voice's configuration and all that it was built of, in a file."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

import attrs
import click

from voxstack.cli.options import host_options, make_host, parse_edits
from voxstack.cli.output import check_folder, for_machines, print_json
from voxstack.documents import parse_value
from voxstack.errors import InputError


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
    """Write what VOICE is built of: configuration, distributions, versions and hashes.

    Without VOICE: the deployment's, VOXSTACK_VOICE, or the only one that is installed.

    "say --locked FILE" speaks with that and nothing else.

    \b
    voxstack stack lock en-us -o voice.lock
    voxstack say "Hello." --locked voice.lock -o hello.wav
    """
    from voxstack.files import write_atomically
    from voxstack.lock import lock_text, make_lock

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


def nothing_beside(locked: str, options: Mapping[str, Any]) -> None:
    """Refuse the options that a lock has settled; its own voice may be named."""
    from voxstack.drift import is_voice_of
    from voxstack.lock import read_lock

    voice = options.get("voice")
    given = {f"--{name}": value for name, value in options.items() if value}
    if voice and is_voice_of(read_lock(locked), locked, voice):
        del given["--voice"]
    if given:
        # "stack lock" takes the voice without an option.
        words = [voice or "VOICE", *(f"{name} ..." for name in given if name != "--voice")]
        raise InputError(
            f"{', '.join(given)} cannot change what {locked} has locked: leave it out, or lock "
            f"again with it: voxstack stack lock {' '.join(words)} -o {locked}"
        )


def check_lock(file: str, options: Mapping[str, Any], as_json: bool) -> NoReturn:
    """Compare a lock with what is installed: exit code 0, or 2 with all that drifted."""
    from voxstack.drift import all_drifts, locked_host
    from voxstack.lock import read_lock

    nothing_beside(file, options)
    lock = read_lock(file)
    with locked_host(lock) as host:
        found = all_drifts(host, lock, file, every_file=True)
    if as_json:
        print_json({"problems": [attrs.asdict(drift) for drift in found]})
    for drift in () if as_json else found:
        click.echo(str(drift), err=True)
    if not found and not as_json:
        click.echo(f"{file}: this is the environment that was locked")
    sys.exit(2 if found else 0)
