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
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType

os.environ.setdefault("GOMP_SPINCOUNT", "0")

import models
import onnx
import torch
from checks import check_prototype, check_stateful, check_stateless, check_windows, measure_context
from common import SPEAKERS, SYMBOLS, ExportError
from graphs import export
from running import Program, Utterance, pad, twice
from torch import nn
from weights import load_decoder, load_prosody, load_text_encoder, load_vocoder

PACKAGE = Path(__file__).parent.parent / "voxstack_voice_en_us"
SMALL_ENOUGH = 25_000_000  # bytes, the whole package

DTYPES = {onnx.TensorProto.INT64: "int64", onnx.TensorProto.FLOAT: "float32"}


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
