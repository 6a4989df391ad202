"""The stage that writes the addons."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import evolve

from voxstack_train.stages.learning import (
    examples_of,
    trained_acoustic,
    trained_attention,
    trained_mel_vocoder,
    trained_vocoder,
)
from voxstack_train.work import Work

if TYPE_CHECKING:
    import torch

    from voxstack_train.features.shards import Example
    from voxstack_train.recipe import AddonRecipe
    from voxstack_train.training.examples import Examples

CHECKED = (60, 150, 400)  # approximate frames of the utterances on which exports are checked


def export(work: Work) -> None:
    """Write the addons."""
    from voxstack_pack import ExportError, write

    for addon in work.recipe.export:
        with work.console.status(f"export: {addon.name}"):
            draft = _draft(work, addon)
        folder = addon_folder(work, addon)
        size = write(draft, folder)
        if size > addon.largest:
            raise ExportError(f"{folder}: {size:,} bytes, more than the limit of {addon.largest:,}")
        work.say(f"export: {addon.name}: {size / 1e6:.1f} MB in {addon.folder}")


def _draft(work: Work, addon: AddonRecipe) -> Any:
    from voxstack_pack.runtimes import recorded
    from voxstack_pack.sizes import shares

    from voxstack_train.export.vocoders import vocoder_draft
    from voxstack_train.export.voices import attention_draft, parallel_draft

    examples = examples_of(work)
    held = checked(examples)
    manifest = {
        "format": 1,
        "name": addon.name,
        "version": addon.version,
        "language": addon.language,
        "license": addon.license,
        **({"author": addon.author} if addon.author else {}),
        **({"datasets": list(addon.datasets)} if addon.datasets else {}),
        "description": addon.description,
        "card": "CARD.md",
        **recorded(addon.formats),
    }
    folder = addon_folder(work, addon)
    texts = {name: _text(folder / name) for name in ("CARD.md", "LICENSE")}
    if addon.kind in ("vocoder", "mel_vocoder"):
        pitch, model = (
            (None, trained_vocoder(work)) if addon.kind == "vocoder" else trained_mel_vocoder(work)
        )
        return vocoder_draft(model, pitch, held, manifest, texts, addon.formats)
    manifest["sample"] = "Hello, world."
    manifest["sizes"] = {"text": shares([e.rows.shape[1] for e in examples.train])}
    means = f0_means(examples)
    args = (work.recipe.speakers, addon.vocoder, held, manifest, texts, addon.formats)
    if addon.kind == "parallel":
        voice = trained_acoustic(work)
        voice.text_encoder.f0_means.copy_(means)
        draft = parallel_draft(voice, *args)
    else:
        voice = trained_attention(work)
        voice.encoder.f0_means.copy_(means)
        draft = attention_draft(voice, *args)
    if addon.vocoder != "own":
        return draft
    own = vocoder_draft(trained_vocoder(work), None, held, {}, {}, addon.formats)
    joined = {
        name: {**getattr(draft, name), **getattr(own, name)}
        for name in ("networks", "graphs", "others")
    }
    return evolve(draft, **joined)


def addon_folder(work: Work, addon: AddonRecipe) -> Path:
    """Return the folder of an addon."""
    prefix, colon, below = addon.folder.partition("work:")
    if colon and not prefix:
        return work.folder / below
    return (work.source.parent / addon.folder).resolve()


def _text(path: Path) -> str:
    if path.exists():
        return path.read_text("utf-8")
    return f"# {path.parent.name}\n\n## Measured\n\n<!-- evaluation -->\n"


def checked(examples: Examples) -> list[Example]:
    """Choose held-out utterances of different lengths on which to check exports."""
    held = sorted(examples.held, key=lambda e: e.frames)
    return [min(held, key=lambda e: abs(e.frames - frames)) for frames in CHECKED]


def f0_means(examples: Examples) -> torch.Tensor:
    """Return the mean F0 of each speaker in Hz: the mean logarithm over voiced frames."""
    import torch

    means = []
    for place in range(len(examples.speakers)):
        logs = [np.log(e.f0[e.voiced > 0]) for e in examples.held if e.speaker == place]
        joined = np.concatenate([*logs, np.zeros(0)])
        means.append(math.exp(float(joined.mean())) if len(joined) else 150.0)
    return torch.tensor(means)
