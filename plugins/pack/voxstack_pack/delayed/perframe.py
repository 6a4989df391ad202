"""Rules for the operators that mix channels within a frame, or move axes."""

from __future__ import annotations

import math

import numpy as np

from voxstack_pack.delayed.facts import Effect, Fact
from voxstack_pack.delayed.nodes import NodeView


def softmax(view: NodeView) -> Effect:
    """Step Softmax and similar functions over channels; zeros do not stay zeros."""
    _not_time(view, [int(view.options.get("axis", -1))])
    return Effect(_plain(view))


def layer_norm(view: NodeView) -> Effect:
    """Step a normalization from an axis to the last."""
    view.only_first()
    rank = len(view.layout.shape)
    _not_time(view, list(range(int(view.options.get("axis", -1)) % rank, rank)))
    return Effect(_plain(view))


def reduce(view: NodeView) -> Effect:
    """Step Reduce* and Arg* over channels."""
    view.only_first()
    rank = len(view.layout.shape)
    if view.node.op_type.startswith("Arg"):
        axes = [int(view.options.get("axis", 0))]
    else:
        given = view.options.get("axes")
        given = view.constant(1, "axes") if given is None else np.asarray(given)
        axes = list(range(rank)) if given is None else [int(axis) for axis in given]
        if given is None and view.options.get("noop_with_empty_axes"):
            axes = []
    _not_time(view, axes)
    kind = view.node.op_type
    square = kind in ("ReduceSumSquare", "ReduceL1", "ReduceL2")
    least = 0.0 if square else -math.inf
    if kind in ("ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin") and view.fact.least >= 0:
        least = 0.0
    fact = _plain(view)
    return Effect(Fact(steady=fact.steady, finite=fact.finite, least=least))


def concat(view: NodeView) -> Effect:
    """Step Concat along channels; along time it is refused."""
    axis = int(view.options["axis"])
    if axis % len(view.output.shape) == view.output.axis:
        view.refuse("it joins tensors along time", "Use Pad to shift or to pad with zeros")
    facts = [view.facts[name] for name in view.framed]
    zero = all(fact.zero for fact in facts) and len(facts) == len(view.node.input)
    return Effect(
        Fact(
            zero=zero,
            lead=min(fact.lead for fact in facts) if zero else 0,
            tail=min(fact.tail for fact in facts) if zero else 0,
            steady=all(fact.steady for fact in facts),
            finite=all(fact.finite for fact in facts),
            least=min(fact.least for fact in facts) if len(facts) == len(view.node.input)
            else -math.inf,
        )
    )  # fmt: skip


def split(view: NodeView) -> Effect:
    """Step Split along channels."""
    _not_time(view, [int(view.options.get("axis", 0))])
    return Effect(_same(view))


def gather(view: NodeView) -> Effect:
    """Step Gather: channels by constant indices, or an embedding of framed indices."""
    data, indices = view.node.input
    if data in view.facts and indices in view.facts:
        view.refuse("both its inputs have a time axis", "Gather channels by constant indices")
    if indices in view.facts:
        fact = view.facts[indices]
        return Effect(Fact(steady=fact.steady, finite=fact.finite))
    _not_time(view, [int(view.options.get("axis", 0))])
    return Effect(_same(view))


def cumulate(view: NodeView) -> Effect:
    """Step CumSum and TopK over channels."""
    index = 1
    if view.node.op_type == "CumSum":
        axis = view.constant(index, "axis")
        axes = [int(axis.item())] if axis is not None else [0]
    else:
        axes = [int(view.options.get("axis", -1))]
    _not_time(view, axes)
    return Effect(_plain(view))


def matmul(view: NodeView) -> Effect:
    """Step matrix products whose inner dimension is not time."""
    left, right = view.node.input
    for name, inner in ((left, 1), (right, 2)):
        if name in view.facts and view.layouts[name].from_end == inner:
            view.mixes("it sums over time")
    facts = [view.facts[name] for name in view.framed]
    if len({view.layouts[name].from_end for name in view.framed}) > 1:
        view.mixes("it compares all frames with each other (attention over time)")
    finite = all(fact.finite for fact in facts)
    zeros = [fact for fact in facts if fact.zero]
    return Effect(
        Fact(
            zero=bool(zeros) and finite,
            lead=zeros[0].lead if zeros and finite else 0,
            tail=zeros[0].tail if zeros and finite else 0,
            steady=all(fact.steady for fact in facts),
            finite=finite,
        )
    )


def gemm(view: NodeView) -> Effect:
    """Step Gemm over channels."""
    view.only_first()
    if view.layout.axis == (0 if view.options.get("transA") else 1):
        view.mixes("it sums over time")
    return Effect(_plain(view))


def batch_norm(view: NodeView) -> Effect:
    """Step batch normalization in inference mode: a scale and a bias per channel."""
    view.only_first()
    if view.options.get("training_mode"):
        view.refuse("it is exported in training mode", "Call module.eval() before the export")
    if view.layout.axis == 1:
        view.refuse("its channels are the time axis", "Keep time as the last axis")
    return Effect(_plain(view))


def transpose(view: NodeView) -> Effect:
    """Step Transpose: the layouts know where the time axis goes."""
    return Effect(_same(view))


def reshape(view: NodeView) -> Effect:
    """Step Reshape: axes are split or merged; those before time must not be merged with it.

    Merging an axis *after* time with it repeats or interleaves samples: the rate increases.
    """
    view.only_first()
    before, after = view.layout, view.output
    outer = math.prod(before.shape[: before.axis]), math.prod(after.shape[: after.axis])
    if outer[0] != outer[1]:
        view.refuse(
            "it merges time with an axis before it", "Keep time, or the axis after it, apart"
        )
    return _faster(view)


def expand(view: NodeView) -> Effect:
    """Step a broadcast; a tensor without time that is spread over time is steady."""
    if not view.framed:
        return Effect(Fact(steady=True))
    view.only_first()
    if view.layout.from_end != view.output.from_end:
        view.refuse("it moves the time axis", "Keep time as the last axis")
    return Effect(_same(view))


def resize(view: NodeView) -> Effect:
    """Step nearest upsampling by an integer: each sample is repeated."""
    view.only_first()
    options = view.options
    mode = options.get("mode", b"nearest")
    place = options.get("coordinate_transformation_mode", b"half_pixel")
    rounds = options.get("nearest_mode", b"round_prefer_floor")
    repeats = (place, rounds) == (b"asymmetric", b"floor") or (
        place in (b"half_pixel", b"half_pixel_symmetric") and b"round" in bytes(rounds)
    )
    if mode != b"nearest" or not repeats:
        view.refuse(
            f"it resamples time ({bytes(mode).decode()}, {bytes(place).decode()})",
            "Upsample by mode='nearest' or by a transposed convolution",
        )
    return _faster(view)


def tile(view: NodeView) -> Effect:
    """Step a repetition along channels."""
    repeats = view.constant(1, "repeats")
    if repeats is None or repeats[view.layout.axis] != 1:
        view.mixes("it repeats the whole utterance")
    return Effect(_same(view))


def _faster(view: NodeView) -> Effect:
    """Step an operator that increases the rate by an integer factor, or keeps it."""
    factor, rest = divmod(view.output.rate, view.layout.rate)
    if rest or view.output.extra != factor * view.layout.extra or not factor:
        view.refuse(
            f"the rate changes from {view.layout.rate} to {view.output.rate} samples per frame",
            "Only integer upsampling can be stepped; downsample outside the network",
        )
    fact = view.fact
    same = Fact(
        zero=fact.zero,
        lead=fact.lead * factor,
        tail=fact.tail * factor,
        steady=fact.steady,
        mask=fact.mask and _single(view),
        finite=fact.finite,
        least=fact.least,
    )
    return Effect(same, factor=factor)


def _not_time(view: NodeView, axes: list[int]) -> None:
    """Refuse an operator over these axes of the first input if one of them is time."""
    layout = view.layout
    if layout.axis in [axis % len(layout.shape) for axis in axes]:
        view.mixes("it works over the time axis")


def _single(view: NodeView) -> bool:
    """Return whether the output has only the axes batch (first) and time, others being 1."""
    layout = view.output
    return layout.batched == (0,) and all(
        size == 1 for i, size in enumerate(layout.shape) if i not in (0, layout.axis)
    )


def _same(view: NodeView) -> Fact:
    """Return the facts about an output that holds the first input's values."""
    fact = view.fact
    return Fact(
        zero=fact.zero,
        lead=fact.lead,
        tail=fact.tail,
        steady=fact.steady,
        mask=fact.mask and _single(view),
        finite=fact.finite,
        least=fact.least,
    )


def _plain(view: NodeView) -> Fact:
    """Return the facts about an output that is an arbitrary function of the frame."""
    facts = [view.facts[name] for name in view.framed]
    return Fact(
        steady=all(fact.steady for fact in facts), finite=all(fact.finite for fact in facts)
    )
