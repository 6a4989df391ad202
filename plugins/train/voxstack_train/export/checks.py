"""Measure contexts and delays on the exported graphs, and refuse what is not exact."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from torch import Tensor, nn

from voxstack_train.export.running import (
    Arrays,
    ExportError,
    Program,
    cut,
    eager,
    farthest,
    hold,
    pad,
)

CONTEXT_SEARCH = 40  # frames on each side of a disturbed one


def check_stateless(
    program: Program, module: nn.Module, examples: list[Arrays], times: dict[str, int]
) -> None:
    """Eager equality at unseen lengths, batches, masks; times widens an output's bounds."""
    for inputs in examples:
        expected = eager(module, inputs)
        given = list(program(inputs).values())
        padded = list(program(pad(inputs, 0, 13)).values())
        batch = {n: np.concatenate([v, v]) for n, v in pad(inputs, 0, 13).items()}
        batched = list(program(batch).values())
        length = inputs["mask"].shape[-1]
        for name, *sides in zip(program.outputs, expected, given, padded, batched, strict=True):
            reference, out, out_padded, out_batched = sides
            if not np.isfinite(out_padded).all():
                raise ExportError(f"{name} is not finite in the padding")
            hold(f"{name}, {length} long, vs eager", farthest(out, reference), 1e-4 * times[name])
            hold(
                f"{name}, zero-padded", farthest(out_padded[..., :length], out), 1e-5 * times[name]
            )
            hold(
                f"{name}, batch of 2",
                farthest(out_batched[1:, ..., :length], out),
                1e-5 * times[name],
            )


def measure_context(program: Program, inputs: Arrays) -> dict[str, int]:
    """How far one frame of any input moves the outputs, to either side."""
    reach = CONTEXT_SEARCH
    middle = inputs["mask"].shape[-1] // 2
    if middle <= reach:
        raise ExportError("the example is too short to measure a context")
    before = program(inputs)
    left = right = 0
    for name, value in inputs.items():
        moved = value.copy()
        moved[..., middle] = 0 if name == "mask" else moved[..., middle] + 1
        after = program(inputs | {name: moved})
        for output in program.outputs:
            changed = np.flatnonzero((before[output] != after[output]).any(0)) - middle
            left = max(left, int(changed.max()))  # later outputs look back on this frame
            right = max(right, -int(changed.min()))
    if max(left, right) >= reach:
        raise ExportError(f"the context is {reach} or more")
    return {"left": left, "right": right}


def check_windows(program: Program, inputs: Arrays, context: dict[str, int]) -> None:
    """Windows with the measured context give the whole."""
    whole = program(inputs)
    length = inputs["mask"].shape[-1]
    for size in (1, 7, 64):
        worst = dict.fromkeys(program.outputs, 0.0)
        for at in range(0, length, size):
            end = min(at + size, length)
            first, last = max(0, at - context["left"]), min(length, end + context["right"])
            window = program({name: value[..., first:last] for name, value in inputs.items()})
            for name in program.outputs:
                part = window[name][..., at - first : end - first]
                difference = np.abs(part - whole[name][..., at:end])
                worst[name] = np.maximum(worst[name], difference.max())  # keeps NaN
        for name, value in worst.items():
            scale = float(np.abs(whole[name]).max())
            hold(f"{name}, windows of {size} vs whole, relative", value / scale, 1e-5)


def measure_delay(program: Program, inputs: Arrays, whole: np.ndarray, ratio: int) -> int:
    """The shift, in frames, at which stepping equals the whole-utterance form."""
    flush = 64
    stepped = program.step(cut(pad(inputs, 0, flush), lambda: 10**9))
    length = whole.shape[-1]
    fits = [
        late
        for late in range(flush + 1)
        if farthest(stepped[..., late * ratio : late * ratio + length], whole) <= 1e-4
    ]
    if len(fits) != 1:
        raise ExportError(f"no single delay fits: {fits}")
    return fits[0]


def check_stateful(
    program: Program, whole_form: Callable[..., Tensor], examples: list[Arrays], ratio: int
) -> int:
    """Measure the delay, then: eager equality, chunks, padding, batches. Returns the delay."""
    wholes = [eager(whole_form, inputs)[0] for inputs in examples]
    delays = {
        measure_delay(program, inputs, whole, ratio)
        for inputs, whole in zip(examples, wholes, strict=True)
    }
    if len(delays) != 1:
        raise ExportError(f"the delay depends on the input: {delays}")
    (delay,) = delays
    rng = np.random.default_rng(0)
    for inputs, whole in zip(examples, wholes, strict=True):
        flushed = pad(inputs, 0, delay)
        frames, skip = inputs["mask"].shape[-1], delay * ratio
        at_once = program.step(cut(flushed, lambda: 10**9))
        # Rounding is relative: a log-mel of -9 has less behind the point than audio below 1.
        near = 1e-5 * max(1.0, float(np.abs(at_once).max()))
        difference = farthest(at_once[..., skip:], whole)
        hold(f"{frames} frames vs eager, whole utterance", difference, 1e-4)
        for name, sizes in {
            "1": lambda: 1,
            "7": lambda: 7,
            "64": lambda: 64,
            "random sizes": lambda: int(rng.integers(1, 50)),
        }.items():
            stepped = program.step(cut(flushed, sizes))
            hold(f"{frames} frames in chunks of {name}", farthest(stepped, at_once), near)
        padded = program.step(cut(pad(inputs, 0, delay + 13), lambda: 10**9))
        hold("padded", farthest(padded[..., : at_once.shape[-1]], at_once), near)
        dirty = {n: v.copy() for n, v in flushed.items()}
        for name in dirty.keys() - {"mask"}:
            dirty[name][..., frames:] = rng.uniform(0, 300)
        hold("padded with garbage", farthest(program.step(cut(dirty, lambda: 9)), at_once), near)
        batch = {n: np.concatenate([v[..., ::-1], v]) for n, v in inputs.items()}
        batched = program.step(cut(pad(batch, 0, delay), lambda: 32), batch=2)
        hold("batch of 2", farthest(batched[1:], at_once), near)
    return delay
