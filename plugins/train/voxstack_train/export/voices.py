"""Addons of voices: parallel, and with attention."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from voxstack_train.corpus.sentences import INPUTS, SYMBOLS
from voxstack_train.export.addons import Draft, declared, pretty
from voxstack_train.export.checks import (
    check_stateful,
    check_stateless,
    check_windows,
    measure_context,
)
from voxstack_train.export.graphs import export
from voxstack_train.export.running import (
    Arrays,
    ExportError,
    Program,
    eager,
    farthest,
    hold,
    pad,
    twice,
)
from voxstack_train.export.vocoders import AUDIO, F0_TIMES
from voxstack_train.features.shards import Example
from voxstack_train.training.acoustic import Acoustic, upsample
from voxstack_train.training.attention import Attention

FRONTEND = {"type": "English"}
# The vocoder takes the noise's spectrum, in which uniform noise is as good as normal.
NOISE = {"type": "Noise", "distribution": "uniform"}
# Farther away from the F0 that a speaker was trained on, the decoder's spectra no longer follow.
PITCH_CONTROLS = {
    "pitch": {"min": -2.0, "max": 4.0, "default": 0.0},
    "pitch_range": {"min": 0.0, "max": 2.0, "default": 1.0},
}
RATE_CONTROL = {"rate": {"min": 0.5, "max": 2.0, "default": 1.0}}
ROWS = ("ids", "stress", "word_position", "function_word")
assert ROWS == INPUTS


def text_inputs(example: Example) -> Arrays:
    """What an encoder is given, of a held-out utterance."""
    rows = {name: example.rows[i][None] for i, name in enumerate(INPUTS)}
    return rows | {
        "question": np.array([example.question]),
        "speaker": np.array([example.speaker]),
        "mask": np.ones((1, example.rows.shape[1]), np.float32),
    }


def _stack(frames: Sequence[Mapping[str, Any]], vocoder: str) -> list[Mapping[str, Any]]:
    named = {} if vocoder == "own" else {"network": vocoder}  # its own is found by its role
    return [
        {
            "type": "StreamablePipeline",
            "sequence_block": {"type": "Encoders"},
            "streamable_block": {"type": "StreamableStack", "stack": list(frames)},
        },
        {"type": "Vocoder", **named},
    ]


def _manifest(
    manifest: Mapping[str, Any],
    speakers: Sequence[str],
    controls: Mapping[str, Any],
    stack: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    speaker = {"values": list(speakers), "default": speakers[0]}
    return {
        **manifest,
        "audio": AUDIO,
        "frontend": FRONTEND,
        "symbols": "symbols.json",
        "controls": {"speaker": speaker, **controls},
        "stack": list(stack),
    }


def parallel_draft(
    model: Acoustic,
    speakers: Sequence[str],
    vocoder: str,
    held: Sequence[Example],
    manifest: Mapping[str, Any],
    texts: Mapping[str, str],
) -> Draft:
    """Export a parallel voice, checked on held-out utterances."""
    model.eval()
    encoder, prosody, decoder = model.text_encoder, model.prosody, model.decoder
    texts_in = [text_inputs(example) for example in held]
    frames_in, decoder_in = [], []
    for example, inputs in zip(held, texts_in, strict=True):
        encodings = torch.from_numpy(eager(encoder, inputs)[0])
        durations = torch.from_numpy(example.durations)[None]
        place = [t.numpy() for t in upsample(encodings, durations, example.frames)]
        mask = np.ones((1, example.frames), np.float32)
        named = dict(zip(("encodings", "elapsed", "duration"), place, strict=True))
        frames_in.append(named | {"mask": mask})
        voiced = example.voiced[None].astype(np.float32)
        decoder_in.append(named | {"f0": example.f0[None], "voiced": voiced, "mask": mask})

    graphs = {
        "text_encoder": export(
            encoder,
            twice(texts_in[0], {}),
            {"encodings": "text", "durations": "text", "f0_mean": "text"},
            "text",
        ),
        "prosody": export(
            prosody, twice(frames_in[0], {}), {"f0": "frames", "voicing": "frames"}, "frames"
        ),
        "decoder": export(
            decoder, twice(decoder_in[0], decoder.states()), {"mel": "frames"}, "frames"
        ),
    }
    programs = {name: Program(graph) for name, graph in graphs.items()}
    times = {"encodings": 1, "durations": 1, "f0_mean": 1}
    check_stateless(programs["text_encoder"], encoder, texts_in[1:], times)
    times = {"f0": F0_TIMES, "voicing": 1}
    check_stateless(programs["prosody"], prosody, frames_in[1:], times)
    context = measure_context(programs["prosody"], frames_in[-1])
    check_windows(programs["prosody"], frames_in[-1], context)
    delay = check_stateful(programs["decoder"], decoder.whole, decoder_in[1:], 1)
    networks = {
        "text_encoder": declared("text_encoder", "encoder", graphs["text_encoder"]),
        "prosody": declared("prosody", "prosody", graphs["prosody"], context=context),
        "decoder": declared("decoder", "decoder", graphs["decoder"], delay=delay),
    }
    frames = [{"type": "Upsampler"}, {"type": "Prosody"}, {"type": "Phase"}, NOISE]
    stack = _stack([*frames, {"type": "Decoder"}], vocoder)
    controls = RATE_CONTROL | PITCH_CONTROLS
    whole = _manifest(manifest, speakers, controls, stack)
    return Draft(whole, networks, graphs, {**texts, "symbols.json": pretty(SYMBOLS) + "\n"})


def attention_draft(
    model: Attention,
    speakers: Sequence[str],
    vocoder: str,
    held: Sequence[Example],
    manifest: Mapping[str, Any],
    texts: Mapping[str, str],
) -> Draft:
    """Export a legacy voice, checked on held-out utterances."""
    model.eval()
    encoder, decoder = model.encoder, model.decoder
    texts_in = [text_inputs(example) for example in held]
    outputs = {"encodings": "text", "text_mask": "text", "f0_mean": "text"}
    graphs = {"text_encoder": export(encoder, twice(texts_in[0], {}), outputs, "text")}
    program = Program(graphs["text_encoder"])
    check_stateless(program, encoder, texts_in[1:], dict.fromkeys(outputs, 1))

    constants = [
        dict(zip(("encodings", "text_mask"), eager(encoder, inputs)[:2], strict=True))
        for inputs in texts_in
    ]
    made = dict.fromkeys(("mel", "f0", "voicing", "stop", "place"), "frames")
    graphs["decoder"] = export(decoder, twice(constants[0], decoder.states()), made, "text")
    for inputs in constants[1:]:
        check_steps(Program(graphs["decoder"]), decoder, inputs)
    networks = {
        "text_encoder": declared("text_encoder", "encoder", graphs["text_encoder"]),
        "decoder": declared("decoder", "decoder", graphs["decoder"]),
    }
    frames = [{"type": "AutoregressiveDecoder"}, {"type": "Phase"}, NOISE]
    # No controls: what the model made with its own F0 and pace cannot be bent afterwards.
    whole = _manifest(manifest, speakers, {}, _stack(frames, vocoder))
    return Draft(whole, networks, graphs, {**texts, "symbols.json": pretty(SYMBOLS) + "\n"})


def check_steps(program: Program, decoder: torch.nn.Module, constants: Arrays) -> None:
    """Eager equality of single steps, each from the same state; text padding; batches.

    Free runs are not compared: a step that feeds itself back doubles a difference again and again.
    """
    names = [f"state_{name}" for name in decoder.states()]
    states = [np.zeros((1, *shape), np.float32) for shape in decoder.states().values()]
    for number in range(40):
        given = constants | dict(zip(names, states, strict=True))
        expected = eager(decoder, given)
        found = program(given)
        padded = program(pad(constants, 0, 9) | {n: given[n] for n in names})
        twin = {name: np.concatenate([0 * value, value]) for name, value in given.items()}
        batched = program(twin)
        for name, reference in zip(program.outputs, expected, strict=True):
            times = F0_TIMES if name == "f0" else max(1.0, float(np.abs(reference).max()))
            if not np.isfinite(found[name]).all():
                raise ExportError(f"{name} of step {number} is not finite")
            hold(
                f"{name} of step {number} vs eager", farthest(found[name], reference), 1e-4 * times
            )
            for what, other in (("padded text", padded[name]), ("batch of 2", batched[name][1:])):
                away = farthest(other, found[name])
                hold(f"{name} of step {number}, {what}", away, 1e-5 * times)
        states = [found[f"next_{name}"] for name in names]
