"""The encoders of an addon, all at once."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

from attrs import frozen
from voxstack import Encoders, Program, Tensors


@frozen
class CustomizedEncoders(Encoders):
    """Run all encoders whose inputs exist at once, each on a thread of its own.

    For an executor whose device runs several networks side by side; what they make is the same as
    that of ``Encoders``. Give it one in the stack: ``{"type": "CustomizedEncoders", "executor":
    "OpenVino"}``. With one encoder there is nothing to run side by side, and no thread.
    """

    def run(self, programs: Sequence[Program], tensors: Tensors) -> Tensors:
        """Run networks that do not wait for each other; the first error is raised."""
        if len(programs) == 1:
            return super().run(programs, tensors)
        with ThreadPoolExecutor(len(programs)) as pool:
            # Each thread in a copy of the context, which names the utterance.
            running = [
                pool.submit(copy_context().run, self.produced, program, tensors)
                for program in programs
            ]
        return Tensors({n: v for future in running for n, v in future.result().items()})
