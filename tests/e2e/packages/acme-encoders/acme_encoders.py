"""Encoders that run side by side, and a frontend that spells."""

from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextvars import copy_context

from attrs import frozen
from voxstack import (
    Frontend,
    InputError,
    Mark,
    Program,
    Sentence,
    SequenceBlock,
    Symbols,
    Tensors,
    network,
)


@frozen
class AcmeEncoders(SequenceBlock):
    """Run every encoder of the addon on a thread of its own, as soon as its inputs exist."""

    networks: tuple[Program, ...] = network(role="encoder")

    def __call__(self, inputs: Tensors) -> Tensors:
        tensors, made = Tensors(inputs), Tensors()
        waiting, running = list(self.networks), {}
        with ThreadPoolExecutor(len(waiting) or 1) as pool:
            while waiting or running:
                for program in list(waiting):
                    wanted = program.network.consumes
                    if not running or all(name in tensors for name in wanted):
                        feed = {name: tensors[name] for name in wanted}
                        running[pool.submit(copy_context().run, program, feed)] = program
                        waiting.remove(program)
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    outputs = future.result()
                    for name in running.pop(future).network.produces:
                        tensors[name] = made[name] = outputs[name]
        return made


@frozen
class Letters(Frontend):
    """Spell the text, a line at a time."""

    symbols: Symbols
    produces = ("ids",)

    def sentences(self, text: Iterable[str]) -> Iterator[Sentence]:
        spelled = False
        for line in "".join(text).splitlines():
            letters = [letter for letter in line.lower() if letter.isalpha()]
            if letters:
                spelled = True
                ids = self.symbols.ids("letter", letters)
                marks = tuple(Mark("letter", letter, i) for i, letter in enumerate(letters))
                yield Sentence(line, {"ids": ids}, marks)
        if not spelled:
            raise InputError("nothing to spell: give it a letter")
