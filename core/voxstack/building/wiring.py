"""Check what blocks declare, before anything loads.

Does each get the tensors that it needs, and does the declared audio come out?
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import final

from attrs import frozen

from voxstack.blocks import AudioFormat, Block, SequenceBlock, StreamableBlock, options_of, walk
from voxstack.containers import StreamablePipeline, StreamableStack
from voxstack.errors import did_you_mean, listed
from voxstack.executors import Program

Report = Callable[[str, str, str | None], None]  # pointer, message, suggestion


@final
@frozen
class Flow:
    """Names of the tensors at a place; ``open`` behind a block that declares none."""

    names: frozenset[str] = frozenset()
    open: bool = False

    def after(self, block: Block) -> Flow:
        """Return the flow behind a block."""
        if block.produces is None:
            return Flow(self.names, True)
        return Flow(self.names | set(block.produces), self.open)


def check_wiring(stack: StreamableStack, sequence: Flow, report: Report) -> None:
    """Report what is missing in a built stack; undeclared blocks pass everything on."""
    makers: dict[str, str] = {}  # tensor -> block that produces it, for suggestions
    for pointer, block in walk(stack):
        if not isinstance(block, StreamableStack | StreamablePipeline):
            for name in block.produces or ():
                if name not in (block.consumes or ()):  # else it changes what another produces
                    makers.setdefault(name, f"{type(block).__name__} at {pointer}")
    _Checker(makers, report).stream(stack, "", sequence, Flow())


@final
@frozen
class _Checker:
    """Walks the stack in the order of the data."""

    makers: dict[str, str]
    report: Report

    def stream(self, block: StreamableBlock, pointer: str, sequence: Flow, flow: Flow) -> Flow:
        if isinstance(block, StreamableStack):
            for index, inner in enumerate(block.stack):
                flow = self.stream(inner, f"{pointer}/stack/{index}", sequence, flow)
            return flow
        if isinstance(block, StreamablePipeline):
            inside = self.sequence(block.sequence_block, f"{pointer}/sequence_block", sequence)
            place = f"{pointer}/streamable_block"
            return self.stream(block.streamable_block, place, inside, flow)
        self._check(block, pointer, Flow(sequence.names | flow.names, sequence.open or flow.open))
        return flow.after(block)

    def sequence(self, block: SequenceBlock, pointer: str, flow: Flow) -> Flow:
        self._check(block, pointer, flow)
        return flow.after(block)

    def _check(self, block: Block, pointer: str, flow: Flow) -> None:
        # Behind an undeclared block anything may arrive: only the block itself can be wrong.
        available = {*flow.names, *(block.consumes or ())} if flow.open else flow.names
        missing = [name for name in block.consumes or () if name not in available]
        for message in block.problems(available):
            about = missing if message.startswith("needs ") else []
            self.report(pointer, message, self._suggestion(about, flow))

    def _suggestion(self, missing: list[str], flow: Flow) -> str | None:
        """Return which block, elsewhere in the stack, produces what is missing here."""
        by_maker: dict[str, list[str]] = {}
        for name in missing:
            if name in self.makers:
                by_maker.setdefault(self.makers[name], []).append(name)
        if by_maker:
            made = (
                f"{maker} produces {'it' if names == missing == names[:1] else listed(names)}"
                for maker, names in by_maker.items()
            )
            return f"{', '.join(made)}: put that before this block"
        return did_you_mean(missing[0], flow.names) if missing else None


def check_audio(
    last: Block,
    audio: AudioFormat,
    programs: Iterable[Program],
    rates: Mapping[str, int],
    report: Report,
) -> None:
    """Report declared audio that the block ``last``, at the end, does not make.

    A block behind a vocoder may do anything with its audio: then nothing is known. ``rates`` are
    the sample rates of other addons, by their names.
    """
    decoders = [p.network.frame_ratio for p in programs if p.network.role == "decoder"]
    for option in options_of(last):
        program = getattr(last, option.name)
        if not isinstance(program, Program):
            continue
        name, made = program.network.qualified_name, program.network.frame_ratio
        rate = rates.get(program.network.addon, audio.sample_rate)
        if rate != audio.sample_rate:
            message = f"is {audio.sample_rate} Hz, but the vocoder {name!r} makes {rate} Hz"
            report("/audio/sample_rate", message, f"set it to {rate}")
        if made > 1 and audio.hop not in (made, made * math.prod(decoders)):
            message = f"is {audio.hop}, but the vocoder {name!r} makes {made} samples per frame"
            report("/audio/hop", message, f"set it to {made}")
