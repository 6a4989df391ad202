"""Facts about a tensor's values, and the effect of a node on time."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from attrs import field, frozen


@frozen
class Fact:
    """Facts about the values of a tensor with a time axis, frame by frame.

    In the stream a tensor also has samples before its first and after its last: the stream
    begins early and is flushed. `zero` means that those read as zeros.
    """

    zero: bool = False
    lead: int = 0  # samples at the start that are zeros too, from a Pad
    tail: int = 0  # the same at the end
    steady: bool = False  # equal at every frame: valid at any delay
    mask: bool = False  # the mask itself, perhaps with other axes or another type
    finite: bool = True  # also if all inputs are zero, as before the start
    least: float = -math.inf  # a lower bound, to decide whether a logarithm is finite


@frozen
class Effect:
    """The effect of a node on time: its output lags by `delay * factor + shift` samples.

    The node reads `past` more samples of its input than it makes; with `gate` the input must
    read as zeros outside. A node that `vanishes` only renumbers samples.
    """

    fact: Fact
    past: int = 0
    factor: int = 1
    shift: int = 0
    gate: bool = False
    vanishes: bool = False
    attributes: Mapping[str, object] = field(factory=dict)  # replace the node's own
    constants: Mapping[int, np.ndarray] = field(factory=dict)  # input index -> its new value
