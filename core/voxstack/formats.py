"""Formats: what reads one kind of network file.

The host hands no byte of a network to an executor before the provider of its format has checked
it. A provider is an entry point in the group ``voxstack.formats``, named like the format:
``onnx = "acme_onnx:Onnx"``. Executors say which formats they take, and their packages require
the packages that provide these.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import ClassVar, Literal, final

from attrs import field, frozen

from voxstack.networks import Network, TensorSpec
from voxstack.tensors import Array


class FormatError(ValueError):
    """Bytes that a format refuses; the host adds which file they are."""


@final
@frozen
class Signature:
    """An input or an output as a network file declares it."""

    dtype: str | None = None  # a numpy name; None: not declared, or not one that addons use
    shape: tuple[int | None, ...] | None = None  # None: not declared; a dimension of None: any


@final
@frozen
class Description:
    """What a network file contains, for people and for comparison with a manifest."""

    inputs: Mapping[str, Signature] = field(factory=dict)
    outputs: Mapping[str, Signature] = field(factory=dict)
    parameters: int = 0  # numbers in its tensors
    operators: Mapping[str, int] = field(factory=Counter)  # "Conv", "com.acme:Warp" -> count
    foreign: tuple[str, ...] = ()  # operators that a runtime may not have
    producer: str = ""  # the exporter and its version
    version: str = ""  # of the format: "IR 8, opset 17"
    defined: frozenset[str] = frozenset()  # inputs that the file itself has values for


class Format(ABC):
    """Reads one kind of network file. Stateless; one instance serves all threads."""

    name: ClassVar[str]  # as addon.json and executors spell it
    kind: ClassVar[Literal["model", "compiled"]] = "model"  # data, or machine code of one device

    @abstractmethod
    def describe(self, data: bytes) -> Description:
        """Return what a file contains; FormatError for bytes that are unsafe or of another format.

        Safe means: complete in itself (no path to another file), bounded in size and nesting, and
        read by every runtime in the same way. Nothing of the file is executed.
        """

    def check(self, data: bytes, declared: Network) -> None:
        """Refuse bytes that are unsafe, or that are not the network ``declared``; FormatError."""
        if unlike := sorted(disagreements(self.describe(data), declared)):
            raise FormatError(f"it differs from its declaration: {'; '.join(unlike)}")

    def assemble(self, graph: bytes, parameters: Mapping[str, Array]) -> bytes:
        """Return one whole file from a graph and its named parameters.

        FormatError if the graph lacks a name of ``parameters``, has one more, or declares another
        dtype or shape. A format that keeps both in one file does not implement this.
        """
        raise FormatError(f"the format {self.name!r} keeps its parameters in the graph's own file")


def disagreements(found: Description, declared: Network) -> Iterator[str]:
    """Yield where a network file differs from its manifest.

    An input that is declared and absent is not one: exporters drop those that a network ignores.
    """
    for name in found.inputs.keys() - declared.inputs.keys() - found.defined:
        yield f"it needs the input {name!r}, which is not declared"
    for name in declared.outputs.keys() - found.outputs.keys():
        there = ", ".join(map(repr, found.outputs)) or "none"
        yield f"it has no output {name!r}; it has {there}"
    for kind, specs, signatures in (
        ("input", declared.inputs, found.inputs),
        ("output", declared.outputs, found.outputs),
    ):
        for name in specs.keys() & signatures.keys():
            yield from _differences(f"its {kind} {name!r}", specs[name], signatures[name])


def _differences(what: str, declared: TensorSpec, found: Signature) -> Iterator[str]:
    if found.dtype is not None and found.dtype != declared.dtype:
        yield f"{what} is {found.dtype}, declared as {declared.dtype}"
    if found.shape is not None and not _compatible(found.shape, declared.shape):
        shape = ["?" if size is None else size for size in found.shape]
        yield f"{what} has the shape {shape}, declared as {[*declared.shape]}"


def _compatible(found: tuple[int | None, ...], declared: tuple[int | str, ...]) -> bool:
    """Return whether no number of one shape contradicts the other's."""
    return len(found) == len(declared) and all(
        size is None or isinstance(wanted, str) or size == wanted
        for size, wanted in zip(found, declared, strict=True)
    )
