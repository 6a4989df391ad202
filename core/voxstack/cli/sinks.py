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

    def __init__(self, pipe: Any, name: str = "stdout", close: bool = False) -> None:
        self.pipe, self.name, self.clipped, self._close = pipe, name, 0, close

    def write(self, samples: Any) -> None:
        """Append float samples."""
        from voxstack.audio import to_pcm16

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

    def __enter__(self) -> PcmSink:
        return self

    def __exit__(self, *_: object) -> None:
        if self._close:
            self.pipe.close()


class Player(PcmSink):
    """A program that plays what it reads."""

    def __init__(self, command: list[str]) -> None:
        import subprocess

        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        super().__init__(self.process.stdin, command[0])

    def write(self, samples: Any) -> None:
        """Append float samples."""
        try:
            super().write(samples)
        except BrokenPipeError:
            self._finish()
            raise InputError(f"{self.name} stopped playing; write a file with -o X.wav") from None

    def _finish(self) -> None:
        complaint = self.process.communicate()[1]
        if self.process.returncode:
            lines = complaint.decode("utf-8", "replace").strip().splitlines() or ["no reason given"]
            raise InputError(f"{self.name} could not play: {lines[-1]}; write a file with -o X.wav")

    def __exit__(self, kind: Any = None, *_: object) -> None:
        if kind is None:
            self._finish()
        else:
            self.process.kill()
            self.process.wait()


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
            "-o - writes raw PCM, and stdout is a terminal: send it into a program or a file, say "
            "| aplay -f S16_LE -r 16000"
        )
    elif output != "-" and not _is_device(output):
        check_folder(output)
        if Path(output).suffix.lower() != ".wav":
            raise InputError(
                f"cannot write {output}: only WAV is written; name a file like out.wav"
            )


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
def naming_the_option() -> Iterator[None]:
    """Say in errors of writing which option chooses the place."""
    try:
        yield
    except InputError as error:
        if str(error).startswith("cannot write"):
            raise InputError(f"{error}; choose another place with -o") from None
        raise


def open_sink(output: str | None, rate: int, stdout: Any) -> Any:
    """Open what ``-o`` names; without it, a player."""
    if output is None:
        return Player(_player_command(rate))
    if output == "-":
        return PcmSink(stdout)
    if _is_device(output):
        return PcmSink(Path(output).open("wb", buffering=0), output, close=True)
    from voxstack.audio import WavWriter

    return WavWriter(output, rate)
