"""``voxstack say``: text in, speech out, as it is made."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from voxstack.cli import signals
from voxstack.cli.groups import OPEN, PluginCommand
from voxstack.cli.options import host_options, make_host, parse_edits, parse_pairs, together
from voxstack.cli.output import check_folder, keep_stdout_clean, progress_bar
from voxstack.cli.sinks import check_place, open_sink
from voxstack.cli.stats import guards_of, measurements
from voxstack.cli.text import open_text
from voxstack.errors import InputError

if TYPE_CHECKING:
    from voxstack.running import Stream, Voice

CONTROLS = ("speaker", "rate", "pitch", "pitch_range")  # that have an option of their name

say_options = together(
    click.argument("text", nargs=-1),
    click.option("-f", "--file", metavar="FILE", help="Speak the text in FILE."),
    click.option("-o", "--output", metavar="FILE.wav|-", help="Write a WAV, or - for raw 16-bit PCM on stdout. Without it, play."),  # noqa: E501
    click.option("--voice", help="Voice: an installed name, or the path of an addon."),
    click.option("--speaker", help="Speaker of the voice."),
    click.option("--rate", type=float, help="Speed of speech, as far as the voice goes; 1 is its own, 2 is twice as fast."),  # noqa: E501
    click.option("--pitch", type=float, help="Semitones above the voice's own pitch; -2 is lower."),
    click.option("--pitch-range", type=float, help="Ups and downs of pitch; 1 is the voice's own, 0 is flat."),  # noqa: E501
    click.option("--control", "controls", multiple=True, metavar="NAME=VALUE", help="Any control of the voice. Repeatable."),  # noqa: E501
    click.option("--seed", type=int, default=0, show_default=True, help="The same seed, 0 to 4294967295, gives the same audio."),  # noqa: E501
    click.option("--stats", metavar="FILE", help="Write measurements of this run as JSON."),
    click.option("--progress/--no-progress", default=None, help="Show a progress bar for long text (default: on a terminal)."),  # noqa: E501
    host_options,
)  # fmt: skip


@click.command(
    cls=PluginCommand,
    short_help="Speak text, a file or stdin.",
    advice="text that begins with a dash goes behind --, after all options",
)
@say_options
def say(
    text: tuple[str, ...],
    file: str | None,
    output: str | None,
    stats: str | None,
    progress: bool | None,
    controls: tuple[str, ...],
    seed: int,
    **options: Any,
) -> None:
    """Speak TEXT, a file (-f), or stdin (-), which is spoken as it arrives.

    Audio beyond full scale is clipped, and the number of such samples is reported on stderr.

    \b
    voxstack say "The quick brown fox." -o fox.wav
    voxstack say -f page.txt -o - | aplay -f S16_LE -r 16000
    tail -f log | voxstack say -
    voxstack say "Hello." --set '/stack/-={"type": "Gain", "db": -6}' -o soft.wav
    """
    started = time.perf_counter()
    source = open_text(text, file)
    if output is None and isinstance(source.pieces, str) and not source.pieces.strip():
        raise InputError("nothing to speak: the text is empty; give it a word")
    chosen = _controls(controls, {name: options.pop(name) for name in CONTROLS})
    check_place(output)
    for option, other in (("--stats", stats), ("-f", file)):
        if other and output and other != "-" and Path(other).resolve() == Path(output).resolve():
            raise InputError(f"-o and {option} name one file, {output}; name two")
    if stats == "-":
        raise InputError("--stats writes a file; name one")
    if stats:
        check_folder(stats)
    pcm = keep_stdout_clean() if output == "-" else None
    opened = click.get_current_context().meta.get(OPEN)
    with opened() if opened else _built(**options) as voice:
        load_s = time.perf_counter() - started
        signals.deliver()
        bar = progress_bar(progress, source.characters)
        stream = voice.stream(source.pieces, seed=seed, **chosen)
        clipped, guards = _speak(stream, voice.sample_rate, output, pcm, bar)
        if clipped:
            click.echo(f"{clipped} samples were beyond full scale and clipped", err=True)
        if stats:
            from voxstack.running import write_atomically

            assert stream.report is not None  # the stream has ended
            measured = {
                **measurements(voice, stream.report),
                "clipped_samples": clipped,
                "guards": guards,
                "load_ms": round(load_s * 1e3, 2),
                "controls": {**voice.defaults, **chosen},
                "seed": seed,
            }
            write_atomically(stats, json.dumps(measured, indent=2) + "\n")


@contextmanager
def _built(voice: str | None, sets: tuple[str, ...], **host: Any) -> Iterator[Voice]:
    """Open the voice that the options name."""
    edits = parse_edits(sets)
    with make_host(**host) as opened:
        yield opened.voice(voice, edits=edits)


def _controls(pairs: tuple[str, ...], named: Mapping[str, Any]) -> dict[str, Any]:
    """Return the controls of --control and of the options that are named for one."""
    chosen = parse_pairs("--control", pairs)
    given = {name: value for name, value in named.items() if value is not None}
    for name in chosen.keys() & given.keys():
        option = name.replace("_", "-")
        raise InputError(f"{name} is given twice, by --{option} and by --control")
    return chosen | given


def _speak(
    stream: Stream, rate: int, output: str | None, stdout: Any, bar: AbstractContextManager[Any]
) -> tuple[int, list[dict[str, Any]]]:
    """Write the audio as it is made; return the number of clipped samples, and the guards."""
    guards: list[dict[str, Any]] = []
    with stream:
        chunks = iter(stream)
        first = next(chunks, None)  # errors in the text come before anything is opened
        with (
            open_sink(output, rate, stdout) as sink,
            bar as advance,
            closing(stream),
        ):
            for chunk in chain(() if first is None else (first,), chunks):
                guards += guards_of(chunk.marks, rate)
                if len(chunk):
                    sink.write(chunk["audio"])
                advance(chunk.marks)
    return sink.clipped, guards
