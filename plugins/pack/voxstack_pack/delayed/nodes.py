"""A node as a rule sees it: its tensors, their layouts and the facts about them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NoReturn

import numpy as np
import onnx
from attrs import field, frozen

from voxstack_pack.delayed.errors import DelayedError
from voxstack_pack.delayed.facts import Fact
from voxstack_pack.delayed.layouts import Layout
from voxstack_pack.delayed.prepare import attributes


@frozen(eq=False)
class NodeView:
    """A node with the layouts and facts of its inputs and outputs."""

    node: onnx.NodeProto
    layouts: Mapping[str, Layout]
    facts: Mapping[str, Fact]  # of the tensors with a time axis
    constants: Mapping[str, np.ndarray]
    options: Mapping[str, object] = field(init=False)

    @options.default
    def _options(self) -> Mapping[str, object]:
        return attributes(self.node)

    @property
    def framed(self) -> list[str]:
        """The inputs that have a time axis."""
        return [name for name in self.node.input if name in self.facts]

    @property
    def fact(self) -> Fact:
        """The facts about the first input."""
        return self.facts[self.node.input[0]]

    @property
    def layout(self) -> Layout:
        """The layout of the first input."""
        return self.layouts[self.node.input[0]]

    @property
    def output(self) -> Layout:
        """The layout of the first output."""
        return self.layouts[self.node.output[0]]

    def constant(self, index: int, what: str) -> np.ndarray | None:
        """Return the value of an optional input that must be a constant."""
        name = self.node.input[index] if index < len(self.node.input) else ""
        if name and name not in self.constants:
            self.refuse(f"its {what} are computed", "Export with constants", name)
        return self.constants[name] if name else None

    def only_first(self) -> None:
        """Refuse a time axis in any input but the first."""
        for name in self.framed:
            if name != self.node.input[0]:
                self.refuse(
                    "only the first input of this operator may have a time axis",
                    "Keep the network to convolutions and per-frame operators",
                    name,
                )

    def refuse(self, reason: str, advice: str, tensor: str | None = None) -> NoReturn:
        """Refuse this node."""
        raise DelayedError(reason, advice, self.node, tensor or (self.framed or [None])[0])

    def mixes(self, how: str) -> NoReturn:
        """Refuse a node that reads all frames at once."""
        self.refuse(
            f"{how}, so a frame of its output needs the whole utterance",
            "Keep this network whole or on windows, or replace the operator with a convolution "
            "or with one over channels",
        )
