"""The two abstractions that a component extends, the frontend, and what the host provides to them.

A block is a frozen attrs class whose fields are its options. Options typed as a block, a list of
blocks, a ``Program``, ``Network`` or ``Executor`` are names in the configuration and arrive
resolved; ``Schedule``, ``AudioFormat`` and ``Symbols`` are provided by the host.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self, cast, final

import attrs
from attrs import frozen

from voxstack.errors import AddonError, did_you_mean, escape, listed
from voxstack.executors import Program
from voxstack.schedule import Schedule
from voxstack.tensors import Chunk, Sentence, Tensors

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LOWEST_RATE, HIGHEST_RATE = 1000, 384_000  # Hz


class Block(ABC):  # noqa: B024 - its subclasses are abstract
    """What the two abstractions have in common.

    ``consumes`` and ``produces`` are optional: class attributes or properties with tensor names.
    Declared names are checked before anything loads; None means "not declared".
    """

    __slots__ = ()

    consumes: ClassVar[Collection[str] | None] = None
    produces: ClassVar[Collection[str] | None] = None

    def problems(self, available: Collection[str]) -> Iterable[str]:
        """Yield what is wrong with this block given the tensors that reach it.

        Called before anything loads, and only if all that reaches it is known.
        """
        if missing := [name for name in self.consumes or () if name not in available]:
            yield f"needs {listed(missing)}, which nothing before it produces"


class SequenceBlock(Block):
    """Tensors in, tensors out, a whole sentence at once."""

    __slots__ = ()

    @abstractmethod
    def __call__(self, inputs: Tensors) -> Tensors:
        """Return what this block produces; the host merges it with ``inputs``."""


class StreamableBlock(Block):
    """Generates chunks on demand.

    A block that turns the frames of a sentence into audio sets ``ends_sentence = True``: the
    top-level blocks behind the first such block run over the whole utterance.
    """

    __slots__ = ()

    ends_sentence: ClassVar[bool] = False

    @abstractmethod
    def stream(self, sequence: Tensors, upstream: Iterator[Chunk] | None) -> Iterator[Chunk]:
        """Yield chunks of consecutive frames, the last one with ``last=True``.

        ``sequence`` is what SequenceBlocks produced; ``upstream`` the chunks of the block before,
        or None for the first. Keep no state outside this generator: many run at once.
        """

    def planned(self, schedule: Schedule) -> tuple[Self, Schedule]:
        """Return this block with its schedule set, and what the block upstream must yield.

        ``schedule`` is what the block downstream wants. The default serves every block: look-ahead
        and frame ratio come from the networks among its options.
        """
        values = {o.alias or o.name: getattr(self, o.name) for o in options_of(self)}
        networks = [value.network for value in values.values() if isinstance(value, Program)]
        ratio = math.prod(network.frame_ratio for network in networks)
        if schedule.owned:
            schedule = schedule.slower(ratio)
        changes: dict[str, Any] = {}
        for name, value in values.items():
            if isinstance(value, Schedule):
                # A size in the configuration stands; what it leaves open is derived.
                changes[name] = schedule = (value or schedule).wanting(schedule.wanted)
        if changes or networks:
            schedule = schedule.ahead(sum(network.look_ahead for network in networks))
        schedule = schedule.wanting(self._wanted(schedule.wanted, keeps=ratio == 1))
        for name, value in values.items():
            if isinstance(value, StreamableBlock):
                changes[name], schedule = value.planned(schedule)
        return (attrs.evolve(cast(Any, self), **changes) if changes else self), schedule

    def _wanted(self, downstream: frozenset[str] | None, keeps: bool) -> Collection[str] | None:
        """Return the tensors that upstream must yield; frames of another rate are not kept."""
        if self.consumes is None or (keeps and downstream is None):
            return None
        return {*self.consumes, *(downstream or ())} if keeps else self.consumes


class Frontend(ABC):
    """Text to symbol ids and marks, a sentence at a time."""

    __slots__ = ()

    produces: ClassVar[Collection[str] | None] = None

    @abstractmethod
    def sentences(self, text: Iterable[str]) -> Iterator[Sentence]:
        """Yield sentences as soon as their end is certain.

        ``text`` comes in pieces, as it arrives; nothing is read before it is needed. InputError
        if there is nothing to speak.
        """


# Blocks within blocks ---------------------------------------------------------------------------


def options_of(configured: object) -> tuple[attrs.Attribute[Any], ...]:
    """Return the options of a block, a frontend or an executor: the fields of its class."""
    fields: tuple[attrs.Attribute[Any], ...] = attrs.fields(cast(Any, type(configured)))
    return fields


def walk(value: Any, pointer: str = "") -> Iterator[tuple[str, Block]]:
    """Yield (pointer, block) of a block and of all blocks among its options, in data order."""
    if isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from walk(item, f"{pointer}/{index}")
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from walk(item, f"{pointer}/{escape(key)}")
    elif isinstance(value, Block):
        yield pointer, value
        for option in options_of(value):
            yield from walk(getattr(value, option.name), f"{pointer}/{option.name}")


def ends_sentence(block: StreamableBlock) -> bool:
    """Return whether a block, or a block in it, turns the frames of a sentence into audio."""
    return any(isinstance(b, StreamableBlock) and b.ends_sentence for _, b in walk(block))


# What the host provides -------------------------------------------------------------------------


@final
@frozen
class AudioFormat:
    """The audio that an addon makes."""

    sample_rate: int  # Hz
    hop: int  # samples per frame

    def __attrs_post_init__(self) -> None:
        if not LOWEST_RATE <= self.sample_rate <= HIGHEST_RATE:
            allowed = f"{LOWEST_RATE} to {HIGHEST_RATE} Hz"
            raise ValueError(f"sample_rate must be {allowed}, not {self.sample_rate}")
        if self.hop < 1:
            raise ValueError(f"hop must be 1 sample or more, not {self.hop}")


@final
@frozen(eq=False)
class Symbols:
    """The symbol tables of a voice: names that its frontend uses to ids that its networks take."""

    tables: Mapping[str, Mapping[str, int]]

    def ids(self, table: str, names: Sequence[str]) -> NDArray[np.int64]:
        """Return the ids ``[1, T]`` of ``names``; AddonError for a name that the voice lacks."""
        import numpy as np

        if table not in self.tables:
            known = f"it has: {', '.join(self.tables) or 'none'}"
            hint = did_you_mean(table, self.tables, known)
            raise AddonError(f"the voice's symbols have no table {table!r} ({hint})")
        ids = self.tables[table]
        try:
            return np.array([[ids[name] for name in names]], dtype=np.int64)
        except KeyError as error:
            name = str(error.args[0])
            hint = did_you_mean(name, ids, "choose a frontend made for this voice")
            raise AddonError(
                f"the voice's symbols have no {table} {name!r}, which its frontend uses ({hint})"
            ) from None
