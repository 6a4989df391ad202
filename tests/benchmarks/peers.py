"""Compare voxstack with sherpa-onnx and Piper, with the same weights, in one run.

    pip install voxstack voxstack-english voxstack-standard voxstack-onnxruntime \
        voxstack-voice-en-us voxstack-vocoder-16k voxstack-vocoder-mel-16k  # or of this repository
    pip install onnx sherpa-onnx          # and matplotlib for --plot
    python tests/benchmarks/peers.py [--quick] [--json] [--plot peers.png]

Piper (GPL-3.0) gets its own environment in the cache folder, created on first use;
`--piper-python` names an existing one. A peer that cannot run is skipped and named.

The networks of the voice `en-us` become one Piper-type ONNX graph, which Piper and sherpa-onnx both
run, and an acoustic model and a mel-only vocoder for sherpa-onnx's Matcha. States, delays and
masks, which the peers do not need, are removed, so that nothing is computed in vain: they get the
weights in the fastest form that we know. Their output is compared with `synthesize()`.

One thread each. Every system is a process of its own, in turns with the others; times are measured
inside it. The peers get ready-made symbols, voxstack the text: their frontends cost nothing here,
ours is part of every figure. "page" texts have sentences of about 2.5 s, which the peers can stream
one by one; in a "sentence" they have no place to cut. RTF is time by speech, without trailing work.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

os.environ["ORT_DISABLE_TELEMETRY"] = "1"
WANTED = "pip install onnx voxstack-english voxstack-standard voxstack-onnxruntime \
voxstack-voice-en-us voxstack-vocoder-16k voxstack-vocoder-mel-16k"
try:
    import onnx  # noqa: F401
    import onnxruntime
    from voxstack import Host, VoxstackError
except ImportError as missing:
    sys.exit(f"{missing}; {WANTED}")

from against import equality, measuring, results
from against.jobs import Job, jobs
from against.models import Models
from against.piper_home import piper_python
from against.processes import Running, System, SystemGone
from against.report import printed

AHEAD_S = 1.0  # seconds that a player buffers


def systems(arguments: argparse.Namespace, skipped: dict[str, str]) -> list[System]:
    """Return the selected systems."""
    here = sys.executable
    wanted = [
        System(results.STREAMED, "voxstack_system", here),
        System(results.WHOLE, "voxstack_system", here, {"whole": True}),
        System("sherpa-onnx", "sherpa_system", arguments.sherpa_python),
    ]
    try:
        python = piper_python(arguments.piper_python)
        wanted.append(System("Piper", "piper_system", python))
    except SystemGone as error:
        skipped["Piper"] = str(error)
    if not arguments.quick:
        wanted += [
            System(results.MEL_STREAMED, "voxstack_system", here, {"mel": True}),
            System(results.MEL_WHOLE, "voxstack_system", here, {"mel": True, "whole": True}),
            System("sherpa-onnx Matcha", "sherpa_system", arguments.sherpa_python, {"mel": True}),
        ]
    return wanted


def compared(
    wanted: list[System], host: Host, folder: Path, cases: list[Job], skipped: dict[str, str]
) -> tuple[list[System], dict[str, float]]:
    """Return the systems that run, and the differences of their audio."""
    # Matcha's vocoder has no input for the noise scale: for this it gets files without noise.
    silent = folder / "silent"
    silent.mkdir()
    Models(host, noise=0.0).write(silent)
    graphs = equality.Graphs(Models(host, given=True))
    differences = equality.ours(host, graphs, cases)
    able = []
    for system in wanted:
        if system.name in results.PEERS:
            try:
                differences[f"{system.name}, graph"] = equality.peer(system, graphs, silent, cases)
            except SystemGone as error:
                skipped[system.name] = str(error)
                continue
        able.append(system)
    return able, differences


def measured(arguments: argparse.Namespace, host: Host, folder: Path) -> dict[str, Any]:
    """Run all measurements."""
    plan = measuring.QUICK if arguments.quick else measuring.Plan()
    skipped: dict[str, str] = {}
    wanted = systems(arguments, skipped)
    _say("composing the peers' graphs")
    models = Models(host)
    models.write(folder)
    work = jobs(host, models)
    cases = [work["sentence", seconds] for seconds in plan.seconds]
    _say("comparing audio")
    able, differences = compared(wanted, host, folder, cases, skipped)
    with ExitStack() as stack:
        running = {s.name: stack.enter_context(Running(s, folder)) for s in able}
        heard = measuring.warm(running, work, plan, models.rate, _say)
        streaming = {s.name: running[s.name] for s in able if not s.settings}
        page = work["page", 10]
        together = measuring.concurrent(streaming, page, plan, models.rate, _say)
        streams = results.stream_rows(together, "at once")
        if arguments.played:
            played = measuring.concurrent(streaming, page, plan, models.rate, _say, AHEAD_S)
            streams += results.stream_rows(played, "as played")
        versions = {name: one.version for name, one in running.items()}
    started = measuring.from_cold(able, work, folder, plan, _say)
    ratios = results.ratios(heard)
    return {
        "machine": {
            "cpu": _cpu(),
            "cores": os.cpu_count(),
            "python": platform.python_version(),
            "onnxruntime": onnxruntime.__version__,
            "threads": 1,
        },
        "versions": versions,
        "skipped": skipped,
        "equality": differences,
        "warm": results.warm_rows(heard),
        "ratios": ratios,
        "cold": results.cold_rows(started),
        "streams": streams,
        "goals": results.goals(ratios),
    }


def _say(text: str) -> None:
    print(f"\r\033[K{text}" if sys.stderr.isatty() else text, file=sys.stderr, flush=True,
          end="" if sys.stderr.isatty() else "\n")  # fmt: skip


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="fewer lengths, rounds and systems")
    parser.add_argument("--json", action="store_true", help="print all measurements as JSON")
    parser.add_argument("--plot", type=Path, metavar="FILE.png", help="draw a picture")
    parser.add_argument(
        "--played",
        action="store_true",
        help=f"also streams to players that buffer {AHEAD_S:g} s (takes as long as the speech)",
    )
    parser.add_argument("--piper-python", type=Path, help="an interpreter with piper-tts")
    parser.add_argument("--sherpa-python", default=sys.executable, help="one with sherpa-onnx")
    arguments = parser.parse_args()
    if arguments.plot:
        try:
            import matplotlib  # noqa: F401
        except ImportError:
            sys.exit("--plot needs matplotlib: pip install matplotlib")
    try:
        with tempfile.TemporaryDirectory() as folder, Host() as host:
            found = measured(arguments, host, Path(folder))
    except (VoxstackError, SystemGone) as error:
        sys.exit(f"{error}\n{WANTED}")
    _say("")
    if arguments.plot:
        from against.picture import drawn

        drawn(found, arguments.plot)
        print(f"wrote {arguments.plot}", file=sys.stderr)
    if arguments.json:
        print(json.dumps(found, indent=2))
    else:
        printed(found)


if __name__ == "__main__":
    main()
