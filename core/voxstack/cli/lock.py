"""``voxstack stack lock``: a voice's configuration and all that it was built of, in a file."""

from __future__ import annotations

from pathlib import Path

import click

from voxstack.cli.options import host_options, make_host, parse_edits
from voxstack.documents import parse_value


@click.command(short_help="Lock a voice and its environment in a file.")
@click.argument("voice")
@click.option("-o", "--output", metavar="FILE", required=True, help="Write the lock to FILE.")
@host_options
def lock(
    voice: str,
    output: str,
    deploy: str | None,
    executor: str | None,
    sets: tuple[str, ...],
    allow: tuple[str, ...],
    block: tuple[str, ...],
) -> None:
    """Write what VOICE is built of: configuration, distributions, versions and hashes.

    "say --locked FILE" speaks with that and nothing else.

    \b
    voxstack stack lock en-us -o voice.lock
    voxstack say "Hello." --locked voice.lock -o hello.wav
    """
    from voxstack.files import write_atomically
    from voxstack.lock import lock_text, make_lock

    asked = parse_value(executor) if executor is not None else None
    with make_host(deploy, executor, allow, block) as host:
        locked = make_lock(host, voice, parse_edits(sets), asked, Path(output))
    write_atomically(output, lock_text(locked))
    click.echo(
        f"{output}: {locked.voice}, {len(locked.components)} components, "
        f"{len(locked.distributions)} distributions"
    )
