"""Trained weights of the prototype into the modules of this folder."""

from __future__ import annotations

import models
import torch
from common import SPEAKERS, SYMBOLS, ExportError
from torch import Tensor, nn


def load(module: nn.Module, weights: dict[str, Tensor]) -> None:
    """Fill a module; every parameter must be given, and nothing else. Buffers are its own."""
    names = {name for name, _ in module.named_parameters()}
    if names != weights.keys():
        raise ExportError(f"weights do not fit: {sorted(names ^ weights.keys())}")
    module.load_state_dict(weights, strict=False)
    module.eval()


def block(trained: dict[str, Tensor], theirs: str, ours: str) -> dict[str, Tensor]:
    """One ConvNeXt block, its layer scale folded into the last layer."""
    part = {key: trained[f"{theirs}.{key}"] for key in ("g", "dw.bias", "n.weight", "n.bias")}
    scale = part["g"]
    return {
        f"{ours}.depthwise.weight": trained[f"{theirs}.dw.weight"].transpose(2, 3),
        f"{ours}.depthwise.bias": part["dw.bias"],
        f"{ours}.norm.weight": part["n.weight"],
        f"{ours}.norm.bias": part["n.bias"],
        f"{ours}.expand.weight": trained[f"{theirs}.a.weight"],
        f"{ours}.expand.bias": trained[f"{theirs}.a.bias"],
        f"{ours}.contract.weight": trained[f"{theirs}.b.weight"] * scale[:, None],
        f"{ours}.contract.bias": trained[f"{theirs}.b.bias"] * scale,
    }


def layer(trained: dict[str, Tensor], theirs: str, ours: str) -> dict[str, Tensor]:
    return {f"{ours}.{kind}": trained[f"{theirs}.{kind}"] for kind in ("weight", "bias")}


def load_text_encoder(trained: dict[str, Tensor]) -> models.TextEncoder:
    weights = {
        "symbol.weight": trained["ph.weight"][: len(SYMBOLS["phone"])],
        "stress.weight": trained["st.weight"],
        "word_position.weight": trained["wp.weight"],
        "function_word.weight": trained["fn.weight"],
        "question.weight": trained["q.weight"],
        "speaker.weight": trained["spk.weight"][list(SPEAKERS.values())],
        **layer(trained, "en", "norm"),
        **layer(trained, "duro", "duration"),
    }
    for i in range(4):
        weights |= block(trained, f"enc.{i}", f"blocks.{i}")
    for i in range(2):
        weights |= block(trained, f"durb.{i}", f"duration_blocks.{i}")
    module = models.TextEncoder(len(SYMBOLS["phone"]), len(SPEAKERS))
    load(module, weights)
    return module


def load_prosody(trained: dict[str, Tensor]) -> models.Prosody:
    weights = layer(trained, "up", "enter") | layer(trained, "pzn", "norm")
    weights |= layer(trained, "pzo", "leave")
    weights["enter.weight"] = weights["enter.weight"].unsqueeze(-1)
    for i in range(3):
        weights |= block(trained, f"pzb.{i}", f"blocks.{i}")
    module = models.Prosody()
    load(module, weights)
    return module


def load_decoder(trained: dict[str, Tensor]) -> models.Decoder:
    weights = layer(trained, "di", "enter") | layer(trained, "dn", "norm")
    weights["enter.weight"] = weights["enter.weight"].unsqueeze(-1)
    weights["leave.weight"] = trained["do.weight"] * models.MEL_SCALE
    weights["leave.bias"] = trained["do.bias"] * models.MEL_SCALE + models.MEL_MEAN
    for i in range(6):
        weights |= block(trained, f"dec.{i}", f"blocks.{i}")
    module = models.Decoder()
    load(module, weights)
    return module


def load_vocoder(trained: dict[str, Tensor]) -> models.Vocoder:
    # Trained: magnitudes, noise magnitudes and phases, each with the bins ascending. Ours: even
    # bins, then odd bins and one of zeros, each with those three.
    def rows(tensor: Tensor) -> Tensor:
        kinds = tensor.unflatten(0, (3, -1))
        even, odd = kinds[:, ::2], kinds[:, 1::2]
        odd = torch.cat([odd, torch.zeros_like(even[:, :1])], 1)
        return torch.stack([even, odd]).flatten(0, 2)

    weights = layer(trained, "i", "enter") | layer(trained, "n0", "enter_norm")
    weights |= layer(trained, "n1", "norm")
    weights["enter.weight"] = weights["enter.weight"].unsqueeze(2)
    weights["leave.weight"] = rows(trained["o.weight"])
    weights["leave.bias"] = rows(trained["o.bias"])
    for i in range(6):
        weights |= block(trained, f"bl.{i}", f"blocks.{i}")
    module = models.Vocoder()
    load(module, weights)
    return module
