"""The network format `.pt2`: exported programs of PyTorch, read without torch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from math import prod
from typing import Any

from attrs import evolve
from voxstack import Description, Format, FormatError, Network, Signature
from voxstack.formats import disagreements

from voxstack_torch.archives import Archive, checked

# torch._export.serde.schema.ScalarType -> the name in numpy.
DTYPES = {
    1: "uint8",
    2: "int8",
    4: "int32",
    5: "int64",
    6: "float16",
    7: "float32",
    8: "float64",
    12: "bool",
}

Declared = Sequence[tuple[str, Signature]]  # inputs or outputs in their order


class Pt2(Format):
    """Exported programs (`torch.export.save`): a graph of torch's own operators, and tensors.

    The threats and the allow-list are in ``voxstack_torch.archives``. Inputs and outputs go by
    their order, which is that of the manifest: the names in the file are the exporter's.
    """

    name = "pt2"
    kind = "model"

    def describe(self, data: bytes) -> Description:
        """Return what a program contains; FormatError for one that is unsafe or not a program.

        Of outputs that are one tensor of the graph, one is listed.
        """
        return self._described(data)[0]

    def check(self, data: bytes, declared: Network) -> None:
        """Refuse bytes that are unsafe, or that are not the network ``declared``; FormatError."""
        found, inputs, outputs = self._described(data)
        for kind, there, wanted in (
            ("input", inputs, declared.inputs),
            ("output", outputs, declared.outputs),
        ):
            if len(there) != len(wanted):
                raise FormatError(
                    f"it has {len(there)} {kind}{'s' if len(there) != 1 else ''}, and its manifest "
                    f"declares {len(wanted)} ({', '.join(wanted)}); they go by their order"
                )
        named = evolve(
            found,
            inputs=_renamed(inputs, declared.inputs),
            outputs=_renamed(outputs, declared.outputs),
        )
        if unlike := sorted(disagreements(named, declared)):
            raise FormatError(f"it differs from its declaration: {'; '.join(unlike)}")

    def _described(self, data: bytes) -> tuple[Description, Declared, Declared]:
        archive = checked(data)
        try:
            return _described(archive)
        except (LookupError, TypeError, AttributeError, ValueError) as error:
            raise FormatError(f"it is not built like an exported program ({error!r})") from error


def _described(archive: Archive) -> tuple[Description, Declared, Declared]:
    """Return what a program contains, and its inputs and outputs in their order."""
    module = archive.model["graph_module"]
    signature, values = module["signature"], module["graph"]["tensor_values"]
    inputs = list(_signatures(signature["input_specs"], "user_input", values))
    outputs = list(_signatures(signature["output_specs"], "user_output", values))
    targets = (node["target"] for node in module["graph"]["nodes"])
    schema = archive.model["schema_version"]
    found = Description(
        inputs=dict(inputs),
        outputs=dict(outputs),
        parameters=sum(map(_size, archive.metas)),
        operators=Counter(target.removeprefix("torch.ops.") for target in targets),
        producer=f"torch {archive.version}",
        version=f"schema {schema['major']}.{schema['minor']}",
    )
    return found, inputs, outputs


def _signatures(
    specs: Sequence[Mapping[str, Any]], kind: str, values: Mapping[str, Any]
) -> Iterator[tuple[str, Signature]]:
    """Yield the inputs or outputs that are given or made, with their names in the graph."""
    for place, spec in enumerate(specs):
        if kind not in spec:
            continue  # a parameter
        argument = spec[kind]["arg"]
        if "as_tensor" not in argument:
            yield f"{kind} {place}", Signature()
            continue
        name = argument["as_tensor"]["name"]
        shape = tuple(size.get("as_int") for size in values[name]["sizes"])
        yield name, Signature(DTYPES.get(values[name]["dtype"]), shape)


def _renamed(there: Declared, declared: Mapping[str, Any]) -> dict[str, Signature]:
    return dict(zip(declared, (signature for _, signature in there), strict=True))


def _size(meta: Mapping[str, Any]) -> int:
    return prod(size["as_int"] for size in meta["sizes"])
