"""The two abstractions that a component extends, and the frontend.

A block is a frozen attrs class whose fields are its options. Options typed as a block, a list of
blocks, a ``Program``, ``Network`` or ``Executor`` are names in the configuration and arrive
resolved; ``Schedule``, ``AudioFormat`` and ``Symbols`` are provided by the host.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Iterator
from typing import Any, ClassVar, Self, cast

import attrs

from voxstack.executors import Program
from voxstack.schedule import Schedule
from voxstack.shown import listed
from voxstack.tensors import Chunk, Sentence, Tensors


def options_of(configured: object) -> tuple[attrs.Attribute[Any], ...]:
    """Give the options of a block, a frontend or an executor: the fields of its class."""
    fields: tuple[attrs.Attribute[Any], ...] = attrs.fields(cast(Any, type(configured)))
    return fields


class Block(ABC):  # noqa: B024 - abstract in what extends it
    """What the two abstractions have in common.

    ``consumes`` and ``produces`` are optional: class attributes or properties with tensor names.
    Declared ones are checked before anything loads; None means "not declared".
    """

    __slots__ = ()

    consumes: ClassVar[Collection[str] | None] = None
    produces: ClassVar[Collection[str] | None] = None

    def problems(self, available: Collection[str]) -> Iterable[str]:
        """Say what is wrong with this block given the tensors that reach it.

        Called before anything loads, and only when all that reaches it is known.
        """
        if missing := [name for name in self.consumes or () if name not in available]:
            yield f"needs {listed(missing)}, which nothing before it produces"


class SequenceBlock(Block):
    """Tensors in, tensors out, a whole sentence at once."""

    __slots__ = ()

    @abstractmethod
    def __call__(self, inputs: Tensors) -> Tensors:
        """Give what this block makes; the host merges it with what was there."""


class StreamableBlock(Block):
    """Generates chunks on demand."""

    __slots__ = ()

    @abstractmethod
    def stream(self, sequence: Tensors, upstream: Iterator[Chunk] | None) -> Iterator[Chunk]:
        """Yield chunks of consecutive frames, the last one with ``last=True``.

        ``sequence`` is what SequenceBlocks made; ``upstream`` the chunks of the block before, or
        None for the first. Keep no state outside this generator: many run at once.
        """

    def planned(self, schedule: Schedule) -> tuple[Self, Schedule]:
        """Give this block with its schedule set, and what the block upstream must yield.

        ``schedule`` is what the block downstream wants. The default serves any block: look-ahead
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
                # What the configuration gave stands; what it left open is derived.
                changes[name] = schedule = (value or schedule).wanting(schedule.wanted)
        if changes or networks:
            schedule = schedule.ahead(sum(network.look_ahead for network in networks))
        schedule = schedule.wanting(self._wanted(schedule.wanted, keeps=ratio == 1))
        for name, value in values.items():
            if isinstance(value, StreamableBlock):
                changes[name], schedule = value.planned(schedule)
        return (attrs.evolve(cast(Any, self), **changes) if changes else self), schedule

    def _wanted(self, downstream: frozenset[str] | None, keeps: bool) -> Collection[str] | None:
        """Give the tensors that upstream must yield; frames of another rate are not kept."""
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
        when there is nothing to speak.
        """
