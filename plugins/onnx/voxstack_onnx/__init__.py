"""The network format ONNX."""

from __future__ import annotations

from collections.abc import Mapping

from voxstack import Description, Format, FormatError

from voxstack_onnx.assembling import PARAMETER, assembled
from voxstack_onnx.describing import described
from voxstack_onnx.magic import mistaken

__all__ = ["PARAMETER", "Onnx"]


class Onnx(Format):
    """ONNX models, read without a runtime and without the package onnx.

    Refused are models that keep parameters in another file, wherever in the model they do
    (runtimes would read bytes that no hash of the addon covers), models that hold code compiled
    for one device (EPContext), and those that are nested too deeply or have too many fields.
    """

    name = "onnx"
    kind = "model"

    def describe(self, data: bytes) -> Description:
        """Return what a model contains; FormatError for bytes that are unsafe or not a model."""
        if other := mistaken(data):
            raise FormatError(f"it is not an ONNX model but {other}")
        return described(data)

    def assemble(self, graph: bytes, parameters: Mapping[str, object]) -> bytes:
        """Return one model from a graph and its parameters.

        In the graph a parameter is a graph input with dtype and shape, and with the metadata
        ``{"voxstack": "parameter"}`` (``ValueInfoProto.metadata_props``). Such a graph is an
        ordinary ONNX model: it passes ``onnx.checker``, and a runtime runs it if it is fed the
        parameters. Values that the graph keeps for itself, such as small constants, stay.

        In the model each of these inputs is an initializer with ``raw_data``, no longer an input,
        so that runtimes fold and prepack it like any constant. The same graph and parameters give
        the same bytes.

        FormatError for a parameter that the graph does not declare, one that is missing, another
        dtype or shape, and a graph of IR 3 or older, in which initializers had to be inputs.
        """
        return assembled(graph, parameters)
