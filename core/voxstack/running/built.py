"""A stack as it was built: what a voice runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

from attrs import define, field

from voxstack.blocks import Frontend, StreamableBlock, ends_sentence
from voxstack.containers import StreamableStack, located
from voxstack.errors import InputError
from voxstack.running.programs import HostedProgram
from voxstack.schedule import DOUBLING, Schedule

MAX_PLANS = 64  # schedules that are remembered


@final
@define(eq=False)
class BuiltStack:
    """A frontend, blocks and programs; nothing is loaded yet.

    The head runs once per sentence: up to the first block that ends the sentence. The tail runs
    over the whole utterance.
    """

    frontend: Frontend
    blocks: tuple[StreamableBlock, ...]
    programs: Sequence[HostedProgram]
    head: tuple[StreamableBlock, ...] = field(init=False)
    tail: tuple[StreamableBlock, ...] = field(init=False)
    behind: StreamableStack = field(init=False, repr=False)  # the tail, guarded
    _plans: dict[tuple[int, ...], StreamableStack] = field(factory=dict, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        ends = [index for index, block in enumerate(self.blocks, 1) if ends_sentence(block)]
        split = ends[0] if ends else len(self.blocks)
        self.head, self.tail = self.blocks[:split], self.blocks[split:]
        places = enumerate(self.tail, split)
        self.behind = StreamableStack(located(block, f"/stack/{index}") for index, block in places)

    def planned(self, frames: tuple[int, ...]) -> StreamableStack:
        """Return the head planned for these chunk sizes; InputError if they are not sizes."""
        plan = self._plans.get(frames)
        if plan is None:
            try:
                schedule = Schedule(frames or DOUBLING)
            except ValueError as error:
                raise InputError(f"frames: {error}") from None
            plan = located(StreamableStack(self.head).planned(schedule)[0], "")
            if len(self._plans) < MAX_PLANS:
                self._plans[frames] = plan
        return plan
