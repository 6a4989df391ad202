"""Export voices to addons: parallel, and with attention."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from voxstack_pack import Draft, Spec, pack_module
from voxstack_pack.addons import pretty
from voxstack_pack.running import eager

from voxstack_train.corpus.sentences import INPUTS, SYMBOLS
from voxstack_train.export.vocoders import AUDIO, ONNX, Arrays, drafted, stateful
from voxstack_train.features.shards import Example
from voxstack_train.training.acoustic import Acoustic, upsample
from voxstack_train.training.attention import Attention

FRONTEND = {"type": "English"}
# The vocoder uses the noise's spectrum, for which uniform noise is as good as normal.
NOISE = {"type": "Noise", "distribution": "uniform"}
# Too far from the F0 that a speaker was trained on, the decoder's spectra do not follow.
PITCH_CONTROLS = {
    "pitch": {"min": -2.0, "max": 4.0, "default": 0.0},
    "pitch_range": {"min": 0.0, "max": 2.0, "default": 1.0},
}
RATE_CONTROL = {"rate": {"min": 0.5, "max": 2.0, "default": 1.0}}
ROWS = ("ids", "stress", "word_position", "function_word")
assert ROWS == INPUTS


def text_inputs(example: Example) -> Arrays:
    """Return the inputs of an encoder, from a held-out utterance."""
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
    formats: tuple[str, ...] = ONNX,
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

    outputs = {"encodings": "text", "durations": "text", "f0_mean": "text"}
    spec = Spec("text_encoder", "encoder", "text", outputs=outputs, formats=formats)
    packed = [
        pack_module(spec, encoder, texts_in),
        pack_module(
            Spec(
                "prosody",
                "prosody",
                form="windows",
                outputs={"f0": "frames", "voicing": "frames"},
                formats=formats,
            ),
            prosody,
            frames_in,
        ),
        pack_module(
            Spec("decoder", "decoder", outputs={"mel": "frames"}, formats=formats),
            decoder,
            stateful(decoder_in, decoder),
            decoder.whole,
        ),
    ]
    frames = [{"type": "Upsampler"}, {"type": "Prosody"}, {"type": "Phase"}, NOISE]
    stack = _stack([*frames, {"type": "Decoder"}], vocoder)
    controls = RATE_CONTROL | PITCH_CONTROLS
    whole = _manifest(manifest, speakers, controls, stack)
    return drafted(whole, packed, {**texts, "symbols.json": pretty(SYMBOLS) + "\n"})


def attention_draft(
    model: Attention,
    speakers: Sequence[str],
    vocoder: str,
    held: Sequence[Example],
    manifest: Mapping[str, Any],
    texts: Mapping[str, str],
    formats: tuple[str, ...] = ONNX,
) -> Draft:
    """Export a legacy voice, checked on held-out utterances."""
    model.eval()
    encoder, decoder = model.encoder, model.decoder
    texts_in = [text_inputs(example) for example in held]
    outputs = {"encodings": "text", "text_mask": "text", "f0_mean": "text"}
    spec = Spec("text_encoder", "encoder", "text", outputs=outputs, formats=formats)
    packed = [pack_module(spec, encoder, texts_in)]
    constants = [
        dict(zip(("encodings", "text_mask"), eager(encoder, inputs)[:2], strict=True))
        for inputs in texts_in
    ]
    made = dict.fromkeys(("mel", "f0", "voicing", "stop", "place"), "frames")
    over_text = {"encodings": "text", "text_mask": "text"}
    spec = Spec("decoder", "decoder", outputs=made, inputs=over_text, formats=formats)
    packed.append(pack_module(spec, decoder, stateful(constants, decoder)))
    frames = [{"type": "AutoregressiveDecoder"}, {"type": "Phase"}, NOISE]
    # No controls: F0 and pace are part of the model's output and cannot be changed afterwards.
    whole = _manifest(manifest, speakers, {}, _stack(frames, vocoder))
    return drafted(whole, packed, {**texts, "symbols.json": pretty(SYMBOLS) + "\n"})
