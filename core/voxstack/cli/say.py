"""``voxstack say``: text in, speech out, as it is made."""

from __future__ import annotations

import codecs
import io
import os
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from queue import Empty, Queue
from typing import Any

import click

from voxstack.cli import signals
from voxstack.cli.groups import PluginCommand
from voxstack.cli.options import host_options, make_host, parse_edits, parse_pairs
from voxstack.cli.output import check_folder, keep_stdout_clean
from voxstack.cli.progress import progress_bar
from voxstack.cli.sinks import check_place, naming_the_option, open_sink
from voxstack.errors import InputError

PIECE = 4096  # characters (bytes of stdin) read at a time
READ_AHEAD = 16  # pieces of stdin
PAUSE_S = 0.3  # a writer to stdin who is silent for so long has ended a paragraph


@click.command(cls=PluginCommand, short_help="Speak text, a file or stdin.")
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
@click.option(
    "--rate",
    type=float,
    help="Speed of speech, as far as the voice goes; 1 is its own, 2 is twice as fast.",
)
@click.option("--pitch", type=float, help="Semitones above the voice's own pitch; -2 is lower.")
@click.option(
    "--pitch-range", type=float, help="Ups and downs of pitch; 1 is the voice's own, 0 is flat."
)
@click.option(
    "--control",
    "controls",
    multiple=True,
    metavar="NAME=VALUE",
    help="Any control of the voice. Repeatable.",
)
@click.option(
    "--seed",
    type=int,
    default=0,
    show_default=True,
    help="The same seed, 0 to 4294967295, gives the same audio.",
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
    pitch: float | None,
    pitch_range: float | None,
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
    source = _source(text, file)
    if output is None and source.text is not None and not source.text.strip():
        raise InputError("nothing to speak: the text is empty; give it a word")
    edits = parse_edits(sets)
    chosen = parse_pairs("--control", controls)
    options = {"speaker": speaker, "rate": rate, "pitch": pitch, "pitch_range": pitch_range}
    for name, value in options.items():
        if value is not None and name in chosen:
            option = name.replace("_", "-")
            raise InputError(f"{name} is given twice, by --{option} and by --control")
        chosen |= {} if value is None else {name: value}
    check_place(output)
    pcm = keep_stdout_clean() if output == "-" else None
    if stats == "-":
        raise InputError("--stats writes a file; name one")
    if stats:
        check_folder(stats)
    with ExitStack() as stack:
        opened = click.get_current_context().meta.get("voxstack.open")
        if opened is not None:
            built = stack.enter_context(opened())
        else:
            host = stack.enter_context(make_host(deploy, executor, allow, block))
            built = host.voice(voice, edits=edits)
        loaded = time.perf_counter()
        signals.deliver()
        stream = stack.enter_context(built.stream(source.pieces(), seed=seed, **chosen))
        chunks = iter(stream)
        first = next(chunks, None)  # errors in the text come before anything is opened
        stack.enter_context(naming_the_option())
        sink = stack.enter_context(open_sink(output, built.sample_rate, pcm))
        bar = stack.enter_context(progress_bar(progress, source.total))
        guards: list[dict[str, Any]] = []
        try:
            while first is not None:
                guards += _guards(first.marks, built.sample_rate)
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
        _write_stats(stats, built, report, sink.clipped, guards, loaded - started, chosen, seed)


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
        """Give text as it comes; when the writer pauses after a line, it ends a paragraph."""
        if sys.stdin is None:
            raise InputError("cannot read stdin: it is closed")
        # Bounded, so that a quick writer waits for us and memory stays flat.
        pieces: Queue[str | Exception] = Queue(maxsize=READ_AHEAD)
        # A daemon: a writer who never ends must not keep the process.
        threading.Thread(target=_read, args=(sys.stdin.fileno(), pieces), daemon=True).start()
        at_line_end = False
        while True:
            try:
                piece = pieces.get(timeout=PAUSE_S if at_line_end else None)
            except Empty:
                at_line_end = False
                yield "\n\n"
                continue
            if isinstance(piece, Exception):
                raise piece
            if not piece:
                return
            at_line_end = piece.endswith("\n")
            yield piece


def _read(descriptor: int, pieces: Queue[str | Exception]) -> None:
    """Put what can be read into the queue, as soon as it can; an empty piece is the end."""
    utf8 = codecs.getincrementaldecoder("utf-8-sig")("replace")
    decoder = io.IncrementalNewlineDecoder(utf8, translate=True)
    try:
        # Not sys.stdin: its buffer is locked by a thread that waits in it when Python ends.
        while data := os.read(descriptor, PIECE):
            if text := decoder.decode(data):
                pieces.put(text)
        if text := decoder.decode(b"", final=True):
            pieces.put(text)
        pieces.put("")
    except OSError as error:
        pieces.put(InputError(f"cannot read stdin: {error.strerror or error}"))


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


# Measurements -----------------------------------------------------------------------------------


def _write_stats(
    path: str,
    voice: Any,
    report: Any,
    clipped: int,
    guards: list[dict[str, Any]],
    load_s: float,
    controls: Any,
    seed: int,
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
        "guards": guards,
        "load_ms": round(load_s * 1e3, 2),
        "peak_rss_mb": _peak_rss_mb(),
        "networks": {
            name: {
                "calls": t["calls"],
                "ms": round(t["seconds"] * 1e3, 2),
                **({"padding_waste": _waste(t)} if t["computed"] else {}),
            }
            for name, t in report.networks.items()
        },
        "controls": {**voice.defaults, **controls},
        "seed": seed,
        "version": voxstack.__version__,
    }
    write_atomically(path, json.dumps(stats, indent=2) + "\n")


def _guards(marks: Iterable[Any], sample_rate: int) -> list[dict[str, Any]]:
    """Give the marks at which a block had to end speech that did not end by itself."""
    return [
        {"reason": mark.value, "at_s": round(mark.start / sample_rate, 3), "span": mark.span}
        for mark in marks
        if mark.kind == "guard"
    ]


def _waste(timing: dict[str, int]) -> float:
    """Give the share of what was computed only to have fixed shapes."""
    return round(1 - timing["used"] / timing["computed"], 3)


def _peak_rss_mb() -> float | None:
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (1 << 20 if sys.platform == "darwin" else 1 << 10), 1)
