"""The suite of AutoregressiveDecoder for `voxstack conformance`, as few voices have one.

The other blocks are examined in any voice that is installed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, final

import numpy as np
import pytest
from voxstack import Network, Program, Tensors, TensorSpec
from voxstack_kit.testing import StreamableBlockSuite

from .autoregressive import AutoregressiveDecoder

SYMBOLS, STEPS = 12, 30


def _spec(*shape: int | str) -> TensorSpec:
    return TensorSpec("float32", ("batch", *shape))


@final
class Reader(Program):
    """Attends to one symbol after the other, feeds its last frame back, and ends."""

    network = Network(
        "reader",
        "decoder",
        inputs={
            "encodings": _spec(4, "text"),
            "text_mask": _spec("text"),
            "fed": _spec(3),
            "step": _spec(1),
        },
        outputs={
            "mel": _spec(3, 2),
            "stop": _spec(1),
            "place": _spec(1),
            "last": _spec(3),
            "next": _spec(1),
        },
        files={},
        state={"fed": "last", "step": "next"},
    )

    def __call__(self, inputs: Mapping[str, Any]) -> Tensors:
        """Return two frames."""
        step, count = inputs["step"], inputs["text_mask"].sum(-1, keepdims=True)
        place = step * count / STEPS
        at = int(min(place[0, 0], count[0, 0] - 1))
        mel = np.tanh(inputs["encodings"][:, :3, at] + 0.5 * inputs["fed"])
        return Tensors(
            {
                "mel": np.stack([mel, -mel], axis=-1),
                "stop": np.where(step + 1 >= STEPS, 1, -1).astype(np.float32),
                "place": place.astype(np.float32),
                "last": mel,
                "next": step + 1,
            }
        )


class TestAutoregressiveDecoder(StreamableBlockSuite):
    """It begins a row, and continues until its network ends."""

    @pytest.fixture
    def block(self) -> AutoregressiveDecoder:
        """Return it with a network in numpy."""
        return AutoregressiveDecoder(network=Reader())

    @pytest.fixture
    def frames(self) -> None:
        """Return nothing: it reads no stream."""

    @pytest.fixture
    def sequence(self) -> Tensors:
        """Return what an encoder makes of a sentence."""
        encodings = np.sin(np.arange(4 * SYMBOLS, dtype=np.float32)).reshape(1, 4, SYMBOLS)
        given = {"encodings": encodings, "text_mask": np.ones((1, SYMBOLS), np.float32)}
        return Tensors({**given, "seed": np.array([0]), "sentence": np.array([0])})
