"""The measurements of one run of ``voxstack say``."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import voxstack

if TYPE_CHECKING:
    from voxstack.running import Voice
    from voxstack.utterance import UtteranceReport


def measurements(voice: Voice, report: UtteranceReport) -> dict[str, Any]:
    """Return the measurements of one utterance of a voice."""
    first, total, audio = report.first_audio_s, report.total_s, report.audio_s
    executors = sorted({type(program.executor).__name__ for program in voice.programs})
    return {
        "audio_s": round(audio, 4),
        "ttfa_ms": None if first is None else round(first * 1e3, 2),
        "rtf": round(total / audio, 5) if audio else None,
        "chunks": report.chunks,
        "voice": report.voice,
        "executor": executors[0] if len(executors) == 1 else executors,
        "sample_rate": voice.sample_rate,
        "peak_rss_mb": _peak_rss_mb(),
        "networks": {name: _network(timing) for name, timing in report.networks.items()},
        "version": voxstack.__version__,
    }


def guards_of(marks: Iterable[Any], sample_rate: int) -> list[dict[str, Any]]:
    """Return the marks where a block ended speech that did not end by itself."""
    return [
        {"reason": mark.value, "at_s": round(mark.start / sample_rate, 3), "span": mark.span}
        for mark in marks
        if mark.kind == "guard"
    ]


def _network(timing: Mapping[str, Any]) -> dict[str, Any]:
    """Return the calls of a network, with the share that was computed only for fixed shapes."""
    figures = {"calls": timing["calls"], "ms": round(timing["seconds"] * 1e3, 2)}
    if timing["computed"]:
        figures["padding_waste"] = round(1 - timing["used"] / timing["computed"], 3)
    return figures


def _peak_rss_mb() -> float | None:
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (1 << 20 if sys.platform == "darwin" else 1 << 10), 1)
