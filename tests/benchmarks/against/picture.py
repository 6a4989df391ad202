"""Draw the results: time to first audio by length, and real-time factors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from against.results import MEL_STREAMED, MEL_WHOLE, STREAMED, WHOLE

COLORS = {
    STREAMED: "tab:green",
    WHOLE: "tab:olive",
    MEL_STREAMED: "tab:green",
    MEL_WHOLE: "tab:olive",
    "sherpa-onnx": "tab:blue",
    "sherpa-onnx Matcha": "tab:blue",
    "Piper": "tab:orange",
}
BARS_OF = ("sentence", 10)


def drawn(results: dict[str, Any], file: Path) -> None:
    """Draw to ``file``."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), width_ratios=(3, 2))
    rows = results["warm"]
    names = [name for name in dict.fromkeys(row["system"] for row in rows) if "mel" not in name]
    names = [name for name in names if "Matcha" not in name]
    for name in names:
        line = [row for row in rows if row["system"] == name and row["text"] == "sentence"]
        left.loglog(
            [row["speech_s"] for row in line],
            [row["ttfa_ms"] for row in line],
            marker="o",
            label=name,
            color=COLORS[name],
        )
    left.set_xticks([1, 3, 10, 30], ["1", "3", "10", "30"])
    left.set_yticks([10, 30, 100, 300], ["10", "30", "100", "300"])
    left.minorticks_off()
    left.set_xlabel("speech in one sentence, s")
    left.set_ylabel("time to first audio, ms")
    left.grid(alpha=0.3)
    left.legend(fontsize=8, frameon=False)
    bars = {r["system"]: r["rtf"] for r in rows if (r["text"], r["seconds"]) == BARS_OF}
    for place, name in enumerate(names):
        right.barh(place, bars[name], color=COLORS[name], alpha=0.6)
        right.text(0, place, f" {name}: {bars[name]:.4f}", va="center", fontsize=9)
    right.set_yticks([])
    right.locator_params(axis="x", nbins=4)
    right.invert_yaxis()
    right.set_xlabel(f"real-time factor, {BARS_OF[1]} s of speech, 1 thread")
    figure.tight_layout()
    figure.savefig(file, dpi=100)
