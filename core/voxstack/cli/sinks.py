"""Where ``voxstack say`` puts the audio: a WAV file, a pipe, or a program that plays."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from voxstack.cli.output import check_folder
from voxstack.errors import InputError


class PcmSink:
    """Raw 16-bit little-endian mono PCM into a pipe."""

    def __init__(self, pipe: Any, name: str) -> None:
        self.pipe, self.name, self.clipped = pipe, name, 0

    def write(self, samples: Any) -> None:
        """Append float samples."""
        from voxstack.running import to_pcm16

        pcm, clipped = to_pcm16(samples)
        self.clipped += clipped
        try:
            rest = memoryview(pcm)
            while rest:  # a pipe without a buffer of ours may take a part
                rest = rest[self.pipe.write(rest) :]
            self.pipe.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            self.pipe = open(os.devnull, "wb")  # noqa: SIM115, PTH123 - what is buffered is lost
            raise InputError(f"cannot write {self.name}: {error.strerror or error}") from None


@contextmanager
def _player(rate: int) -> Iterator[PcmSink]:
    """Run a program that plays what it reads."""
    import subprocess

    command, pipe = _player_command(rate), subprocess.PIPE
    with subprocess.Popen(
        command, bufsize=0, stdin=pipe, stdout=subprocess.DEVNULL, stderr=pipe
    ) as process:
        failure = ""
        try:
            yield PcmSink(process.stdin, command[0])
        except BrokenPipeError:
            failure = "stopped playing"
        except BaseException:
            process.kill()
            raise
        lines = process.communicate()[1].decode("utf-8", "replace").split("\n")
    if process.returncode:
        reasons = [line.strip() for line in lines if line.strip()]
        failure = f"could not play: {reasons[-1] if reasons else 'no reason given'}"
    if failure:
        raise InputError(f"{command[0]} {failure}; write a file with -o X.wav")


PLAYERS = (  # programs that play raw 16-bit mono PCM from stdin; {rate} is put in
    "pw-cat --playback --format s16 --rate {rate} --channels 1 -",
    "paplay --raw --format=s16le --rate={rate} --channels=1",
    "aplay -q -t raw -f S16_LE -r {rate} -c 1",
    "ffplay -nodisp -autoexit -loglevel error -f s16le -ar {rate} -i -",
    "play -q -t raw -e signed -b 16 -c 1 -r {rate} -",
)


def check_place(output: str | None) -> None:
    """Refuse what cannot be written before any work is done."""
    if output is None:
        _player_command(0)
    elif output == "-" and sys.stdout.isatty():
        raise InputError(
            "-o - writes raw PCM, and stdout is a terminal: send it into a program or a file, "
            "as in | aplay -f S16_LE -r 16000"
        )
    elif output != "-" and not _is_device(output):
        check_folder(output)
        if Path(output).suffix.lower() != ".wav":
            raise InputError(f"cannot write {output}: only WAV is written; name it like out.wav")


def _is_device(output: str) -> bool:
    try:
        mode = Path(output).stat().st_mode
    except OSError:
        return False
    return stat.S_ISCHR(mode) or stat.S_ISFIFO(mode)


def _player_command(rate: int) -> list[str]:
    from shutil import which

    for player in PLAYERS:
        if which(player.partition(" ")[0]):
            return player.format(rate=rate).split()
    names = ", ".join(player.partition(" ")[0] for player in PLAYERS)
    raise InputError(f"no player is installed (looked for {names}): write a file with -o FILE.wav")


@contextmanager
def open_sink(output: str | None, rate: int, stdout: Any) -> Iterator[Any]:
    """Open what ``-o`` names, or a player; an error of writing names the option."""
    from voxstack.running import WavWriter

    try:
        if output is None:
            with _player(rate) as player:
                yield player
        elif output == "-":
            yield PcmSink(stdout, "stdout")
        elif _is_device(output):
            with Path(output).open("wb", buffering=0) as pipe:
                yield PcmSink(pipe, output)
        else:
            with WavWriter(output, rate) as writer:
                yield writer
    except InputError as error:
        if str(error).startswith("cannot write"):
            raise InputError(f"{error}; choose another place with -o") from None
        raise
