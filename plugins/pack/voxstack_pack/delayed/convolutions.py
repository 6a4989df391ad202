"""Rules of the operators that look at neighbouring frames."""

from __future__ import annotations

import numpy as np
from attrs import evolve

from voxstack_pack.delayed.facts import Effect, Fact
from voxstack_pack.delayed.sight import Sight


def conv(sight: Sight) -> Effect:
    """A convolution of reach M = (K - 1) * dilation: M past samples, no padding, M - left late."""
    along = _along(sight)
    options = sight.options
    kernel = sight.layouts[sight.node.input[1]].shape[2:]
    spatial = len(kernel)
    if list(options.get("strides", [1] * spatial))[along] != 1:
        sight.refuse("its stride along time is not 1", "Downsample outside the network")
    dilation = list(options.get("dilations", [1] * spatial))[along]
    past = (kernel[along] - 1) * dilation
    pads = list(options.get("pads", [0] * 2 * spatial))
    auto = bytes(options.get("auto_pad", b"NOTSET"))
    changed: dict[str, object] = {}
    if auto not in (b"NOTSET", b"VALID"):
        if spatial > 1 and any(k > 1 for i, k in enumerate(kernel) if i != along):
            sight.refuse("auto_pad with a kernel over two axes", "Export with explicit pads")
        smaller = past // 2
        pads = [0] * 2 * spatial
        pads[along] = smaller if auto == b"SAME_UPPER" else past - smaller
        pads[along + spatial] = past - pads[along]
    if auto != b"NOTSET":
        changed["auto_pad"] = "NOTSET"
    left, right = pads[along], pads[along + spatial]
    if left or right or changed:
        stepped = list(pads)
        stepped[along] = stepped[along + spatial] = 0
        changed["pads"] = stepped
    fact = sight.fact
    pointwise = past == left == right == 0
    if pointwise:
        zero = fact.zero and len(sight.node.input) < 3
        known = Fact(zero, fact.lead * zero, fact.tail * zero, fact.steady, finite=fact.finite)
        return Effect(known, attributes=changed)
    # Without padding nothing is read beyond the edges, so nothing need be zero there.
    gate = bool(left or right)
    return Effect(Fact(), past=past, shift=past - left, gate=gate, attributes=changed)


def conv_transpose(sight: Sight) -> Effect:
    """Upsampling by a stride; it sees the last few inputs again instead of keeping sums."""
    along = _along(sight)
    options = sight.options
    kernel = sight.layouts[sight.node.input[1]].shape[2:]
    spatial = len(kernel)
    if bytes(options.get("auto_pad", b"NOTSET")) != b"NOTSET" or "output_shape" in options:
        sight.refuse("auto_pad or output_shape", "Export with explicit pads and output_padding")
    stride = list(options.get("strides", [1] * spatial))[along]
    dilation = list(options.get("dilations", [1] * spatial))[along]
    reach = (kernel[along] - 1) * dilation + 1
    past = -(-reach // stride) - 1
    pads = list(options.get("pads", [0] * 2 * spatial))
    more = list(options.get("output_padding", [0] * spatial))
    left = pads[along]
    # Of what the window gives, keep the samples that begin with the first new input.
    pads[along] = past * stride
    pads[along + spatial] = max(0, reach - stride)
    more[along] = max(0, stride - reach)
    changed: dict[str, object] = {"pads": pads, "output_padding": more}
    return Effect(
        Fact(), past=past, factor=stride, shift=left, gate=True, attributes=changed
    )  # fmt: skip


def pad(sight: Sight) -> Effect:
    """Zeros at the edges of time are there already: only the numbering of samples changes."""
    mode = bytes(sight.options.get("mode", b"constant"))
    rank, axis = len(sight.layout.shape), sight.layout.axis
    pads = sight.constant(1, "pads")
    axes = sight.constant(3, "axes")
    if pads is None:
        sight.refuse("it has no pads", "Export with opset 18")
    order = list(range(rank)) if axes is None else [int(a) % rank for a in axes]
    if axis not in order:
        return Effect(_keep(sight))
    place = order.index(axis)
    before, after = int(pads[place]), int(pads[place + len(order)])
    if before == after == 0:
        return Effect(_keep(sight))
    if mode != b"constant":
        sight.refuse(
            f"it pads time by mode {mode.decode()!r}, which the stream cannot know at its edges",
            "Pad with zeros",
        )
    value = sight.constant(2, "value")
    if value is not None and np.any(value):
        sight.refuse("it pads time with a number other than 0", "Pad with zeros")
    kept = pads.copy()
    kept[place] = kept[place + len(order)] = 0
    fact = sight.fact
    moved = evolve(
        fact,
        zero=True,
        lead=fact.lead + before,
        tail=fact.tail + after,
        mask=False,
        steady=False,
        least=min(fact.least, 0.0),
    )
    if min(moved.lead, moved.tail) < 0:
        moved = evolve(moved, zero=False, lead=0, tail=0)
    return Effect(
        moved,
        shift=-before,
        gate=True,
        vanishes=not kept.any(),
        constants={1: kept} if kept.any() else {},
    )


def slice_(sight: Sight) -> Effect:
    """Samples cut off the edges of time are made all the same: the numbering changes."""
    sight.only_first()
    starts, axes = sight.constants.get(sight.node.input[1]), sight.constant(3, "axes")
    rank, axis = len(sight.layout.shape), sight.layout.axis
    steps = sight.constant(4, "steps")
    count = len(sight.constants[sight.node.input[1]]) if starts is not None else 1
    order = list(range(count)) if axes is None else [int(a) % rank for a in axes]
    if axis not in order:
        return Effect(_keep(sight))
    place = order.index(axis)
    if starts is None:
        sight.refuse("it cuts time at a computed place", "Cut a constant number of samples")
    if len(order) > 1:
        sight.refuse("it cuts time and another axis at once", "Use a Slice for each")
    start = int(starts[place])
    if steps is not None and steps[place] != 1:
        sight.refuse("it takes every n-th sample or reverses time", "Downsample outside")
    if start < 0 or sight.output.rate != sight.layout.rate:
        sight.refuse(
            "it cuts time from the end or to a fixed length", "Cut a constant number from the start"
        )
    cut = sight.layout.extra - sight.output.extra - start  # at the end
    fact = sight.fact
    lead, tail = fact.lead - start, fact.tail - cut
    zero = fact.zero and min(lead, tail) >= 0
    moved = evolve(
        fact, zero=zero, lead=lead if zero else 0, tail=tail if zero else 0,
        mask=fact.mask and start == cut == 0,
    )  # fmt: skip
    return Effect(moved, shift=start, vanishes=True)


def pool(sight: Sight) -> Effect:
    """Pooling over other axes than time."""
    along = _along(sight)
    if list(sight.options["kernel_shape"])[along] != 1:
        sight.refuse("it pools over time", "Use a convolution with constant weights")
    if list(sight.options.get("strides", [1] * (along + 1)))[along] != 1:
        sight.refuse("its stride along time is not 1", "Downsample outside the network")
    return Effect(Fact(steady=sight.fact.steady, finite=sight.fact.finite))


def _along(sight: Sight) -> int:
    """Which of the convolution's own axes is time."""
    sight.only_first()
    axis = sight.layout.axis
    if axis is None or axis < 2:
        sight.refuse("time is its batch or channel axis", "Keep time the last axis")
    return axis - 2


def _keep(sight: Sight) -> Fact:
    return evolve(sight.fact, mask=False, least=min(sight.fact.least, 0.0))
