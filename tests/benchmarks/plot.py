"""Draw the results of ``voxstack bench --json``, each figure against its bound.

python tests/benchmarks/plot.py bench.json -o bench.png
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("results", type=Path, nargs="+", help="outputs of voxstack bench --json")
    parser.add_argument("-o", "--output", type=Path, default=Path("bench.png"))
    arguments = parser.parse_args()
    runs = [json.loads(path.read_text()) for path in arguments.results]
    bounds = runs[0]["bounds"]
    figure, axis = plt.subplots(figsize=(9, 0.5 * len(bounds) + 1.2))
    for row, (name, bound) in enumerate(bounds.items()):
        shares = [run[name] / bound for run in runs if run.get(name) is not None]
        held = all(share <= 1 for share in shares)
        for share in shares:
            axis.barh(row, share, color="tab:green" if held else "tab:red", alpha=0.6)
        text = ", ".join(f"{run[name]:.3g}" for run in runs if run.get(name) is not None)
        axis.text(0.02, row, f"{text} (bound {bound:g})", va="center", fontsize=9)
    axis.axvline(1.0, color="black", linewidth=1)
    axis.set_yticks(range(len(bounds)), list(bounds))
    axis.invert_yaxis()
    axis.set_xlabel("share of the bound (1 = exactly at the bound)")
    figure.tight_layout()
    figure.savefig(arguments.output, dpi=100)
    print(f"wrote {arguments.output}")


if __name__ == "__main__":
    main()
