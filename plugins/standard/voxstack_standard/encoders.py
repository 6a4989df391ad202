"""Run the encoders of an addon side by side."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

from attrs import frozen
from voxstack import Encoders, Program, Tensors


@frozen
class CustomizedEncoders(Encoders):
    """Run all encoders whose inputs exist side by side, each on its own thread.

    For an executor whose device runs several networks at once, named in the stack: ``{"type":
    "CustomizedEncoders", "executor": "OpenVino"}``. The outputs are those of ``Encoders``. A
    single encoder runs without a thread.
    """

    def run(self, programs: Sequence[Program], tensors: Tensors) -> Tensors:
        """Return the outputs of networks that do not need each other; raises the first error."""
        if len(programs) == 1:
            return super().run(programs, tensors)
        with ThreadPoolExecutor(len(programs)) as pool:
            # Each thread has a copy of the context, which holds the utterance.
            running = [
                pool.submit(copy_context().run, self.produced, program, tensors)
                for program in programs
            ]
        return Tensors({n: v for future in running for n, v in future.result().items()})
