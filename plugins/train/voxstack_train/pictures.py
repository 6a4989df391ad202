"""Draw pictures of what a network learned."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np


def _figure(rows: int, height: float = 2.0) -> tuple[Any, list[Any]]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, height * rows + 0.5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(rows, 1, squeeze=False)[:, 0]
    return figure, list(axes)


def _save(figure: Any, path: Path) -> None:
    partial = path.with_name(path.name + ".part")
    figure.savefig(partial, dpi=80, format="png")
    partial.replace(path)


def _array(values: Any) -> np.ndarray:
    """Return an array, or a tensor on any device, as float32."""
    return np.asarray(values.cpu() if hasattr(values, "cpu") else values, np.float32)


def compare_mels(path: Path, mels: Mapping[str, Any]) -> None:
    """Draw log-mel spectra [MELS, frames] one above the other, on one scale."""
    figure, axes = _figure(len(mels))
    for axis, (name, mel) in zip(axes, mels.items(), strict=True):
        axis.imshow(
            _array(mel),
            origin="lower",
            aspect="auto",
            vmin=-9,
            vmax=2,
            cmap="magma",
        )
        axis.set_title(name, fontsize=9)
        axis.set_ylabel("mel band")
    axes[-1].set_xlabel("frame")
    _save(figure, path)


def alignment(path: Path, attention: Any, truth: Any) -> None:
    """Draw attention [steps, symbols], and the true position [steps] as a line."""
    figure, (axis,) = _figure(1, 4)
    image = _array(attention).T
    axis.imshow(image, origin="lower", aspect="auto", extent=(0, image.shape[1], 0, len(image)))
    axis.plot(_array(truth), color="white", linewidth=0.8, label="teacher")
    axis.set_xlabel("step")
    axis.set_ylabel("symbol")
    axis.legend(fontsize=8)
    _save(figure, path)


def losses(path: Path, log: Path) -> None:
    """Draw the losses of a log, for training and held-out data."""
    entries = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
    if not entries:
        return
    names: Sequence[str] = list(dict.fromkeys([*entries[-1]["train"], *entries[-1]["held"]]))
    figure, axes = _figure(len(names), 1.4)
    for axis, name in zip(axes, names, strict=True):
        for kind in ("train", "held"):
            points = [(e["step"], e[kind][name]) for e in entries if name in e[kind]]
            if points:
                axis.plot(*zip(*points, strict=True), label=kind, marker=".")
        axis.set_ylabel(name, fontsize=8)
        axis.set_yscale("log" if all(v > 0 for _, v in points) else "linear")
    axes[0].legend(fontsize=8)
    axes[-1].set_xlabel("step")
    _save(figure, path)
