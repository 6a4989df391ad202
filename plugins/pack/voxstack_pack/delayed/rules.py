"""The rule of each operator; an operator without one is refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from voxstack_pack.delayed import convolutions, perframe
from voxstack_pack.delayed.elementwise import ELEMENTWISE, elementwise
from voxstack_pack.delayed.facts import Effect
from voxstack_pack.delayed.nodes import NodeView

Rule = Callable[[NodeView], Effect]

RULES: Mapping[str, Rule] = {
    **dict.fromkeys(ELEMENTWISE, elementwise),
    **dict.fromkeys(("Softmax", "LogSoftmax", "Hardmax"), perframe.softmax),
    **dict.fromkeys(("LayerNormalization", "RMSNormalization"), perframe.layer_norm),
    **dict.fromkeys(
        (
            *(f"Reduce{kind}" for kind in ["Sum", "Mean", "Max", "Min", "Prod", "L1", "L2"]),
            *("ReduceSumSquare", "ReduceLogSum", "ReduceLogSumExp", "ArgMax", "ArgMin"),
        ),
        perframe.reduce,
    ),
    **dict.fromkeys(("CumSum", "TopK"), perframe.cumulate),
    **dict.fromkeys(("Reshape", "Flatten", "Squeeze", "Unsqueeze"), perframe.reshape),
    **dict.fromkeys(("AveragePool", "MaxPool", "LpPool"), convolutions.pool),
    "BatchNormalization": perframe.batch_norm,
    "Concat": perframe.concat,
    "Conv": convolutions.conv,
    "ConvTranspose": convolutions.conv_transpose,
    "Expand": perframe.expand,
    "Gather": perframe.gather,
    "Gemm": perframe.gemm,
    "MatMul": perframe.matmul,
    "Pad": convolutions.pad,
    "Resize": perframe.resize,
    "Slice": convolutions.slice_,
    "Split": perframe.split,
    "Tile": perframe.tile,
    "Transpose": perframe.transpose,
}

WHOLE: Mapping[str, str] = {
    **dict.fromkeys(("GRU", "LSTM", "RNN"), "it runs along time with a state of its own"),
    **dict.fromkeys(("InstanceNormalization", "GroupNormalization"), "it normalizes over time"),
    **dict.fromkeys(
        ("GlobalAveragePool", "GlobalLpPool", "GlobalMaxPool"), "it pools over all frames"
    ),
    **dict.fromkeys(("Attention", "MultiHeadAttention"), "it is attention over time"),
}

DRAWN = frozenset(["Bernoulli", "Multinomial", "RandomNormalLike", "RandomUniformLike"])


def effect(view: NodeView) -> Effect:
    """Return what a node does to time; DelayedError if it cannot be stepped."""
    kind = view.node.op_type
    if kind in WHOLE:
        view.mixes(WHOLE[kind])
    if kind in DRAWN:
        view.refuse("it draws noise", "Make the noise an input of the network")
    if view.node.domain not in ("", "ai.onnx") or kind not in RULES:
        view.refuse(
            "there is no rule for what this operator does to time",
            "Convert before graphs are optimized or quantized, or keep this network on windows",
        )
    return RULES[kind](view)
