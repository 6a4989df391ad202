"""Addons of vocoders: the one that is given F0, and the one that reads it off the mel spectrum."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from voxstack_train.export.addons import Draft, declared
from voxstack_train.export.checks import (
    check_stateful,
    check_stateless,
    check_windows,
    measure_context,
)
from voxstack_train.export.graphs import export
from voxstack_train.export.running import Arrays, Program, twice
from voxstack_train.features.shards import Example
from voxstack_train.features.spectrum import HOP, SAMPLE_RATE
from voxstack_train.networks.pitch import MelPitch
from voxstack_train.networks.vocoder import Vocoder
from voxstack_train.training.vocoder import phases

AUDIO = {"sample_rate": SAMPLE_RATE, "hop": HOP}
F0_TIMES = 100  # F0 is in Hz: its bounds are so many times as wide


def spectrum_inputs(example: Example) -> Arrays:
    """What reads a mel spectrum."""
    mel = example.mel[None].astype(np.float32)
    return {"mel": mel, "mask": np.ones((1, example.frames), np.float32)}


def vocoder_inputs(example: Example, seed: int) -> Arrays:
    """What a vocoder is given, of a held-out utterance."""
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
) -> Draft:
    """Export a vocoder, checked on held-out utterances: the first is traced, the others unseen."""
    traced, *unseen = (vocoder_inputs(example, seed) for seed, example in enumerate(held))
    graph = export(vocoder.eval(), twice(traced, vocoder.states()), {"audio": "samples"}, "frames")
    delay = check_stateful(Program(graph), vocoder.whole, unseen, HOP)
    graphs = {"vocoder": graph}
    networks = {"vocoder": declared("vocoder", "vocoder", graph, delay=delay, frame_ratio=HOP)}
    if pitch is not None:
        traced, *unseen = map(spectrum_inputs, held)
        outputs = {"f0": "frames", "voicing": "frames"}
        graphs["pitch"] = export(pitch.eval(), twice(traced, {}), outputs, "frames")
        program = Program(graphs["pitch"])
        check_stateless(program, pitch, unseen, {"f0": F0_TIMES, "voicing": 1})
        context = measure_context(program, unseen[-1])
        check_windows(program, unseen[-1], context)
        networks["pitch"] = declared("pitch", "prosody", graphs["pitch"], context=context)
    return Draft({**manifest, "audio": AUDIO}, networks, graphs, texts)
