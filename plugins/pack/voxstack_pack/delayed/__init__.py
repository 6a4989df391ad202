"""Recompute nothing: the delayed-state form of a convolutional ONNX graph.

`delayed(model)` takes a whole-utterance graph and gives one that is stepped over consecutive
frames: each convolution keeps its last inputs as state and the output comes `delay` frames late.
It is the whole-utterance output exactly, edges included. What cannot be stepped is refused with
the node, the tensor, the reason and what to do.
"""

from voxstack_pack.delayed.convert import Delayed, delayed
from voxstack_pack.delayed.errors import DelayedError

__all__ = ["Delayed", "DelayedError", "delayed"]
