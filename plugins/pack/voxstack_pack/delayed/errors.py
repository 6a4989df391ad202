"""The error of the conversion."""

from __future__ import annotations

import onnx
from voxstack import VoxstackError


class DelayedError(VoxstackError):
    """A graph cannot be stepped over frames; `node` and `tensor` are the place."""

    exit_code = 2

    def __init__(
        self,
        reason: str,
        advice: str,
        node: onnx.NodeProto | None = None,
        tensor: str | None = None,
    ) -> None:
        place = f"node {node.name or node.output[0]!r} ({node.op_type})" if node else ""
        where = ", ".join(filter(None, (place, f"tensor {tensor!r}" if tensor else "")))
        super().__init__(f"{where}: {reason}. {advice}" if where else f"{reason}. {advice}")
        self.reason, self.advice, self.node, self.tensor = reason, advice, node, tensor
