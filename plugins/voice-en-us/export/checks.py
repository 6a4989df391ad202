"""Measure contexts and delays on the exported graphs, and refuse what is not exact."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import models
import numpy as np
import torch
from common import SPEAKERS, Arrays, ExportError
from running import Program, Utterance, cut, eager, farthest, hold, pad, phases, upsample
from torch import Tensor, nn

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
    print(f"  delay {delay} frames")
    rng = np.random.default_rng(0)
    for inputs, whole in zip(examples, wholes, strict=True):
        flushed = pad(inputs, 0, delay)
        frames, skip = inputs["mask"].shape[-1], delay * ratio
        at_once = program.step(cut(flushed, lambda: 10**9))
        difference = farthest(at_once[..., skip:], whole)
        hold(f"{frames} frames vs eager, whole utterance", difference, 1e-4)
        for name, sizes in {
            "1": lambda: 1,
            "7": lambda: 7,
            "64": lambda: 64,
            "random sizes": lambda: int(rng.integers(1, 50)),
        }.items():
            stepped = program.step(cut(flushed, sizes))
            hold(f"{frames} frames in chunks of {name}", farthest(stepped, at_once), 1e-5)
        padded = program.step(cut(pad(inputs, 0, delay + 13), lambda: 10**9))
        hold("padded", farthest(padded[..., : at_once.shape[-1]], at_once), 1e-5)
        dirty = {n: v.copy() for n, v in flushed.items()}
        for name in dirty.keys() - {"mask"}:
            dirty[name][..., frames:] = rng.uniform(0, 300)
        hold("padded with garbage", farthest(program.step(cut(dirty, lambda: 9)), at_once), 1e-5)
        batch = {n: np.concatenate([v[..., ::-1], v]) for n, v in inputs.items()}
        batched = program.step(cut(pad(batch, 0, delay), lambda: 32), batch=2)
        hold("batch of 2", farthest(batched[1:], at_once), 1e-5)
    return delay


def check_prototype(
    utterance: Utterance,
    programs: dict[str, Program],
    delays: dict[str, int],
    trained: tuple[ModuleType, nn.Module, nn.Module],
) -> None:
    """Our networks against the modules that were trained."""
    seed, am, voc = trained
    text = utterance.text
    rows = [text[name] for name in ("ids", "stress", "word_position", "function_word")]
    speaker = torch.tensor([list(SPEAKERS.values())[i] for i in text["speaker"]])
    with torch.no_grad():
        encodings, log_durations, _ = am.encode(
            torch.from_numpy(np.stack(rows, -1)), torch.from_numpy(text["question"]), speaker
        )
        whole = torch.expm1(log_durations).round().clamp(min=1).long()
        frames, mask = am.regulate(encodings, whole, int(whole.sum()))
        pitch, voicing = am.pitch(frames, mask)
        voiced = (voicing > 0).float()
        mel = am.decode(frames, mask, pitch, voiced) * seed.MS + seed.MM
        pitch = pitch * seed.LS + seed.LM
    ours = programs["text_encoder"](text)
    hold("encodings", farthest(ours["encodings"], encodings.transpose(1, 2).numpy()), 1e-3)
    frames = upsample(ours["encodings"], ours["durations"])
    prosody = programs["prosody"](frames)
    hold("log f0", farthest(np.log(prosody["f0"]), pitch.numpy()), 1e-4)
    if ((prosody["voicing"] > 0) != (voiced.numpy() > 0)).any():
        raise ExportError("voicing differs from the prototype's")
    inputs = {n: v for n, v in frames.items() if n != "mask"}
    inputs |= {"f0": prosody["f0"], "voiced": voiced.numpy(), "mask": frames["mask"]}
    decoder = programs["decoder"]
    late = delays["decoder"]
    stepped = decoder.step(cut(pad(inputs, 0, late), lambda: 32))[..., late:]
    hold("mel", farthest(stepped, mel.transpose(1, 2).numpy()), 1e-3)

    # Audio, from the prototype's mel and F0. What differs: the prototype has a whole number of
    # harmonics (measured to be nearly all of the difference), ends at the centre of the last frame,
    # and divides by the true overlap of the windows at the edges, where ours fades.
    hop, count = models.HOP, mel.shape[1]
    noise = utterance.vocoder["noise"][..., :count]
    f0 = np.exp(pitch.numpy())
    inputs = {
        "mel": mel.transpose(1, 2).numpy(),
        "f0": f0,
        "voiced": voiced.numpy(),
        "phase": phases(f0),
        "noise": noise,
        "mask": np.ones((1, count), np.float32),
    }
    late = delays["vocoder"]
    chunks = cut(pad(inputs, 0, late), lambda: 32)
    stepped = programs["vocoder"].step(chunks)[..., late * hop :]
    signal = torch.from_numpy(noise.transpose(0, 2, 1).reshape(1, -1)[:, :-hop].copy())
    with torch.no_grad():
        theirs = voc(mel, pitch, voiced, noise=signal).numpy()
    difference = np.abs(stepped[:, : theirs.shape[-1]] - theirs)
    inside = difference[:, 2 * hop : -3 * hop]
    level = float(np.sqrt((theirs**2).mean()))
    print(
        f"  audio level (rms) {level:.4f}, difference inside: rms {np.sqrt((inside**2).mean()):.2e}"
    )
    print(f"  audio difference at the edges: {difference.max():.2e}")
    hold("audio inside the edges", float(inside.max()), 0.05 * float(np.abs(theirs).max()))
