"""Which tensors go from block to block of a built stack, with their shapes and rates."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, final

from voxstack import Program, StreamablePipeline, StreamableStack
from voxstack.inspection import Block, options_of

WRAP = 92  # characters of a line
UNDECLARED = "what is not declared"
Read = Collection[str] | None  # names of tensors that are read; None: any may be


@final
class Flow:
    """The tensors of a voice: what a block passes on, what is read, and text for both."""

    def __init__(self, tree: dict[str, Any], voice: Any) -> None:
        audio = voice.addon.manifest.audio
        self.rates = {
            "frames": f"{audio.sample_rate / audio.hop:g} frames/s",
            "samples": f"{audio.sample_rate} samples/s",
        }
        self.text: dict[str, list[Any]] = {}  # shapes at the rate of the text, or of no rate
        self.timed: dict[str, list[Any]] = {}  # shapes at a rate
        for network in _networks(tree["stack"]):
            for name, shape in (*network["inputs"].items(), *network["outputs"].items()):
                known = self.timed if self.rates.keys() & set(map(str, shape)) else self.text
                known.setdefault(name, shape)
        self.timed.setdefault("audio", ["batch", "samples"])

    def after(self, block: Any, carried: Iterable[str]) -> list[str]:
        """Return the names after a block: what it produces, and what it passes through."""
        if isinstance(block, StreamableStack):
            for inner in block.stack:
                carried = self.after(inner, carried)
            return list(carried)
        if isinstance(block, StreamablePipeline):
            return self.after(block.streamable_block, carried)
        made = (UNDECLARED,) if block.produces is None else block.produces
        passed = () if self._changes_rate(block) else carried
        return list(dict.fromkeys((*passed, *made)))

    def read(self, block: Any, later: Read) -> Read:
        """Return what is read of the frames before a block; ``later`` is read after it."""
        if isinstance(block, StreamableStack):
            for inner in reversed(block.stack):
                later = self.read(inner, later)
            return later
        if isinstance(block, StreamablePipeline):
            return self.read(block.streamable_block, later)
        if self._changes_rate(block):
            later = ()
        if block.consumes is None or later is None:
            return None
        return {*block.consumes, *(set(later) - set(block.produces or ()))}

    def between(self, carried: Iterable[str], later: Read) -> list[str]:
        """Return text for the tensors of frames that are still read."""
        names = list(carried)
        read = [n for n in names if later is None or n in later or n == UNDECLARED]
        return self._words(read or names, self.timed)

    def whole(self, names: Iterable[str], rate: str) -> list[str]:
        """Return text for the tensors of a whole sentence."""
        return [*self._words(names, self.text), rate]

    def _changes_rate(self, block: Block) -> bool:
        """Return whether a block produces frames of another rate, and so passes nothing through."""
        held = [getattr(block, option.name) for option in options_of(block)]
        ratios = (h.network.frame_ratio for h in held if isinstance(h, Program))
        return math.prod(ratios) != 1 or (
            self._has_samples(block.produces) and not self._has_samples(block.consumes)
        )

    def _has_samples(self, names: Collection[str] | None) -> bool:
        return any("samples" in self.timed.get(name, ()) for name in names or ())

    def _words(self, names: Iterable[str], known: Mapping[str, list[Any]]) -> list[str]:
        """Return text for tensors with their shapes and rates."""
        shapes = {name: known.get(name) for name in names}
        dimensions = {str(d) for shape in shapes.values() for d in shape or ()}
        words = [
            f"{name} [{', '.join(str(d) for d in shape)}]" if shape else name
            for name, shape in shapes.items()
        ]
        rates = [text for name, text in self.rates.items() if name in dimensions]
        return [*wrapped(words, "  "), *rates]


def _networks(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict) and "network" in value and "inputs" in value:
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _networks(item)


def wrapped(words: Iterable[str], between: str) -> list[str]:
    """Return words joined into lines; one longer than a line continues in the next."""
    lines: list[str] = []
    for word in words:
        if lines and len(lines[-1]) + len(between) + len(word) <= WRAP:
            lines[-1] += between + word
        else:
            lines += textwrap.wrap(word, WRAP)
    return lines
