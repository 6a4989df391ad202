"""What is known of a tensor's values, and what a node does to time."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from attrs import field, frozen


@frozen
class Fact:
    """What is known of the values of a tensor with a time axis, frame by frame.

    In the stream a tensor also has samples before its first and after its last: the stream
    begins early and is flushed. `zero` says that those read as zeros.
    """

    zero: bool = False
    lead: int = 0  # samples at the start that are such zeros too, from a Pad
    tail: int = 0  # the same at the end
    steady: bool = False  # the same at every frame: any delay fits
    mask: bool = False  # the mask itself, perhaps with other axes or type
    finite: bool = True  # also where all inputs are zero, as before the start
    least: float = -math.inf  # a lower bound, to tell whether a logarithm is finite


@frozen
class Effect:
    """What a node does to time: its output is `delay * factor + shift` samples late.

    `past` more samples of its input than it makes must be seen; with `gate` the input must read
    as zeros outside. A node that `vanishes` only renumbers samples.
    """

    fact: Fact
    past: int = 0
    factor: int = 1
    shift: int = 0
    gate: bool = False
    vanishes: bool = False
    attributes: Mapping[str, object] = field(factory=dict)  # that replace the node's own
    constants: Mapping[int, np.ndarray] = field(factory=dict)  # input index -> its new value
