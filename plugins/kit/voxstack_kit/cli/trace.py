"""``voxstack trace``: where the time of an utterance goes."""

from __future__ import annotations

import json
from typing import Any

import click
from voxstack import InputError
from voxstack.cli import (
    check_folder,
    for_machines,
    host_options,
    json_option,
    make_host,
    parse_edits,
    parse_pairs,
    print_json,
    print_table,
    print_text,
    write_atomically,
)


@click.command(short_help="Show where the time of an utterance goes.")
@click.argument("text", nargs=-1, required=True)
@click.option(
    "-o",
    "--output",
    required=True,
    metavar="FILE.json|-",
    help="Write Chrome trace events, which Perfetto opens (ui.perfetto.dev); - for stdout.",
)
@click.option("--voice", help="Voice: an installed name, or the path of an addon.")
@click.option(
    "--control",
    "controls",
    multiple=True,
    metavar="NAME=VALUE",
    help="Any control of the voice. Repeatable.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the noise.")
@host_options
@json_option
def trace(
    text: tuple[str, ...],
    output: str,
    voice: str | None,
    controls: tuple[str, ...],
    seed: int,
    deploy: str | None,
    executor: str | None,
    sets: tuple[str, ...],
    allow: tuple[str, ...],
    block: tuple[str, ...],
    as_json: bool,
) -> None:
    """Speak TEXT without playing it; write when each block and network ran, and print a summary.

    The voice is warm: it has spoken a sentence before.

    \b
    voxstack trace "The quick brown fox. It jumps." -o trace.json
    """
    edits, chosen = parse_edits(sets), parse_pairs("--control", controls)
    if output == "-" and as_json:
        raise InputError("-o - and --json both write to stdout; name a file with -o")
    check_folder(output)
    if output == "-":
        for_machines(click.get_current_context())
    with make_host(deploy, executor, allow, block) as host:
        built = host.voice(voice, edits=edits)
        built.warm_up()
        events, rows, report = _speak(built, " ".join(text), seed, chosen)
    document = {
        "traceEvents": events,
        "displayTimeUnit": "ms",
        "otherData": {"voice": report.voice, "audio_s": report.audio_s, "total_s": report.total_s},
    }
    if output == "-":
        print_text(json.dumps(document) + "\n")
        return

    write_atomically(output, json.dumps(document) + "\n")
    summary = {
        "voice": report.voice,
        "audio_s": report.audio_s,
        "total_s": report.total_s,
        "first_audio_s": report.first_audio_s,
        "where": rows,
        "networks": report.networks,
    }
    if as_json:
        print_json(summary)
    else:
        _print(summary, output)


def _speak(built: Any, text: str, seed: int, controls: dict[str, Any]) -> Any:
    from voxstack_kit.watching.tracing import Recorder, chrome_events, traced, where_it_went

    recorder = Recorder()
    with traced(built, recorder).stream(text, seed=seed, **controls) as stream:
        while True:
            with recorder.span(recorder.host) as span:
                chunk = next(stream, None)
                span.about = (
                    {"end": True}
                    if chunk is None
                    else {"start": chunk.start, "samples": len(chunk), "last": chunk.last}
                )
            if chunk is None:
                break
    recorder.find_waits()
    return chrome_events(recorder), where_it_went(recorder), stream.report


def _print(summary: dict[str, Any], output: str) -> None:
    rows = []
    for row in summary["where"]:
        share = "" if row["share"] is None else f"{row['share']:.1%}"
        padding = "" if row["padding"] is None else f"{row['padding']:.1%}"
        name = "host glue" if row["kind"] == "host" else row["name"]
        line = (row["kind"], name, row["place"], row["calls"], f"{row['ms']:.2f}", share, padding)
        rows.append(line)
    print_table(("kind", "name", "place", "calls", "own ms", "share", "padding"), rows, "nothing")
    first = summary["first_audio_s"]
    click.echo(
        f"{summary['audio_s']:.2f} s of audio in {summary['total_s'] * 1e3:.1f} ms"
        + ("" if first is None else f", the first after {first * 1e3:.1f} ms")
        + f"; {output} opens in https://ui.perfetto.dev"
    )
