"""A toy encoder in numpy, for blocks that run encoders, without a voice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, final

import attrs
import numpy as np
from voxstack import Network, Program, Tensors, TensorSpec
from voxstack.inspection import ROLE

ENCODER = "encoder"  # the role
_TEXT = ("batch", "text")


@final
class ToyEncoder(Program):
    """Turns symbols into encodings and durations, as the encoders of most voices do."""

    def __init__(self) -> None:
        inputs = {"ids": TensorSpec("int64", _TEXT), "mask": TensorSpec("float32", _TEXT)}
        outputs = {
            "encodings": TensorSpec("float32", ("batch", 4, "text")),
            "durations": TensorSpec("float32", _TEXT),
        }
        self.network = Network("toy_encoder", ENCODER, inputs, outputs, {})

    def __call__(self, inputs: Mapping[str, Any]) -> Tensors:
        """Return a sine per channel, and two to four frames per symbol."""
        ids = np.asarray(inputs["ids"])
        channels = np.arange(1, 5, dtype=np.float32)[:, None]
        encodings = np.sin(channels * ids[:, None]).astype(np.float32)
        return Tensors({"encodings": encodings, "durations": (2 + ids % 3).astype(np.float32)})


def sentence() -> Tensors:
    """Return what the toy encoder reads, and what every block gets."""
    given = {"ids": np.arange(1, 13)[None], "seed": np.array([0]), "sentence": np.array([0])}
    return Tensors(given)


def encoders_of(cls: Any) -> dict[str, Any]:
    """Return the toy encoder for each option of a class; {} if one takes anything else."""
    options: dict[str, Any] = {}
    for option in attrs.fields(attrs.resolve_types(cls)):
        role = option.metadata.get(ROLE)
        if role is not None and (role != ENCODER or option.type is Network):
            return {}
        if role == ENCODER:
            one = option.type is Program or option.type == Program | None
            options[option.alias or option.name] = ToyEncoder() if one else (ToyEncoder(),)
    return options
