"""Export PyTorch modules to ONNX graphs: named, stripped, and the same bytes each time."""

from __future__ import annotations

import contextlib
import inspect
import io
import logging
import re
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import onnx
import torch
from torch import Tensor, nn

from voxstack_pack.errors import ExportError
from voxstack_pack.strip import drop_unused, strip

OPSET = 18
STATE = "state_"  # prefix of the inputs that carry state; the output is "next_" + name


def export(
    module: nn.Module,
    inputs: Mapping[str, Tensor],
    outputs: Mapping[str, str],
    rate: str,
    dimensions: Mapping[str, str] | None = None,
) -> onnx.ModelProto:
    """Export to ONNX with a dynamic batch; ExportError names the operator or line at fault.

    ``inputs`` are examples of batch 2, in the order of the module's ``forward``; those named
    ``state_...`` come last and have outputs ``next_state_...``. ``rate`` names the last dimension
    of the inputs, ``dimensions`` that of inputs with a different one ("": fixed); ``outputs`` maps
    each output to the name of its last dimension.
    """
    dimensions = dimensions or {}
    states = [name for name in inputs if name.startswith(STATE)]
    shapes: Any = dynamic_shapes(module, inputs, dimensions)
    with quiet():
        try:
            program = torch.onnx.export(
                module,
                tuple(inputs.values()),
                input_names=list(inputs),
                output_names=[*outputs, *(f"next_{name}" for name in states)],
                dynamic_shapes=shapes,
                opset_version=OPSET,
                dynamo=True,
                external_data=False,
                verbose=False,
            )
        except Exception as error:  # torch raises exceptions of many types here
            raise ExportError(f"cannot be exported to ONNX: {reason(error)}") from error
    model: onnx.ModelProto = program.model_proto
    made, wanted = len(model.graph.output), len(outputs) + len(states)
    if made != wanted:
        raise ExportError(
            f"the module returns {made} outputs, expected {wanted}: "
            f"{', '.join([*outputs, *(f'next_{name}' for name in states)])}"
        )
    _flatten(model)
    name_dimensions(model, rate, outputs, dimensions)
    strip(model)
    return model


def dynamic_shapes(
    module: nn.Module, inputs: Mapping[str, Tensor], dimensions: Mapping[str, str]
) -> list[Any]:
    """Return the axes that vary, for torch.export: the batch, and the last one except in states."""
    dynamic = torch.export.Dim.DYNAMIC
    shapes: list[Any] = []
    for name, value in inputs.items():
        axes = {0: dynamic}
        if not name.startswith(STATE) and value.ndim > 1 and dimensions.get(name, "time"):
            axes[value.ndim - 1] = dynamic
        shapes.append(axes)
    count = sum(name.startswith(STATE) for name in inputs)
    parameters = inspect.signature(module.forward).parameters.values()
    if count and any(p.kind is p.VAR_POSITIONAL for p in parameters):  # passed as *states
        shapes = [*shapes[:-count], tuple(shapes[-count:])]
    return shapes


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Suppress what torch prints and warns of during an export."""
    loggers = [
        logging.getLogger(name) for name in ("torch", "torch.onnx", "torch.fx", "onnxscript")
    ]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            with contextlib.redirect_stdout(io.StringIO()):
                yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def reason(error: BaseException) -> str:
    """Return the reason of a failed export in one line, such as the operator or the branch."""
    chain = [error]
    while (cause := chain[-1].__cause__) is not None:
        chain.append(cause)
    text = "\n".join(str(one) for one in reversed(chain))
    if op := re.search(r"No ONNX function found for <OpOverload\(op='([^']+)'", text):
        return f"the op {op[1].replace('.', '::')} has no ONNX form; write it with other ops"
    if "data-dependent" in text or "Dynamic control flow" in text:
        line = re.search(r"code: (.+)", text)
        where = f" (at: {line[1].strip()})" if line else ""
        return (
            f"its control flow depends on the values of tensors{where}; "
            "use torch.where, or decide outside the network"
        )
    first = next((line for line in str(chain[-1]).splitlines() if line.strip()), "no reason given")
    return f"{type(chain[-1]).__name__}: {first.strip()}"


def _flatten(model: onnx.ModelProto) -> None:
    """Flatten the audio without arithmetic on shapes, which the exporter writes out in full."""
    for node in model.graph.node:
        if node.op_type == "Reshape" and list(node.output) == ["audio"] and _rank(model) == 2:
            node.op_type = "Flatten"
            del node.input[1:], node.attribute[:]
            node.attribute.append(onnx.helper.make_attribute("axis", 1))
    drop_unused(model)


def _rank(model: onnx.ModelProto) -> int:
    (audio,) = (value for value in model.graph.output if value.name == "audio")
    return len(audio.type.tensor_type.shape.dim)


def name_dimensions(
    model: onnx.ModelProto,
    rate: str,
    outputs: Mapping[str, str],
    dimensions: Mapping[str, str] | None = None,
) -> None:
    """Name the dynamic dimensions of inputs and outputs as the manifest does."""
    given = {**(dimensions or {}), **outputs}
    for value in [*model.graph.input, *model.graph.output]:
        state = STATE in value.name
        axes = value.type.tensor_type.shape.dim
        for axis, dimension in enumerate(axes):
            last = axis == len(axes) - 1
            if axis == 0:
                dimension.dim_param = "batch"
            elif last and not state and not dimension.dim_value and given.get(value.name, rate):
                dimension.dim_param = given.get(value.name, rate)
            elif not dimension.dim_value:
                raise ExportError(
                    f"{value.name}: dimension {axis} is dynamic; only the batch (the first) "
                    "and time (the last) may vary"
                )
