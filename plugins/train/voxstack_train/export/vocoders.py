"""Export vocoders to addons: the one with F0 as input, and the one with the mel spectrum only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from voxstack_pack import Draft, Packed, Spec, pack_module

from voxstack_train.features.shards import Example
from voxstack_train.features.spectrum import HOP, SAMPLE_RATE
from voxstack_train.networks.pitch import MelPitch
from voxstack_train.networks.vocoder import Vocoder
from voxstack_train.training.vocoder import phases

ONNX = ("onnx",)
AUDIO = {"sample_rate": SAMPLE_RATE, "hop": HOP}

Arrays = dict[str, np.ndarray]


def spectrum_inputs(example: Example) -> Arrays:
    """Return the inputs of a network that reads a mel spectrum."""
    mel = example.mel[None].astype(np.float32)
    return {"mel": mel, "mask": np.ones((1, example.frames), np.float32)}


def vocoder_inputs(example: Example, seed: int) -> Arrays:
    """Return the inputs of a vocoder, from a held-out utterance."""
    f0 = torch.from_numpy(example.f0)[None]
    noise = np.random.default_rng(seed).standard_normal((1, HOP, example.frames))
    spectrum = spectrum_inputs(example)
    return {
        "mel": spectrum["mel"],
        "f0": f0.numpy(),
        "voiced": example.voiced[None].astype(np.float32),
        "phase": phases(f0, torch.zeros(1, 1)).numpy(),
        "noise": noise.astype(np.float32),
        "mask": spectrum["mask"],
    }


def vocoder_draft(
    vocoder: Vocoder,
    pitch: MelPitch | None,
    held: Sequence[Example],
    manifest: Mapping[str, Any],
    texts: Mapping[str, str],
    formats: tuple[str, ...] = ONNX,
) -> Draft:
    """Export a vocoder, checked on held-out utterances: the first is traced, the others are new."""
    inputs = [vocoder_inputs(example, seed) for seed, example in enumerate(held)]
    outputs = {"audio": "samples"}
    spec = Spec("vocoder", "vocoder", outputs=outputs, frame_ratio=HOP, formats=formats)
    packed = [pack_module(spec, vocoder.eval(), stateful(inputs, vocoder), vocoder.whole)]
    if pitch is not None:
        outputs = {"f0": "frames", "voicing": "frames"}
        spec = Spec("pitch", "prosody", form="windows", outputs=outputs, formats=formats)
        packed.append(pack_module(spec, pitch.eval(), list(map(spectrum_inputs, held))))
    return drafted({**manifest, "audio": AUDIO}, packed, texts)


def stateful(inputs: Iterable[Arrays], module: Any) -> list[Arrays]:
    """Add a module's initial states to its inputs."""
    zeros = {f"state_{n}": np.zeros((1, *s), np.float32) for n, s in module.states().items()}
    return [one | zeros for one in inputs]


def drafted(
    manifest: Mapping[str, Any], packed: Sequence[Packed], texts: Mapping[str, str]
) -> Draft:
    """Combine packed networks to an addon."""
    entries = {one.name: one.entry for one in packed}
    others = {p: data for one in packed for p, data in one.files.items() if p[-5:] != ".onnx"}
    return Draft(manifest, entries, {one.name: one.graph for one in packed}, texts, others)
