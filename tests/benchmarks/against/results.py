"""Turn measurements into rows, ratios and goals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from against.listening import Heard
from against.measuring import Key, Together, median, percentile

STREAMED, WHOLE = "voxstack", "voxstack synthesize()"
MEL_STREAMED, MEL_WHOLE = "voxstack mel-only", "voxstack mel-only synthesize()"
# What is compared with each peer: our voice streamed and whole, with the same weights.
PEERS = {
    "sherpa-onnx": (STREAMED, WHOLE),
    "Piper": (STREAMED, WHOLE),
    "sherpa-onnx Matcha": (MEL_STREAMED, MEL_WHOLE),
}
GOALS = {"ttfa": 0.2, "rtf_whole": 1.0, "rtf_streamed": 1.1}
GOAL_KEY: Key = ("sentence", 10)

Row = dict[str, Any]


def warm_rows(heard: Mapping[tuple[str, Key], Sequence[Heard]]) -> list[Row]:
    """Return a row per system and job."""
    return [
        {
            "system": name,
            "text": kind,
            "seconds": seconds,
            "speech_s": round(rounds[0].speech, 3),
            "ttfa_ms": round(1e3 * median(one.first for one in rounds), 2),
            "rtf": round(median(one.whole / one.speech for one in rounds), 5),
            "underruns": sum(one.underruns for one in rounds),
            "rounds": len(rounds),
        }
        for (name, (kind, seconds)), rounds in heard.items()
    ]


def cold_rows(measured: Mapping[tuple[str, int], Sequence[tuple[float, float]]]) -> list[Row]:
    """Return a row per system and length of a sentence."""
    return [
        {
            "system": name,
            "seconds": seconds,
            "cold_start_ms": round(1e3 * median(time for time, _ in rounds), 1),
            "peak_rss_mb": round(median(peak for _, peak in rounds), 1),
            "rounds": len(rounds),
        }
        for (name, seconds), rounds in measured.items()
    ]


def stream_rows(measured: Mapping[tuple[str, int], Sequence[Together]], read: str) -> list[Row]:
    """Return a row per system and number of streams; ``read`` describes how they were read."""
    rows = []
    for (name, streams), rounds in measured.items():
        heard = [one for together in rounds for one in together.heard]
        rows.append(
            {
                "system": name,
                "streams": streams,
                "read": read,
                "audio_s_per_s": round(median(one.throughput for one in rounds), 1),
                "ttfa_p50_ms": round(1e3 * percentile((one.first for one in heard), 50), 1),
                "ttfa_p95_ms": round(1e3 * percentile((one.first for one in heard), 95), 1),
                "underruns": sum(one.underruns for one in heard),
                "silence_p95_ms": round(1e3 * percentile((one.silence for one in heard), 95), 1),
                "silence_mean_ms": round(1e3 * sum(one.silence for one in heard) / len(heard), 1),
                "rounds": len(rounds),
            }
        )
    return rows


def ratios(heard: Mapping[tuple[str, Key], Sequence[Heard]]) -> list[Row]:
    """Return our times by theirs: the median over rounds in which they took turns."""
    rows = []
    for (name, key), theirs in heard.items():
        if name not in PEERS:
            continue
        streamed, whole = (heard[system, key] for system in PEERS[name])

        def ratio(ours: Sequence[Heard], what: str, theirs: Sequence[Heard] = theirs) -> float:
            both = zip(ours, theirs, strict=True)
            return round(median(getattr(a, what) / getattr(b, what) for a, b in both), 4)

        rows.append(
            {
                "peer": name,
                "text": key[0],
                "seconds": key[1],
                "ttfa": ratio(streamed, "first"),
                "rtf_whole": ratio(whole, "whole"),
                "rtf_streamed": ratio(streamed, "whole"),
            }
        )
    return rows


def goals(rows: Sequence[Row]) -> list[Row]:
    """Return the goals with the measurements on a sentence of 10 s."""
    return [
        {"goal": name, "peer": row["peer"], "ratio": row[name], "bound": bound,
         "held": row[name] <= bound}
        for row in rows
        if (row["text"], row["seconds"]) == GOAL_KEY
        for name, bound in GOALS.items()
    ]  # fmt: skip
