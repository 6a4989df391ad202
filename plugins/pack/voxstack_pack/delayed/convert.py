"""Convert a whole-utterance graph to one that is stepped."""

from __future__ import annotations

from collections.abc import Mapping
from typing import final

import onnx
from attrs import frozen
from onnx import helper

from voxstack_pack.delayed.analysis import analyze
from voxstack_pack.delayed.errors import DelayedError
from voxstack_pack.delayed.histories import histories
from voxstack_pack.delayed.prepare import prepare, remove_dead
from voxstack_pack.delayed.rewrite import Rewriter
from voxstack_pack.delayed.schedule import schedule

OLDEST_OPSET = 13  # the first in which axes are inputs of Squeeze, Unsqueeze and Split
STATES = ("state_", "next_state_")


@final
@frozen(eq=False)
class Delayed:
    """A stepped network: output j of the stream belongs to frame j - delay.

    States start as zeros. After the last frame, `delay` frames of zeros with mask 0 flush it.
    """

    model: onnx.ModelProto
    delay: int  # frames
    state: Mapping[str, str]  # state input -> the output that is its next value
    frame_ratio: int  # output samples per input frame


def delayed(model: onnx.ModelProto, time: str = "frames", mask: str = "mask") -> Delayed:
    """Convert a graph whose frame inputs are `[B, C, T]` or `[B, T]`, where T is named `time`.

    The input `mask` [B, T] is added if the graph needs one and has none: its convolutions must
    read zeros beyond the edges, in the stream too. DelayedError for a graph that cannot be stepped.
    """
    _check(model)
    plain = prepare(model)
    graph = plain.graph
    analysis = analyze(plain, time, mask)
    plan = schedule(graph, analysis)
    batch = _batch(graph, time)
    memory = histories(graph, analysis, plan)
    written = Rewriter(graph, analysis, plan, memory, mask, batch).run()

    names = {value.name for value in graph.input}
    del graph.node[:]
    graph.node.extend(written.nodes)
    graph.initializer.extend(written.constants.values())
    if mask not in names and any(mask in node.input for node in written.nodes):
        shape = [batch, time]
        graph.input.append(helper.make_tensor_value_info(mask, onnx.TensorProto.FLOAT, shape))
    graph.input.extend(written.inputs)
    graph.output.extend(written.outputs)
    remove_dead(graph)
    for index, node in enumerate(graph.node):
        node.name = f"{node.op_type}_{index}"
    del graph.value_info[:]
    onnx.checker.check_model(plain)
    ratio = analysis.layouts[graph.output[0].name].rate
    return Delayed(plain, plan.delay, dict(written.state), ratio)


def _check(model: onnx.ModelProto) -> None:
    opset = max(entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx"))
    if opset < OLDEST_OPSET:
        raise DelayedError(
            f"the graph has opset {opset}", f"Export with opset {OLDEST_OPSET} or later"
        )
    for value in [*model.graph.input, *model.graph.output]:
        if value.name.startswith(STATES):
            raise DelayedError(
                "the graph already has states", "Convert the whole form", tensor=value.name
            )


def _batch(graph: onnx.GraphProto, time: str) -> str | int:
    """Return the batch dimension of the first frame input."""
    for value in graph.input:
        dims = value.type.tensor_type.shape.dim
        if any(dim.dim_param == time for dim in dims):
            return dims[0].dim_param or dims[0].dim_value or "batch"
    return "batch"
