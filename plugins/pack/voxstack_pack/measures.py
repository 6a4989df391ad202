"""Measure an exported graph: its context, frame ratio and delay."""

from __future__ import annotations

import numpy as np

from voxstack_pack.errors import ExportError
from voxstack_pack.examples import cut, length, padded, resized, timed_inputs
from voxstack_pack.running import Array, Arrays, Program

REACHES = (40, 160, 640)  # frames on each side of a disturbed one, tried in turn
FLUSH = 64  # the largest delay, in frames
NEAR = 1e-4  # of the largest value: the tolerance between a network and its eager form


def measure_frame_ratio(program: Program, inputs: Arrays, time: str) -> int:
    """Return the number of output frames per input frame; ExportError if it is not constant."""
    shapes, ratios = program.inputs, set()
    there = length(inputs, shapes, time)
    for count in (there, there + 9):
        outputs = program(resized(inputs, shapes, time, count))
        for name in program.outputs:
            if name in program.state.values():
                continue
            frames = outputs[name].shape[-1] if outputs[name].ndim > 1 else 0
            if frames % count:
                raise ExportError(
                    f"output {name!r} has {frames} positions for {count} {time}; expected a "
                    "whole multiple"
                )
            ratios.add(frames // count)
    if len(ratios) != 1 or 0 in ratios:
        raise ExportError(f"its outputs have different rates per {time} position: {sorted(ratios)}")
    return ratios.pop()


def measure_context(
    program: Program, inputs: Arrays, time: str, ratio: int = 1
) -> dict[str, int] | None:
    """Return how far a frame affects the outputs on each side, None if there is no limit."""
    for reach in REACHES:
        count = max(2 * reach + 2, length(inputs, program.inputs, time))
        longer = resized(inputs, program.inputs, time, count)
        left, right = _reach(program, longer, time, ratio)
        if max(left, right) < reach:
            return {"left": left, "right": right}
    return None


def _reach(program: Program, inputs: Arrays, time: str, ratio: int) -> tuple[int, int]:
    middle = length(inputs, program.inputs, time) // 2
    before = program(inputs)
    left = right = 0
    for name in timed_inputs(program.inputs, time):
        for moved in _moved(name, inputs[name], middle):
            after = program(inputs | {name: moved})
            for output, value in before.items():
                same = (value == after[output]) | (np.isnan(value) & np.isnan(after[output]))
                places = np.flatnonzero((~same).reshape(-1, value.shape[-1]).any(0)) // ratio
                if places.size:
                    left = max(left, int(places.max()) - middle)  # later ones look back on it
                    right = max(right, middle - int(places.min()))
    return left, right


def _moved(name: str, value: Array, middle: int) -> list[Array]:
    """Return the input with one frame disturbed, up and down: a dead unit hides one of them."""
    moved = []
    for change in (1.0, -1.0, 10.0):
        one = value.copy()
        if name.endswith("mask"):
            one[..., middle] = 0
            return [one]
        if value.dtype.kind == "f":
            one[..., middle] = one[..., middle] + change
        else:  # an integer may index a table: another value from it is valid
            one[..., middle] = value.max() if change > 0 else value.min()
        moved.append(one)
    return moved


def measure_delay(
    program: Program, inputs: Arrays, whole: Array, ratio: int, time: str = "frames"
) -> int:
    """Return the shift, in frames, at which stepping equals the whole-utterance form."""
    flushed = padded(inputs, program.inputs, time, FLUSH)
    stepped = program.step(cut(flushed, program.inputs, time, lambda: 10**9))
    count, near = whole.shape[-1], NEAR * max(1.0, float(np.abs(whole).max(initial=0)))
    fits = []
    for late in range(FLUSH + 1):
        shifted = stepped[..., late * ratio : late * ratio + count]
        if shifted.shape == whole.shape and np.abs(shifted - whole).max(initial=0) <= near:
            fits.append(late)
    if len(fits) != 1:
        raise ExportError(
            f"stepping equals the whole utterance at more than one delay: {fits}"
            if fits
            else f"stepping does not equal the whole utterance at any delay of 0 to {FLUSH} {time}"
        )
    return fits[0]
