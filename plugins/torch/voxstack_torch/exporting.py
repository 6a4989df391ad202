"""Export PyTorch modules to `.pt2` programs: stripped, and the same bytes each time."""

from __future__ import annotations

import inspect
import io
import json
import warnings
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

NEVER = (1980, 1, 1, 0, 0, 0)  # the earliest time that a zip can hold


def export_pt2(
    module: nn.Module, inputs: Mapping[str, Tensor], shapes: Mapping[str, Sequence[int | str]]
) -> bytes:
    """Return ``module`` with its parameters as an exported program.

    ``inputs`` are examples in the order of the manifest, with a size of at least 2 along every
    dynamic dimension (0 and 1 are special to torch); ``shapes`` are the manifest's: a name is a
    dynamic dimension, a number a fixed one. States may be passed as ``*states``. The module
    returns the manifest's outputs, in its order.

    Raises ValueError for an example with another shape, or with less than 2 along a dynamic
    dimension. Raises torch's own errors if the module cannot be exported.
    """
    dynamic = []
    for name, value in inputs.items():
        shape = shapes[name]
        if len(shape) != value.ndim or any(
            size < 2 if isinstance(wanted, str) else size != wanted
            for wanted, size in zip(shape, value.shape, strict=True)
        ):
            raise ValueError(
                f"{name}: the example's shape {list(value.shape)} does not match {list(shape)}; "
                "dynamic dimensions need a size of 2 or more"
            )
        axes = {i: torch.export.Dim.DYNAMIC for i, d in enumerate(shape) if isinstance(d, str)}
        dynamic.append(axes)
    module = module.eval()
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore", FutureWarning)  # torch warns of its own code
        program = torch.export.export(
            module,
            tuple(inputs.values()),
            dynamic_shapes=_nested(module, dynamic),
            strict=False,
        )
    saved = io.BytesIO()
    torch.export.save(program, saved)
    return stripped(saved.getvalue())


def stripped(data: bytes) -> bytes:
    """Return a saved program with only what is needed to run it.

    Source lines, module names, example inputs and times are removed: the same program gives
    the same bytes.
    """
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    for name in files:
        if "/models/" in name:
            files[name] = _bare(files[name])
        elif "/sample_inputs/" in name:
            files[name] = b""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_STORED) as archive:
        for name, content in files.items():
            if not name.endswith("/serialization_id"):
                archive.writestr(zipfile.ZipInfo(name, NEVER), content)
    return made.getvalue()


def _bare(model: bytes) -> bytes:
    """Return a program's graph without the parts that only help people and debuggers."""
    whole: dict[str, Any] = json.loads(model)
    module = whole["graph_module"]
    for node in module["graph"]["nodes"]:
        node["metadata"] = {}
    module["module_call_graph"] = module["module_call_graph"][:1]  # the program itself
    module["metadata"] = {}
    whole["guards_code"] = []  # Python code: the host checks inputs, and refuses to run it
    whole["torch_version"] = whole["torch_version"].partition("+")[0]
    return json.dumps(whole, separators=(",", ":")).encode()


def _nested(module: nn.Module, dynamic: list[dict[int, Any]]) -> tuple[Any, ...]:
    """Arrange one entry per input as the parameters of ``forward`` expect them."""
    parameters = list(inspect.signature(module.forward).parameters.values())
    for place, parameter in enumerate(parameters):
        if parameter.kind is parameter.VAR_POSITIONAL:  # *states
            return (*dynamic[:place], tuple(dynamic[place:]))
    return tuple(dynamic)
