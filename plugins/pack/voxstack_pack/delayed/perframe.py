"""Rules of the operators that mix channels within a frame, or move axes."""

from __future__ import annotations

import math

import numpy as np

from voxstack_pack.delayed.facts import Effect, Fact
from voxstack_pack.delayed.sight import Sight


def softmax(sight: Sight) -> Effect:
    """Softmax and its like, over channels; zeros do not stay zeros."""
    _not_time(sight, [int(sight.options.get("axis", -1))])
    return Effect(_plain(sight))


def layer_norm(sight: Sight) -> Effect:
    """Normalisation from an axis to the last."""
    sight.only_first()
    rank = len(sight.layout.shape)
    _not_time(sight, list(range(int(sight.options.get("axis", -1)) % rank, rank)))
    return Effect(_plain(sight))


def reduce(sight: Sight) -> Effect:
    """Reduce* and Arg* over channels."""
    sight.only_first()
    rank = len(sight.layout.shape)
    if sight.node.op_type.startswith("Arg"):
        axes = [int(sight.options.get("axis", 0))]
    else:
        given = sight.options.get("axes")
        given = sight.constant(1, "axes") if given is None else np.asarray(given)
        axes = list(range(rank)) if given is None else [int(axis) for axis in given]
        if given is None and sight.options.get("noop_with_empty_axes"):
            axes = []
    _not_time(sight, axes)
    kind = sight.node.op_type
    square = kind in ("ReduceSumSquare", "ReduceL1", "ReduceL2")
    least = 0.0 if square else -math.inf
    if kind in ("ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin") and sight.fact.least >= 0:
        least = 0.0
    fact = _plain(sight)
    return Effect(Fact(steady=fact.steady, finite=fact.finite, least=least))


def concat(sight: Sight) -> Effect:
    """Concat along channels; what lies along time is refused."""
    axis = int(sight.options["axis"])
    if axis % len(sight.output.shape) == sight.output.axis:
        sight.refuse("it joins tensors along time", "Use Pad to shift or to pad with zeros")
    facts = [sight.facts[name] for name in sight.framed]
    zero = all(fact.zero for fact in facts) and len(facts) == len(sight.node.input)
    return Effect(
        Fact(
            zero=zero,
            lead=min(fact.lead for fact in facts) if zero else 0,
            tail=min(fact.tail for fact in facts) if zero else 0,
            steady=all(fact.steady for fact in facts),
            finite=all(fact.finite for fact in facts),
            least=min(fact.least for fact in facts) if len(facts) == len(sight.node.input)
            else -math.inf,
        )
    )  # fmt: skip


def split(sight: Sight) -> Effect:
    """Split along channels."""
    _not_time(sight, [int(sight.options.get("axis", 0))])
    return Effect(_same(sight))


def gather(sight: Sight) -> Effect:
    """Channels picked by constant indices, or an embedding of framed indices."""
    data, indices = sight.node.input
    if data in sight.facts and indices in sight.facts:
        sight.refuse("both its inputs have a time axis", "Gather channels by constant indices")
    if indices in sight.facts:
        fact = sight.facts[indices]
        return Effect(Fact(steady=fact.steady, finite=fact.finite))
    _not_time(sight, [int(sight.options.get("axis", 0))])
    return Effect(_same(sight))


def cumulate(sight: Sight) -> Effect:
    """CumSum and TopK over channels."""
    index = 1
    if sight.node.op_type == "CumSum":
        axis = sight.constant(index, "axis")
        axes = [int(axis.item())] if axis is not None else [0]
    else:
        axes = [int(sight.options.get("axis", -1))]
    _not_time(sight, axes)
    return Effect(_plain(sight))


def matmul(sight: Sight) -> Effect:
    """Matrix products whose inner dimension is not time."""
    left, right = sight.node.input
    for name, inner in ((left, 1), (right, 2)):
        if name in sight.facts and sight.layouts[name].from_end == inner:
            sight.mixes("it sums over time")
    facts = [sight.facts[name] for name in sight.framed]
    if len({sight.layouts[name].from_end for name in sight.framed}) > 1:
        sight.mixes("it compares all frames with each other (attention over time)")
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


def gemm(sight: Sight) -> Effect:
    """Gemm over channels."""
    sight.only_first()
    if sight.layout.axis == (0 if sight.options.get("transA") else 1):
        sight.mixes("it sums over time")
    return Effect(_plain(sight))


def batch_norm(sight: Sight) -> Effect:
    """Batch normalisation as at inference: a scale and a bias for each channel."""
    sight.only_first()
    if sight.options.get("training_mode"):
        sight.refuse("it is exported in training mode", "Call module.eval() before the export")
    if sight.layout.axis == 1:
        sight.refuse("its channels are the time axis", "Keep time the last axis")
    return Effect(_plain(sight))


def transpose(sight: Sight) -> Effect:
    """The time axis goes where the shapes say."""
    return Effect(_same(sight))


def reshape(sight: Sight) -> Effect:
    """Axes split or merged; those before time must not be merged with it.

    Merging an axis *behind* time with it repeats or interleaves samples: the rate goes up.
    """
    sight.only_first()
    before, after = sight.layout, sight.output
    outer = math.prod(before.shape[: before.axis]), math.prod(after.shape[: after.axis])
    if outer[0] != outer[1]:
        sight.refuse(
            "it merges time with an axis before it", "Keep time apart, or the axis behind time"
        )
    return _faster(sight)


def expand(sight: Sight) -> Effect:
    """Broadcasting; a tensor without time that is spread over time is steady."""
    if not sight.framed:
        return Effect(Fact(steady=True))
    sight.only_first()
    if sight.layout.from_end != sight.output.from_end:
        sight.refuse("it moves the time axis", "")
    return Effect(_same(sight))


def resize(sight: Sight) -> Effect:
    """Nearest upsampling by a whole number: each sample is repeated."""
    sight.only_first()
    options = sight.options
    mode = options.get("mode", b"nearest")
    place = options.get("coordinate_transformation_mode", b"half_pixel")
    rounds = options.get("nearest_mode", b"round_prefer_floor")
    repeats = (place, rounds) == (b"asymmetric", b"floor") or (
        place in (b"half_pixel", b"half_pixel_symmetric") and b"round" in bytes(rounds)
    )
    if mode != b"nearest" or not repeats:
        sight.refuse(
            f"it resamples time ({bytes(mode).decode()}, {bytes(place).decode()})",
            "Upsample by mode='nearest' or by a transposed convolution",
        )
    return _faster(sight)


def tile(sight: Sight) -> Effect:
    """Repetition along channels."""
    repeats = sight.constant(1, "repeats")
    if repeats is None or repeats[sight.layout.axis] != 1:
        sight.mixes("it repeats the whole utterance")
    return Effect(_same(sight))


def _faster(sight: Sight) -> Effect:
    """A rate that goes up by a whole number, or stays."""
    factor, rest = divmod(sight.output.rate, sight.layout.rate)
    if rest or sight.output.extra != factor * sight.layout.extra or not factor:
        sight.refuse(
            f"the rate goes from {sight.layout.rate} to {sight.output.rate} samples a frame",
            "Only whole factors upwards can be stepped; downsample outside the network",
        )
    fact = sight.fact
    same = Fact(
        zero=fact.zero,
        lead=fact.lead * factor,
        tail=fact.tail * factor,
        steady=fact.steady,
        mask=fact.mask and _single(sight),
        finite=fact.finite,
        least=fact.least,
    )
    return Effect(same, factor=factor)


def _not_time(sight: Sight, axes: list[int]) -> None:
    """Refuse an operator over these axes of the first input if time is among them."""
    layout = sight.layout
    if layout.axis in [axis % len(layout.shape) for axis in axes]:
        sight.mixes("it works over the time axis")


def _single(sight: Sight) -> bool:
    """Whether the output has the axes batch (first) and time alone, and others of size 1."""
    layout = sight.output
    return layout.batched == (0,) and all(
        size == 1 for i, size in enumerate(layout.shape) if i not in (0, layout.axis)
    )


def _same(sight: Sight) -> Fact:
    """What is known of an output that holds the first input's values."""
    fact = sight.fact
    return Fact(
        zero=fact.zero,
        lead=fact.lead,
        tail=fact.tail,
        steady=fact.steady,
        mask=fact.mask and _single(sight),
        finite=fact.finite,
        least=fact.least,
    )


def _plain(sight: Sight) -> Fact:
    """What is known of an output that is some function of the frame."""
    facts = [sight.facts[name] for name in sight.framed]
    return Fact(
        steady=all(fact.steady for fact in facts), finite=all(fact.finite for fact in facts)
    )
