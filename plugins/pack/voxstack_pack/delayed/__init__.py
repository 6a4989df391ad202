"""Convert a convolutional ONNX graph to its delayed-state form, which recomputes nothing.

`delayed(model)` takes a whole-utterance graph and returns one that is stepped over consecutive
frames: each convolution keeps its last inputs as state, and the output lags by `delay` frames.
It equals the whole-utterance output exactly, edges included. A graph that cannot be stepped is
refused with the node, the tensor, the reason and what to do.
"""

from voxstack_pack.delayed.convert import Delayed, delayed
from voxstack_pack.delayed.errors import DelayedError

__all__ = ["Delayed", "DelayedError", "delayed"]
