"""Rules for the operators that read neighboring frames."""

from __future__ import annotations

import numpy as np
from attrs import evolve

from voxstack_pack.delayed.facts import Effect, Fact
from voxstack_pack.delayed.nodes import NodeView


def conv(view: NodeView) -> Effect:
    """Step a convolution of reach M = (K - 1) * dilation: M past samples, delay M - left."""
    along = _along(view)
    options = view.options
    kernel = view.layouts[view.node.input[1]].shape[2:]
    spatial = len(kernel)
    if list(options.get("strides", [1] * spatial))[along] != 1:
        view.refuse("its stride along time is not 1", "Downsample outside the network")
    dilation = list(options.get("dilations", [1] * spatial))[along]
    past = (kernel[along] - 1) * dilation
    pads = list(options.get("pads", [0] * 2 * spatial))
    auto = bytes(options.get("auto_pad", b"NOTSET"))
    changed: dict[str, object] = {}
    if auto not in (b"NOTSET", b"VALID"):
        if spatial > 1 and any(k > 1 for i, k in enumerate(kernel) if i != along):
            view.refuse("auto_pad with a kernel over two axes", "Export with explicit pads")
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
    fact = view.fact
    pointwise = past == left == right == 0
    if pointwise:
        zero = fact.zero and len(view.node.input) < 3
        known = Fact(zero, fact.lead * zero, fact.tail * zero, fact.steady, finite=fact.finite)
        return Effect(known, attributes=changed)
    # Without padding it reads nothing beyond the edges, so nothing must be zero there.
    gate = bool(left or right)
    return Effect(Fact(), past=past, shift=past - left, gate=gate, attributes=changed)


def conv_transpose(view: NodeView) -> Effect:
    """Step an upsampling by a stride: it reads the last few inputs again and keeps no sums."""
    along = _along(view)
    options = view.options
    kernel = view.layouts[view.node.input[1]].shape[2:]
    spatial = len(kernel)
    if bytes(options.get("auto_pad", b"NOTSET")) != b"NOTSET" or "output_shape" in options:
        view.refuse("auto_pad or output_shape", "Export with explicit pads and output_padding")
    stride = list(options.get("strides", [1] * spatial))[along]
    dilation = list(options.get("dilations", [1] * spatial))[along]
    reach = (kernel[along] - 1) * dilation + 1
    past = -(-reach // stride) - 1
    pads = list(options.get("pads", [0] * 2 * spatial))
    more = list(options.get("output_padding", [0] * spatial))
    left = pads[along]
    # Of the window's output, keep the samples that begin with the first new input.
    pads[along] = past * stride
    pads[along + spatial] = max(0, reach - stride)
    more[along] = max(0, stride - reach)
    changed: dict[str, object] = {"pads": pads, "output_padding": more}
    return Effect(
        Fact(), past=past, factor=stride, shift=left, gate=True, attributes=changed
    )  # fmt: skip


def pad(view: NodeView) -> Effect:
    """Renumber samples: the stream already reads zeros beyond the edges of time."""
    mode = bytes(view.options.get("mode", b"constant"))
    rank, axis = len(view.layout.shape), view.layout.axis
    pads = view.constant(1, "pads")
    axes = view.constant(3, "axes")
    if pads is None:
        view.refuse("it has no pads", "Export with opset 18")
    order = list(range(rank)) if axes is None else [int(a) % rank for a in axes]
    if axis not in order:
        return Effect(_keep(view))
    place = order.index(axis)
    before, after = int(pads[place]), int(pads[place + len(order)])
    if before == after == 0:
        return Effect(_keep(view))
    if mode != b"constant":
        view.refuse(
            f"it pads time in mode {mode.decode()!r}, but the stream does not know its edges",
            "Pad with zeros",
        )
    value = view.constant(2, "value")
    if value is not None and np.any(value):
        view.refuse("it pads time with a number other than 0", "Pad with zeros")
    kept = pads.copy()
    kept[place] = kept[place + len(order)] = 0
    fact = view.fact
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


def slice_(view: NodeView) -> Effect:
    """Renumber samples: those cut off the edges of time are computed anyway."""
    view.only_first()
    starts, axes = view.constants.get(view.node.input[1]), view.constant(3, "axes")
    rank, axis = len(view.layout.shape), view.layout.axis
    steps = view.constant(4, "steps")
    count = len(view.constants[view.node.input[1]]) if starts is not None else 1
    order = list(range(count)) if axes is None else [int(a) % rank for a in axes]
    if axis not in order:
        return Effect(_keep(view))
    place = order.index(axis)
    if starts is None:
        view.refuse("it cuts time at a computed position", "Cut a constant number of samples")
    if len(order) > 1:
        view.refuse("it cuts time and another axis at once", "Use one Slice per axis")
    start = int(starts[place])
    if steps is not None and steps[place] != 1:
        view.refuse("it takes every n-th sample or reverses time", "Downsample outside")
    if start < 0 or view.output.rate != view.layout.rate:
        view.refuse(
            "it cuts time from the end or to a fixed length", "Cut a constant number from the start"
        )
    cut = view.layout.extra - view.output.extra - start  # at the end
    fact = view.fact
    lead, tail = fact.lead - start, fact.tail - cut
    zero = fact.zero and min(lead, tail) >= 0
    moved = evolve(
        fact, zero=zero, lead=lead if zero else 0, tail=tail if zero else 0,
        mask=fact.mask and start == cut == 0,
    )  # fmt: skip
    return Effect(moved, shift=start, vanishes=True)


def pool(view: NodeView) -> Effect:
    """Pool over axes other than time."""
    along = _along(view)
    if list(view.options["kernel_shape"])[along] != 1:
        view.refuse("it pools over time", "Use a convolution with constant weights")
    if list(view.options.get("strides", [1] * (along + 1)))[along] != 1:
        view.refuse("its stride along time is not 1", "Downsample outside the network")
    return Effect(Fact(steady=view.fact.steady, finite=view.fact.finite))


def _along(view: NodeView) -> int:
    """Return the index of time among the convolution's spatial axes."""
    view.only_first()
    axis = view.layout.axis
    if axis is None or axis < 2:
        view.refuse("time is its batch or channel axis", "Keep time as the last axis")
    return axis - 2


def _keep(view: NodeView) -> Fact:
    return evolve(view.fact, mask=False, least=min(view.fact.least, 0.0))
