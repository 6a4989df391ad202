"""``voxstack say``: text in, speech out, as it is made."""

from __future__ import annotations

import os
import signal
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click

from voxstack.cli.options import host_options, make_host, parse_edits, parse_pairs
from voxstack.errors import InputError

PIECE = 4096  # characters read at a time


@click.command(context_settings={"ignore_unknown_options": False})
@click.argument("text", nargs=-1)
@click.option("-f", "--file", "file", metavar="FILE", help="Speak the text in FILE.")
@click.option(
    "-o",
    "--output",
    metavar="FILE.wav|-",
    help="Write a WAV, or - for raw 16-bit PCM on stdout. Without it, play.",
)
@click.option("--voice", help="Voice: an installed name, or the path of an addon.")
@click.option("--speaker", help="Speaker of the voice.")
@click.option("--rate", type=float, help="Speed of speech; 1 is the voice's own.")
@click.option(
    "--control",
    "controls",
    multiple=True,
    metavar="NAME=VALUE",
    help="Any control of the voice. Repeatable.",
)
@click.option(
    "--seed", type=int, default=0, show_default=True, help="The same seed gives the same audio."
)
@click.option("--stats", metavar="FILE", help="Write measurements of this run as JSON.")
@click.option(
    "--progress/--no-progress",
    default=None,
    help="Show a progress bar for long text (default: on a terminal).",
)
@host_options
def say(
    text: tuple[str, ...],
    file: str | None,
    output: str | None,
    voice: str | None,
    speaker: str | None,
    rate: float | None,
    controls: tuple[str, ...],
    seed: int,
    stats: str | None,
    progress: bool | None,
    deploy: str | None,
    executor: str | None,
    sets: tuple[str, ...],
    allow: tuple[str, ...],
    block: tuple[str, ...],
) -> None:
    """Speak TEXT, a file (-f), or stdin (-), which is spoken as it arrives.

    Audio beyond full scale is clipped, and how many samples were is said on stderr.

    \b
    voxstack say "The quick brown fox." -o fox.wav
    voxstack say -f page.txt -o - | aplay -f S16_LE -r 16000
    tail -f log | voxstack say -
    voxstack say "Hello." --set '/stack/-={"type": "Gain", "db": -6}' -o soft.wav
    """
    started = time.perf_counter()
    if hasattr(signal, "SIGTERM"):
        # End like an error does, so that nothing half written stays.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    source = _source(text, file)
    edits = parse_edits(sets)
    chosen = parse_pairs("--control", controls)
    chosen |= {k: v for k, v in (("speaker", speaker), ("rate", rate)) if v is not None}
    _check_place(output)
    if stats and not Path(stats).parent.is_dir():
        folder = str(Path(stats).parent)
        raise InputError(f"cannot write {stats}: there is no folder {folder!r}; make it first")
    with make_host(deploy, executor, allow, block) as host, ExitStack() as stack:
        built = host.voice(voice, edits=edits)
        loaded = time.perf_counter()
        stream = stack.enter_context(built.stream(source.pieces(), seed=seed, **chosen))
        chunks = iter(stream)
        first = next(chunks, None)  # errors in the text come before anything is opened
        sink = stack.enter_context(_open_sink(output, built.sample_rate))
        bar = stack.enter_context(_bar(progress, source))
        try:
            while first is not None:
                if len(first):
                    sink.write(first["audio"])
                bar.advance(first.marks)
                first = next(chunks, None)
        finally:
            stream.close()
    report = stream.report
    assert report is not None
    if sink.clipped:
        click.echo(f"{sink.clipped} samples were beyond full scale and clipped", err=True)
    if stats:
        _write_stats(stats, built, report, sink.clipped, loaded - started, chosen, seed)


class _Source:
    """Where the text comes from."""

    total: int | None = None  # characters, if that is known

    def __init__(self, text: str | None = None, path: str | None = None) -> None:
        self.text, self.path = text, path
        if text is not None:
            self.total = len(text)
        elif path is not None:
            self.file = self._open(path)
            self.total = os.fstat(self.file.fileno()).st_size or None

    @staticmethod
    def _open(path: str) -> Any:
        try:
            if Path(path).is_dir():
                raise InputError(f"cannot read {path}: it is a folder")
            return Path(path).open(encoding="utf-8-sig")
        except OSError as error:
            raise InputError(f"cannot read {path}: {error.strerror or error}") from None

    def pieces(self) -> Any:
        """Give the whole text, or an iterator over its pieces as they come."""
        if self.text is not None:
            return self.text
        return self._stdin() if self.path is None else self._file()

    def _file(self) -> Iterator[str]:
        with self.file as file:
            try:
                while piece := file.read(PIECE):
                    yield piece
            except UnicodeDecodeError as error:
                raise InputError(
                    f"{self.path}: not UTF-8 text ({error.reason}); convert it, say with: "
                    f"iconv -f latin1 -t utf8 {self.path}"
                ) from None

    @staticmethod
    def _stdin() -> Iterator[str]:
        stdin = sys.stdin
        if hasattr(stdin, "reconfigure"):
            stdin.reconfigure(encoding="utf-8", errors="replace")
        while line := stdin.readline():
            yield line


def _source(text: tuple[str, ...], file: str | None) -> _Source:
    if file is not None and text:
        raise InputError("give the text as words or with -f FILE, not both")
    if file is not None:
        return _Source(path=file) if file != "-" else _Source()
    if text == ("-",):
        return _Source()
    if not text:
        raise InputError(
            'nothing to speak: give TEXT, -f FILE, or - for stdin (voxstack say "Hi.")'
        )
    return _Source(" ".join(text))


# Where the audio goes ---------------------------------------------------------------------------


class _PcmSink:
    """Raw 16-bit little-endian mono PCM into a pipe."""

    def __init__(self, pipe: Any, name: str = "stdout", close: bool = False) -> None:
        self.pipe, self.name, self.clipped, self._close = pipe, name, 0, close

    def write(self, samples: Any) -> None:
        from voxstack.audio import to_pcm16

        pcm, clipped = to_pcm16(samples)
        self.clipped += clipped
        try:
            self.pipe.write(pcm)
            self.pipe.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            self.pipe = open(os.devnull, "wb")  # noqa: SIM115, PTH123 - what is buffered is lost
            raise InputError(f"cannot write {self.name}: {error.strerror or error}") from None

    def __enter__(self) -> _PcmSink:
        return self

    def __exit__(self, *_: object) -> None:
        if self._close:
            self.pipe.close()


class _Player(_PcmSink):
    """A program that plays what it reads."""

    def __init__(self, command: list[str]) -> None:
        import subprocess

        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        super().__init__(self.process.stdin, command[0])

    def write(self, samples: Any) -> None:
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


def _check_place(output: str | None) -> None:
    """Refuse what cannot be written before any work is done."""
    if output is None:
        _player_command(0)
    elif output != "-" and not _is_device(output):
        path = Path(output)
        if path.suffix.lower() != ".wav":
            raise InputError(
                f"cannot write {output}: only WAV is written; name a file like out.wav"
            )
        if not path.parent.is_dir():
            raise InputError(f"cannot write {output}: there is no folder {str(path.parent)!r}")
        if path.is_dir():
            raise InputError(f"cannot write {output}: it is a folder; name a file in it")


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


def _open_sink(output: str | None, rate: int) -> Any:
    if output is None:
        return _Player(_player_command(rate))
    if output == "-":
        return _PcmSink(sys.stdout.buffer)
    if _is_device(output):
        return _PcmSink(Path(output).open("wb", buffering=0), output, close=True)
    from voxstack.audio import WavWriter

    return WavWriter(output, rate)


# Progress and measurements ----------------------------------------------------------------------


class _NoBar:
    """Shows nothing."""

    def advance(self, marks: Any) -> None:
        """Show nothing."""

    def __enter__(self) -> _NoBar:
        return self

    def __exit__(self, *_: object) -> None:
        pass


class _Bar(_NoBar):
    """A progress bar on stderr, over the characters that were spoken."""

    def __init__(self, total: int | None) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        self.progress = Progress(
            TextColumn("speaking"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f}%" if total else "{task.completed:.0f} characters"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self.task = self.progress.add_task("speaking", total=total)

    def advance(self, marks: Any) -> None:
        """Move to the last word that begins in the chunk."""
        ends = [mark.span[1] for mark in marks if mark.span]
        if ends:
            self.progress.update(self.task, completed=max(ends))

    def __enter__(self) -> _Bar:
        self.progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.progress.stop()


LONG = 400  # characters: shorter texts are done before a bar is seen


def _bar(wanted: bool | None, source: _Source) -> _NoBar:
    long = source.total is None or source.total > LONG
    shown = wanted if wanted is not None else long and sys.stderr.isatty()
    return _Bar(source.total) if shown else _NoBar()


def _write_stats(
    path: str, voice: Any, report: Any, clipped: int, load_s: float, controls: Any, seed: int
) -> None:
    import json

    import voxstack
    from voxstack.files import write_atomically

    executors = sorted({type(program.executor).__name__ for program in voice.programs})
    stats = {
        "audio_s": round(report.audio_s, 4),
        "ttfa_ms": None if report.first_audio_s is None else round(report.first_audio_s * 1e3, 2),
        "rtf": round(report.total_s / report.audio_s, 5) if report.audio_s else None,
        "chunks": report.chunks,
        "voice": report.voice,
        "executor": executors[0] if len(executors) == 1 else executors,
        "sample_rate": voice.sample_rate,
        "clipped_samples": clipped,
        "load_ms": round(load_s * 1e3, 2),
        "peak_rss_mb": _peak_rss_mb(),
        "networks": {
            name: {"calls": t["calls"], "ms": round(t["seconds"] * 1e3, 2)}
            for name, t in report.networks.items()
        },
        "controls": controls,
        "seed": seed,
        "version": voxstack.__version__,
    }
    write_atomically(path, json.dumps(stats, indent=2) + "\n")


def _peak_rss_mb() -> float | None:
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (1 << 20 if sys.platform == "darwin" else 1 << 10), 1)
