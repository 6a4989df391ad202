"""The blocks of the voice's stack as ONNX operators, for a whole sentence at once."""

from __future__ import annotations

import numpy as np
from onnx import numpy_helper

from against.alphabet import FEATURES, Alphabet
from against.graph import Graph


def features(graph: Graph, alphabet: Alphabet, ids: str, first: int) -> dict[str, str]:
    """Look up the text encoder's inputs; the symbols are every second id from ``first`` on."""
    symbols = graph.slice(ids, axis=1, start=first, step=2)
    made = {}
    for name, row in zip(FEATURES, alphabet.table, strict=True):
        made[name] = graph.op("Gather", graph.constant(row), symbols)
    axes = graph.constant([1])
    made["question"] = graph.op("ReduceMax", made["question"], axes, keepdims=0)
    made["mask"] = ones_like(graph, symbols)
    return made


def ones_like(graph: Graph, tensor: str) -> str:
    """Return float32 ones in the shape of ``tensor``."""
    one = numpy_helper.from_array(np.ones(1, dtype=np.float32))
    return graph.op("ConstantOfShape", graph.op("Shape", tensor), value=one)


def upsampled(graph: Graph, encodings: str, durations: str, length_scale: str) -> dict[str, str]:
    """Return the Upsampler's outputs: encodings per frame, and the place in the symbol."""
    scaled = graph.op("Round", graph.op("Mul", durations, length_scale))
    longest = graph.op("Max", scaled, graph.constant(1.0, "float32"))
    frames = graph.op("Squeeze", graph.op("Cast", longest, to=7), graph.constant([0]))
    ends = graph.op("CumSum", frames, graph.constant(0))
    starts = graph.op("Sub", ends, frames)
    total = graph.slice(ends, axis=0, start=-1)
    # One at the start of each symbol but the first; the sum counts the symbols begun before.
    zeros = graph.op("Expand", graph.constant([0]), total)
    later = graph.slice(starts, axis=0, start=1)
    steps = graph.op("Expand", graph.constant([1]), graph.op("Shape", later))
    begun = graph.op("ScatterElements", zeros, later, steps, axis=0)
    symbols = graph.op("CumSum", begun, graph.constant(0))
    count = graph.op("Squeeze", total, graph.constant([0]))
    times = graph.op("Range", graph.constant(0), count, graph.constant(1))
    since = graph.op("Cast", graph.op("Sub", times, graph.op("Gather", starts, symbols)), to=1)
    elapsed = graph.op("Add", since, graph.constant(0.5, "float32"))
    duration = graph.op("Cast", graph.op("Gather", frames, symbols), to=1)
    first = graph.constant([0])
    made = {
        "encodings": graph.op("Gather", encodings, symbols, axis=2),
        "elapsed": graph.op("Unsqueeze", elapsed, first),
        "duration": graph.op("Unsqueeze", duration, first),
    }
    made["mask"] = ones_like(graph, made["elapsed"])
    return made


def voiced(graph: Graph, voicing: str) -> str:
    """Return the decision of the block Prosody."""
    return graph.op("Cast", graph.op("Greater", voicing, graph.constant(0.0, "float32")), to=1)


def phase(graph: Graph, f0: str, hop: int, rate: int) -> str:
    """Return the block Phase: the sum of F0 in cycles, float64, wrapped, in steps of 2**-24."""
    precise = graph.op("Cast", f0, to=11)
    here = graph.slice(precise, axis=1, end=-1)
    following = graph.slice(precise, axis=1, start=1)
    # f + (f_next - f) * n / hop, summed over the hop's samples n
    a = graph.op("Mul", here, graph.constant((hop + 1) / 2 / rate, "float64"))
    b = graph.op("Mul", following, graph.constant((hop - 1) / 2 / rate, "float64"))
    total = graph.op("CumSum", graph.op("Add", a, b), graph.constant(1))
    cycles = graph.op("Sub", total, graph.op("Floor", total))
    steps = graph.op("Floor", graph.op("Mul", cycles, graph.constant(2.0**24, "float64")))
    wrapped = graph.op("Mul", steps, graph.constant(2.0**-24, "float64"))
    zero = graph.constant([[0.0]], "float32")
    return graph.op("Concat", zero, graph.op("Cast", wrapped, to=1), axis=1)


def noise(graph: Graph, mask: str, hop: int, scale: str) -> str:
    """Return the block Noise, uniform of variance 1, times ``scale``; new numbers per call."""
    frames = graph.op("Shape", mask, start=1)
    shape = graph.op("Concat", graph.constant([1, hop]), frames, axis=0)
    zero = numpy_helper.from_array(np.zeros(1, dtype=np.float32))
    like = graph.op("ConstantOfShape", shape, value=zero)
    drawn = graph.op("RandomUniformLike", like, low=-(3**0.5), high=3**0.5, dtype=1)
    return graph.op("Mul", drawn, scale)
