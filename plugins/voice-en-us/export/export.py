"""Make the voice's data files: networks, symbols and manifest, from trained weights.

    python plugins/voice-en-us/export/export.py --seed FOLDER

FOLDER holds the trained prototype: `am_slt_rms.pt`, `voc_srcfilter.pt` and the `models.py` that
trained them, which the exported networks are checked against. Contexts and delays are measured on
the exported files. A network that misses a bound is refused, and then nothing is written.
"""

import argparse
import hashlib
import importlib.util
import json
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import ModuleType

os.environ.setdefault("GOMP_SPINCOUNT", "0")

import models
import numpy as np
import onnx
import onnxruntime
import torch
from onnx import numpy_helper
from torch import Tensor, nn

Arrays = dict[str, np.ndarray]

PACKAGE = Path(__file__).parent.parent / "voxstack_voice_en_us"
OPSET = 18
CONTEXT_SEARCH = 40  # frames on each side of a disturbed one
SMALL_ENOUGH = 25_000_000  # bytes, the whole package

PHONES = (
    "pau aa ae ah ao aw ax ay b ch d dh eh er ey f g hh ih iy jh k l m n ng ow oy p r s sh t th uh "
    "uw v w y z zh"
)
SYMBOLS = {
    "phone": {
        name: index for index, name in enumerate(["<pad>", "<start>", "<end>", *PHONES.split()])
    },
    "word_position": {"none": 0, "begin": 1, "middle": 2, "end": 3, "single": 4},
}
SPEAKERS = {"rms": 1, "slt": 0}  # in our order: their rows in the prototype
DTYPES = {onnx.TensorProto.INT64: "int64", onnx.TensorProto.FLOAT: "float32"}


class ExportError(Exception):
    """A network does not keep what the manifest would promise."""


# -- trained weights into our modules --------------------------------------------------------------


def load(module: nn.Module, weights: dict[str, Tensor]) -> None:
    """Fill a module; every parameter must be given, and nothing else. Buffers are its own."""
    names = {name for name, _ in module.named_parameters()}
    if names != weights.keys():
        raise ExportError(f"weights do not fit: {sorted(names ^ weights.keys())}")
    module.load_state_dict(weights, strict=False)
    module.eval()


def block(trained: dict[str, Tensor], theirs: str, ours: str) -> dict[str, Tensor]:
    """One ConvNeXt block, its layer scale folded into the last layer."""
    part = {key: trained[f"{theirs}.{key}"] for key in ("g", "dw.bias", "n.weight", "n.bias")}
    scale = part["g"]
    return {
        f"{ours}.depthwise.weight": trained[f"{theirs}.dw.weight"].transpose(2, 3),
        f"{ours}.depthwise.bias": part["dw.bias"],
        f"{ours}.norm.weight": part["n.weight"],
        f"{ours}.norm.bias": part["n.bias"],
        f"{ours}.expand.weight": trained[f"{theirs}.a.weight"],
        f"{ours}.expand.bias": trained[f"{theirs}.a.bias"],
        f"{ours}.contract.weight": trained[f"{theirs}.b.weight"] * scale[:, None],
        f"{ours}.contract.bias": trained[f"{theirs}.b.bias"] * scale,
    }


def layer(trained: dict[str, Tensor], theirs: str, ours: str) -> dict[str, Tensor]:
    return {f"{ours}.{kind}": trained[f"{theirs}.{kind}"] for kind in ("weight", "bias")}


def load_text_encoder(trained: dict[str, Tensor]) -> models.TextEncoder:
    weights = {
        "symbol.weight": trained["ph.weight"][: len(SYMBOLS["phone"])],
        "stress.weight": trained["st.weight"],
        "word_position.weight": trained["wp.weight"],
        "function_word.weight": trained["fn.weight"],
        "question.weight": trained["q.weight"],
        "speaker.weight": trained["spk.weight"][list(SPEAKERS.values())],
        **layer(trained, "en", "norm"),
        **layer(trained, "duro", "duration"),
    }
    for i in range(4):
        weights |= block(trained, f"enc.{i}", f"blocks.{i}")
    for i in range(2):
        weights |= block(trained, f"durb.{i}", f"duration_blocks.{i}")
    module = models.TextEncoder(len(SYMBOLS["phone"]), len(SPEAKERS))
    load(module, weights)
    return module


def load_prosody(trained: dict[str, Tensor]) -> models.Prosody:
    weights = layer(trained, "up", "enter") | layer(trained, "pzn", "norm")
    weights |= layer(trained, "pzo", "leave")
    weights["enter.weight"] = weights["enter.weight"].unsqueeze(-1)
    for i in range(3):
        weights |= block(trained, f"pzb.{i}", f"blocks.{i}")
    module = models.Prosody()
    load(module, weights)
    return module


def load_decoder(trained: dict[str, Tensor]) -> models.Decoder:
    weights = layer(trained, "di", "enter") | layer(trained, "dn", "norm")
    weights["enter.weight"] = weights["enter.weight"].unsqueeze(-1)
    weights["leave.weight"] = trained["do.weight"] * models.MEL_SCALE
    weights["leave.bias"] = trained["do.bias"] * models.MEL_SCALE + models.MEL_MEAN
    for i in range(6):
        weights |= block(trained, f"dec.{i}", f"blocks.{i}")
    module = models.Decoder()
    load(module, weights)
    return module


def load_vocoder(trained: dict[str, Tensor]) -> models.Vocoder:
    # Trained: magnitudes, noise magnitudes and phases, each with the bins ascending. Ours: even
    # bins, then odd bins and one of zeros, each with those three.
    def rows(tensor: Tensor) -> Tensor:
        kinds = tensor.unflatten(0, (3, -1))
        even, odd = kinds[:, ::2], kinds[:, 1::2]
        odd = torch.cat([odd, torch.zeros_like(even[:, :1])], 1)
        return torch.stack([even, odd]).flatten(0, 2)

    weights = layer(trained, "i", "enter") | layer(trained, "n0", "enter_norm")
    weights |= layer(trained, "n1", "norm")
    weights["enter.weight"] = weights["enter.weight"].unsqueeze(2)
    weights["leave.weight"] = rows(trained["o.weight"])
    weights["leave.bias"] = rows(trained["o.bias"])
    for i in range(6):
        weights |= block(trained, f"bl.{i}", f"blocks.{i}")
    module = models.Vocoder()
    load(module, weights)
    return module


# -- export ----------------------------------------------------------------------------------------


def export(
    module: nn.Module, inputs: dict[str, Tensor], outputs: dict[str, str], rate: str
) -> onnx.ModelProto:
    """Export to ONNX.

    rate is the name of the inputs' last dimension; outputs gives that of each output.
    """
    states = [name for name in inputs if name.startswith("state_")]
    dynamic = torch.export.Dim.DYNAMIC
    shapes = []
    for name, value in inputs.items():
        axes = {0: dynamic}
        if name not in states and value.ndim > 1:
            axes[value.ndim - 1] = dynamic
        shapes.append(axes)
    if states:  # they come in as *states
        shapes = [*shapes[: -len(states)], tuple(shapes[-len(states) :])]
    program = torch.onnx.export(
        module,
        tuple(inputs.values()),
        input_names=list(inputs),
        output_names=[*outputs, *(f"next_{name}" for name in states)],
        dynamic_shapes=shapes,
        opset_version=OPSET,
        dynamo=True,
        external_data=False,
        verbose=False,
    )
    model = program.model_proto
    flatten(model)
    name_dimensions(model, rate, outputs)
    strip(model)
    return model


def flatten(model: onnx.ModelProto) -> None:
    """Flatten the audio without arithmetic on shapes, which the exporter writes out at length."""
    for node in model.graph.node:
        if node.op_type == "Reshape" and list(node.output) == ["audio"]:
            node.op_type = "Flatten"
            del node.input[1:], node.attribute[:]
            node.attribute.append(onnx.helper.make_attribute("axis", 1))
    nodes = list(model.graph.node)
    used = {value.name for value in model.graph.output}
    for node in reversed(nodes):
        if used.isdisjoint(node.output):
            nodes.remove(node)
        else:
            used.update(node.input)
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    initializers = [tensor for tensor in model.graph.initializer if tensor.name in used]
    del model.graph.initializer[:]
    model.graph.initializer.extend(initializers)


def name_dimensions(model: onnx.ModelProto, rate: str, outputs: dict[str, str]) -> None:
    """Give the dynamic dimensions of inputs and outputs the names that the manifest uses."""
    for value in [*model.graph.input, *model.graph.output]:
        state = "state_" in value.name
        dimensions = value.type.tensor_type.shape.dim
        for axis, dimension in enumerate(dimensions):
            if axis == 0:
                dimension.dim_param = "batch"
            elif axis == len(dimensions) - 1 and not state:
                dimension.dim_param = outputs.get(value.name, rate)
            elif not dimension.dim_value:
                raise ExportError(f"{value.name}: dimension {axis} is not fixed")


def strip(model: onnx.ModelProto) -> None:
    """Leave only what runs: no notes on where and by what the graph was made, short names."""
    del model.metadata_props[:], model.functions[:], model.graph.metadata_props[:]
    del model.graph.value_info[:]
    model.doc_string = model.graph.doc_string = model.domain = ""
    model.producer_name, model.producer_version = "voxstack", ""
    model.graph.name = "network"
    for item in [*model.graph.initializer, *model.graph.input, *model.graph.output]:
        item.doc_string = ""
        del item.metadata_props[:]
    for index, node in enumerate(model.graph.node):
        node.doc_string = ""
        node.name = f"{node.op_type}_{index}"
        del node.metadata_props[:]
    share_constants(model)


def share_constants(model: onnx.ModelProto) -> None:
    """Keep one of each group of equal constants: the exporter makes one for each use."""
    kept: dict[tuple, str] = {}
    renamed: dict[str, str] = {}
    initializers = list(model.graph.initializer)
    del model.graph.initializer[:]
    for tensor in initializers:
        array = numpy_helper.to_array(tensor)
        key = (tensor.data_type, tuple(tensor.dims), hashlib.sha256(array.tobytes()).digest())
        if key in kept:
            renamed[tensor.name] = kept[key]
        else:
            kept[key] = tensor.name
            model.graph.initializer.append(tensor)
    for node in model.graph.node:
        for i, name in enumerate(node.input):
            node.input[i] = renamed.get(name, name)


# -- running what was exported ---------------------------------------------------------------------


class Program:
    """An exported network on ONNX Runtime, one thread."""

    def __init__(self, model: onnx.ModelProto) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(model.SerializeToString(), options)
        self.outputs = [value.name for value in self.session.get_outputs()]
        self.states = {
            value.name: tuple(value.shape[1:])
            for value in self.session.get_inputs()
            if value.name.startswith("state_")
        }

    def __call__(self, inputs: Arrays) -> Arrays:
        return dict(zip(self.outputs, self.session.run(None, inputs), strict=True))

    def step(self, chunks: Iterator[Arrays], batch: int = 1) -> np.ndarray:
        """Step over chunks from zero states; the first output, joined."""
        states = {n: np.zeros((batch, *shape), np.float32) for n, shape in self.states.items()}
        joined = []
        for chunk in chunks:
            outputs = self(chunk | states)
            states = {name: outputs[f"next_{name}"] for name in states}
            joined.append(outputs[self.outputs[0]])
        return np.concatenate(joined, -1)


def cut(inputs: Arrays, sizes: Callable[[], int]) -> Iterator[Arrays]:
    """The inputs in consecutive chunks along time, of sizes() frames each."""
    at, end = 0, inputs["mask"].shape[-1]
    while at < end:
        size = min(sizes(), end - at)
        yield {name: value[..., at : at + size] for name, value in inputs.items()}
        at += size


def pad(inputs: Arrays, before: int, after: int) -> Arrays:
    """Zeros (so a mask of zeros) along time; inputs without time stay."""
    return {
        name: np.pad(value, [(0, 0)] * (value.ndim - 1) + [(before, after)])
        if value.ndim > 1
        else value
        for name, value in inputs.items()
    }


def eager(call: Callable[..., object], inputs: Arrays) -> tuple[np.ndarray, ...]:
    with torch.no_grad():
        result = call(*(torch.from_numpy(np.ascontiguousarray(v)) for v in inputs.values()))
    results = result if isinstance(result, tuple) else (result,)
    return tuple(tensor.numpy() for tensor in results)


def farthest(left: np.ndarray, right: np.ndarray) -> float:
    if left.shape != right.shape:
        raise ExportError(f"shapes {left.shape} and {right.shape} differ")
    return float(np.abs(left.astype(np.float64) - right).max())


def hold(what: str, value: float, bound: float) -> None:
    print(f"  {what}: {value:.1e} (bound {bound:.0e})")
    if not value <= bound:
        raise ExportError(f"{what}: {value:.3g} is above {bound:.0e}")


# -- example inputs --------------------------------------------------------------------------------


def text_inputs(length: int, batch: int = 1, seed: int = 0) -> Arrays:
    """Random words between start and end."""
    rng = np.random.default_rng(seed)
    ids = rng.integers(3, len(SYMBOLS["phone"]), (batch, length))
    ids[:, 0], ids[:, -1] = 1, 2
    return {
        "ids": ids,
        "stress": rng.integers(0, 2, (batch, length)),
        "word_position": rng.integers(0, 5, (batch, length)),
        "function_word": rng.integers(0, 2, (batch, length)),
        "question": rng.integers(0, 2, batch),
        "speaker": rng.integers(0, len(SPEAKERS), batch),
        "mask": np.ones((batch, length), np.float32),
    }


def upsample(encodings: np.ndarray, durations: np.ndarray) -> Arrays:
    """What the Upsampler of the host makes, for batch 1."""
    whole = np.maximum(np.round(durations[0]), 1).astype(int)
    symbol = np.repeat(np.arange(len(whole)), whole)
    starts = np.cumsum(whole) - whole
    return {
        "encodings": encodings[..., symbol],
        "elapsed": (np.arange(len(symbol)) - starts[symbol] + 0.5).astype(np.float32)[None],
        "duration": whole[symbol].astype(np.float32)[None],
        "mask": np.ones((1, len(symbol)), np.float32),
    }


def phases(f0: np.ndarray) -> np.ndarray:
    """The phase at the first sample of each frame, in cycles: what the host's Phase makes."""
    f0 = f0.astype(np.float64)
    change = np.diff(f0, axis=-1)
    hop = models.HOP
    cycles = (f0[..., :-1] * hop + change * (hop - 1) / 2) / models.SAMPLE_RATE
    total = np.concatenate([np.zeros_like(f0[..., :1]), np.cumsum(cycles, -1)], -1)
    return (total % 1).astype(np.float32)


class Utterance:
    """Example inputs of the networks at frame rate, made by our own modules."""

    def __init__(
        self,
        text_encoder: models.TextEncoder,
        prosody: models.Prosody,
        decoder: models.Decoder,
        symbols: int,
        seed: int,
    ) -> None:
        self.text = text_inputs(symbols, seed=seed)
        encodings, durations = eager(text_encoder, self.text)
        self.frames = upsample(encodings, durations)
        f0, voicing = eager(prosody, self.frames)
        mask = self.frames["mask"]
        voiced = (voicing > 0).astype(np.float32)
        upsampled = {name: v for name, v in self.frames.items() if name != "mask"}
        self.decoder = upsampled | {"f0": f0, "voiced": voiced, "mask": mask}
        (mel,) = eager(decoder.whole, self.decoder)
        noise = np.random.default_rng(seed).standard_normal((1, models.HOP, mask.shape[-1]))
        self.vocoder = {
            "mel": mel,
            "f0": f0,
            "voiced": voiced,
            "phase": phases(f0),
            "noise": noise.astype(np.float32),
            "mask": mask,
        }


def twice(inputs: Arrays, states: dict[str, tuple[int, ...]]) -> dict[str, Tensor]:
    """A batch of two with zero states, for tracing."""
    tensors = {name: torch.from_numpy(np.concatenate([v, v])) for name, v in inputs.items()}
    return tensors | {f"state_{name}": torch.zeros(2, *shape) for name, shape in states.items()}


# -- checks ----------------------------------------------------------------------------------------


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


# -- the manifest ----------------------------------------------------------------------------------


def declared(values: Iterable[onnx.ValueInfoProto]) -> dict[str, dict]:
    return {
        value.name: {
            "dtype": DTYPES[value.type.tensor_type.elem_type],
            "shape": [d.dim_param or d.dim_value for d in value.type.tensor_type.shape.dim],
        }
        for value in values
    }


def network(name: str, role: str, model: onnx.ModelProto, **rest: object) -> dict:
    inputs, outputs = declared(model.graph.input), declared(model.graph.output)
    states = {name: f"next_{name}" for name in inputs if name.startswith("state_")}
    return {
        "role": role,
        "files": {"onnx": f"networks/{name}.onnx"},
        "inputs": inputs,
        "outputs": outputs,
        **({"state": states} if states else {}),
        **rest,
    }


def file_entry(path: Path) -> dict:
    data = path.read_bytes()
    return {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}


def manifest(networks: dict[str, dict], files: dict[str, dict]) -> dict:
    # The vocoder takes the noise's spectrum, in which uniform noise is as good as normal.
    noise = {"type": "Noise", "distribution": "uniform"}
    frames = [{"type": "Upsampler"}, {"type": "Prosody"}, {"type": "Phase"}, noise]
    return {
        "format": 1,
        "name": "en-us",
        "version": "0.1.0",
        "language": "en-US",
        "license": "Apache-2.0 AND MIT-Festival",
        "description": "US English, a male and a female speaker, taught by flite's rms and slt.",
        "card": "CARD.md",
        "sample": "Hello, world.",
        "audio": {"sample_rate": models.SAMPLE_RATE, "hop": models.HOP},
        "frontend": {"type": "English"},
        "symbols": "symbols.json",
        "controls": {
            "speaker": {"values": list(SPEAKERS), "default": "rms"},
            "rate": {"min": 0.5, "max": 2.0, "default": 1.0},
        },
        "networks": networks,
        "stack": [
            {
                "type": "StreamablePipeline",
                "sequence_block": {"type": "Encoders"},
                "streamable_block": {
                    "type": "StreamableStack",
                    "stack": [*frames, {"type": "Decoder"}],
                },
            },
            {"type": "Vocoder"},
        ],
        "files": files,
    }


def pretty(value: object, indent: int = 0) -> str:
    """JSON with whatever fits on a line of its own, so that a tensor is one line."""
    line = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, dict | list) or len(line) + indent <= 76:
        return line
    inner = " " * (indent + 2)
    if isinstance(value, dict):
        items = [f"{json.dumps(k)}: {pretty(v, indent + 2)}" for k, v in value.items()]
    else:
        items = [pretty(item, indent + 2) for item in value]
    start, end = "{}" if isinstance(value, dict) else "[]"
    return f"{start}\n{inner}" + f",\n{inner}".join(items) + f"\n{' ' * indent}{end}"


def prototype(folder: Path) -> tuple[ModuleType, nn.Module, nn.Module]:
    """The prototype's modules with their weights."""
    spec = importlib.util.spec_from_file_location("prototype_models", folder / "models.py")
    seed = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(seed)
    am, voc = seed.AM(), seed.Voc()
    am.load_state_dict(torch.load(folder / "am_slt_rms.pt"))
    voc.load_state_dict(torch.load(folder / "voc_srcfilter.pt"))
    return seed, am.eval(), voc.eval()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=Path, required=True, help="folder of the trained prototype")
    parser.add_argument("--out", type=Path, default=PACKAGE, help="folder of the addon")
    arguments = parser.parse_args()
    torch.set_num_threads(1)

    trained = prototype(arguments.seed)
    _, am, voc = trained
    text_encoder, prosody = load_text_encoder(am.state_dict()), load_prosody(am.state_dict())
    decoder, vocoder = load_decoder(am.state_dict()), load_vocoder(voc.state_dict())
    traced, *unseen = (
        Utterance(text_encoder, prosody, decoder, symbols, seed=symbols) for symbols in (9, 17, 41)
    )

    frames = "frames"
    graphs = {
        "text_encoder": export(
            text_encoder,
            twice(traced.text, {}),
            {"encodings": "text", "durations": "text"},
            "text",
        ),
        "prosody": export(
            prosody, twice(traced.frames, {}), {"f0": frames, "voicing": frames}, frames
        ),
        "decoder": export(
            decoder, twice(traced.decoder, decoder.states()), {"mel": frames}, frames
        ),
        "vocoder": export(
            vocoder, twice(traced.vocoder, vocoder.states()), {"audio": "samples"}, frames
        ),
    }
    for graph in graphs.values():
        onnx.checker.check_model(graph, full_check=True)
    programs = {name: Program(graph) for name, graph in graphs.items()}

    print("text_encoder")
    scale = {"encodings": 1, "durations": 1}
    check_stateless(programs["text_encoder"], text_encoder, [u.text for u in unseen], scale)
    print("prosody")
    scale = {"f0": 100, "voicing": 1}  # F0 is in Hz
    check_stateless(programs["prosody"], prosody, [u.frames for u in unseen], scale)
    context = measure_context(programs["prosody"], unseen[-1].frames)
    print(f"  context {context}")
    if not (programs["prosody"](pad(unseen[-1].frames, 0, 13))["f0"] > 0).all():
        raise ExportError("f0 is not positive in the padding")
    check_windows(programs["prosody"], unseen[-1].frames, context)
    delays = {}
    for name, module, ratio in (("decoder", decoder, 1), ("vocoder", vocoder, models.HOP)):
        print(name)
        examples = [getattr(u, name) for u in unseen]
        delays[name] = check_stateful(programs[name], module.whole, examples, ratio)
    print("against the prototype")
    check_prototype(unseen[-1], programs, delays, trained)

    networks = {
        "text_encoder": network("text_encoder", "encoder", graphs["text_encoder"]),
        "prosody": network("prosody", "prosody", graphs["prosody"], context=context),
        "decoder": network("decoder", "decoder", graphs["decoder"], delay=delays["decoder"]),
        "vocoder": network(
            "vocoder", "vocoder", graphs["vocoder"], delay=delays["vocoder"], frame_ratio=models.HOP
        ),
    }
    write(arguments.out, graphs, networks)


def write(out: Path, graphs: dict[str, onnx.ModelProto], networks: dict[str, dict]) -> None:
    (out / "networks").mkdir(parents=True, exist_ok=True)
    for name, graph in graphs.items():
        data = graph.SerializeToString(deterministic=True)
        found = re.search(rb"/(work|root|home|tmp|usr)/|\.py\b", data)
        if found:
            raise ExportError(f"{name}.onnx still carries {found.group()!r}")
        (out / "networks" / f"{name}.onnx").write_bytes(data)
    (out / "symbols.json").write_text(pretty(SYMBOLS) + "\n", encoding="utf-8", newline="\n")
    names = [f"networks/{name}.onnx" for name in graphs] + ["symbols.json", "CARD.md", "LICENSE"]
    files = {name: file_entry(out / name) for name in names}
    text = pretty(manifest(networks, files)) + "\n"
    (out / "addon.json").write_text(text, encoding="utf-8", newline="\n")
    total = sum(entry["bytes"] for entry in files.values()) + len(text)
    for name, entry in files.items():
        print(f"{entry['bytes']:>12,} {name}")
    if total > SMALL_ENOUGH:
        raise ExportError(f"the package has {total:,} bytes, more than {SMALL_ENOUGH:,}")


if __name__ == "__main__":
    try:
        main()
    except ExportError as reason:
        sys.exit(f"refused: {reason}")
