"""Toy networks for executors, and references of their outputs in numpy.

``networks/`` is an addon with the exported forms of what is written here; the numbers of its
parameters are ``numbers``. One network without state, one with state and delay, one that attends
to constants, one with inputs of several dtypes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, final

import numpy as np
from attrs import frozen
from voxstack import Executor, Network, Tensors
from voxstack.inspection import MASK

FOLDER = Path(__file__).parent / "networks"
NO_SYMBOL = -1e4  # added to the score of what is padding

Array = np.ndarray[Any, np.dtype[Any]]


@final
@frozen(eq=False)
class Toy:
    """A network, and what it returns for whole inputs; ``reference`` is None if that is unknown."""

    network: Network
    reference: Callable[[Mapping[str, Array]], Mapping[str, Array]] | None = None

    def inputs(self, length: int, seed: int = 0) -> dict[str, Array]:
        """Return random inputs, named dimensions ``length`` long, without mask and states."""
        random = np.random.default_rng(seed)
        made = {n: drawn(random, self.network.inputs[n], length) for n in self.network.consumes}
        return {n: np.ones_like(v) if n.endswith(f"_{MASK}") else v for n, v in made.items()}


def drawn(random: np.random.Generator, spec: Any, length: int) -> Array:
    """Return a random tensor as declared, named dimensions ``length`` long."""
    shape = [1 if d == "batch" else length if isinstance(d, str) else d for d in spec.shape]
    if np.dtype(spec.dtype).kind in "iub":
        made: Array = random.integers(0, 2, shape)  # there are two of every kind
    else:
        made = random.normal(0.0, 1.0, shape)
    return made.astype(spec.dtype)


def shipped(executor: Executor) -> dict[str, Toy]:
    """Return the toys in a format that ``executor`` takes."""
    networks = _addon().networks
    return {
        name: Toy(network, REFERENCES[name])
        for name, network in networks.items()
        if set(network.files) & set(executor.formats)
    }


@lru_cache(maxsize=1)
def _addon() -> Any:
    from voxstack import Host

    return Host().addon(str(FOLDER))


def numbers(step: float, *shape: int) -> Array:
    """Return the parameters of a toy: the same everywhere, with nothing to ship."""
    count = int(np.prod(shape))
    made: Array = np.sin(step * np.arange(1, count + 1)).reshape(shape)
    return made.astype(np.float32)


WINDOW, STEP = numbers(0.7, 2, 3, 4), numbers(0.3, 2, 2, 5)
QUERY, MADE = numbers(1.1, 4), numbers(0.9, 4, 6)
SYMBOLS, SPEAKERS, MIXED = numbers(0.5, 10, 4), numbers(1.3, 3, 4), numbers(0.2, 4, 4, 3)
STYLE = 0.25  # of a style's number in the encodings


def convolved(x: Array, kernel: Array, left: int, right: int) -> Array:
    """Return ``[1, C, T]`` convolved with ``[O, C, K]``, padded with zeros."""
    padded = np.pad(x, [(0, 0), (0, 0), (left, right)])
    windows = np.lib.stride_tricks.sliding_window_view(padded, kernel.shape[-1], axis=-1)
    made: Array = np.einsum("bctk,ock->bot", windows, kernel)
    return made.astype(np.float32)


def windows(inputs: Mapping[str, Array]) -> dict[str, Array]:
    """Return a convolution over 2 frames before and 1 after."""
    return {"y": np.tanh(convolved(inputs["x"], WINDOW, 2, 1))}


def steps(inputs: Mapping[str, Array]) -> dict[str, Array]:
    """Return a convolution over 2 frames on both sides, two samples per frame, times a gain."""
    made = convolved(inputs["x"], STEP, 2, 2)
    return {"y": made.transpose(0, 2, 1).reshape(1, -1) * inputs["gain"]}


def attention(inputs: Mapping[str, Array]) -> dict[str, Array]:
    """Step by step: what it attends to depends on where it is; here one step from ``place``."""
    encodings, place = inputs["encodings"], inputs["place"]
    score = np.einsum("bct,c->bt", encodings, QUERY) * (1 + place)
    score = score + (1 - inputs["text_mask"]) * NO_SYMBOL
    weights = np.exp(score - score.max(-1, keepdims=True))
    weights /= weights.sum(-1, keepdims=True)
    attended = np.einsum("bct,bt->bc", encodings, weights)
    made = np.tanh(attended @ MADE).reshape(-1, 3, 2)
    following = 0.5 * place + attended[:, :1]
    return {"y": made.astype(np.float32), "next_place": following.astype(np.float32)}


def symbols(inputs: Mapping[str, Array]) -> dict[str, Array]:
    """Return encodings of ids, styles and a speaker, and a count per id."""
    ids, speaker = inputs["ids"], inputs["speaker"]
    embedded = SYMBOLS[ids] + SPEAKERS[speaker][:, None] + inputs["style"][..., None] * STYLE
    encodings = convolved(embedded.transpose(0, 2, 1).astype(np.float32), MIXED, 1, 1)
    return {"encodings": encodings, "counts": 2 * ids + speaker[:, None]}


REFERENCES: Mapping[str, Callable[[Mapping[str, Array]], dict[str, Array]]] = {
    "windows": windows,
    "steps": steps,
    "attention": attention,
    "symbols": symbols,
}


def stepped(toy: Toy, constants: Mapping[str, Array], count: int) -> list[Tensors]:
    """Return the outputs of ``count`` steps of a network whose steps take no input."""
    assert toy.reference is not None
    state: dict[str, Array] = dict(toy.network.initial_state)
    made = []
    for _ in range(count):
        outputs = dict(toy.reference({**constants, **state}))
        state = {name: outputs.pop(after) for name, after in toy.network.state.items()}
        made.append(Tensors(outputs))
    return made


def is_stepped(network: Network) -> bool:
    """Return whether a network is fed frames at each step."""
    return MASK in network.inputs


def installed(executor: Executor) -> dict[str, Toy]:
    """Return networks of installed addons in a format that ``executor`` takes."""
    from voxstack import Host, VoxstackError

    found: dict[str, Toy] = {}
    with Host() as host:
        for addon in host.registry.names("addon"):
            try:
                networks = host.addon(addon).networks
            except VoxstackError:
                continue  # the addon's own suite reports what is wrong
            for network in networks.values():
                if set(network.files) & set(executor.formats):
                    found[network.qualified_name] = Toy(network)
    return found
