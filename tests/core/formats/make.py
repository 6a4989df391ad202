"""Make the addons of format 1 that must keep loading: ``python tests/core/formats/make.py``.

They are committed as they were made, and are not made again: an addon of format 1 is what it is.
A key that format 1 gets later goes into a new addon, beside those that are there.
"""

import hashlib
import json
import zipfile
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

HERE = Path(__file__).parent / "1"
TYPES = {"float32": TensorProto.FLOAT, "int64": TensorProto.INT64}
FRAMES = ["batch", "frames"]


def f32(*shape):
    return {"dtype": "float32", "shape": list(shape)}


def i64(*shape):
    return {"dtype": "int64", "shape": list(shape)}


def weights(*shape):
    """Numbers between -1 and 1 that need no generator."""
    return np.sin(1.0 + np.arange(np.prod(shape))).reshape(shape).astype(np.float32)


def node(op, inputs, output, **attributes):
    return helper.make_node(op, inputs.split(), [output], **attributes)


CONSTANTS = {
    "one": np.array([1], np.int64),
    "flat": np.array([0, -1], np.int64),
    "tenth": np.float32(0.1),
    "zero": np.float32(0.0),
    "three": np.float32(3.0),
    "wide": weights(2, 1, 3),
    "narrow": weights(1, 1, 3),
    "up": weights(4, 2, 3) * np.float32(0.1),
    "up_one": weights(4, 1, 3) * np.float32(0.1),
}

ENCODER = {
    "role": "encoder",
    "inputs": {"ids": i64("batch", "text"), "speaker": i64("batch")},
    "outputs": {
        "encodings": f32("batch", 1, "text"),
        "durations": f32("batch", "text"),
        "gain": f32("batch", 1),
    },
}
ENCODER_NODES = [
    node("Cast", "ids", "numbers", to=TensorProto.FLOAT),
    node("Cast", "speaker", "who", to=TensorProto.FLOAT),
    node("Unsqueeze", "who one", "gain_0"),
    node("Add", "gain_0 three", "gain"),
    node("Mul", "numbers tenth", "small"),
    node("Unsqueeze", "small one", "encodings"),
    node("Mul", "numbers zero", "nothing"),
    node("Add", "nothing three", "durations"),
]
DECODER = {
    "role": "decoder",
    "inputs": {"encodings": f32("batch", 1, "frames"), "mask": f32(*FRAMES)},
    "outputs": {"mel": f32("batch", 2, "frames")},
    "context": {"left": 1, "right": 1},
}
DECODER_NODES = [
    node("Unsqueeze", "mask one", "gate"),
    node("Mul", "encodings gate", "gated"),
    node("Conv", "gated wide", "mel", pads=[1, 1]),
]
STEPPED = {
    "role": "decoder",
    "inputs": {
        "encodings": f32("batch", 1, "frames"),
        "gain": f32("batch", 1),
        "past": f32("batch", 1, 2),
    },
    "outputs": {"mel": f32("batch", 1, "frames"), "next_past": f32("batch", 1, 2)},
    "state": {"past": "next_past"},
    "delay": 1,
}
STEPPED_NODES = [
    node("Concat", "past encodings", "joined", axis=2),
    node("Conv", "joined narrow", "raw"),
    node("Unsqueeze", "gain one", "louder"),
    node("Mul", "raw louder", "mel"),
    node("Slice", "joined minus_two end last_axis", "next_past"),
]
CONSTANTS |= {
    "minus_two": np.array([-2], np.int64),
    "end": np.array([2**31], np.int64),
    "last_axis": np.array([2], np.int64),
}


def vocoder(channels):
    return {
        "role": "vocoder",
        "inputs": {"mel": f32("batch", channels, "frames"), "mask": f32(*FRAMES)},
        "outputs": {"audio": f32("batch", "samples")},
        "context": {"left": 1, "right": 1},
        "frame_ratio": 4,
    }


def vocoder_nodes(kernel):
    return [
        node("Unsqueeze", "mask one", "gate"),
        node("Mul", "mel gate", "gated"),
        node("Conv", f"gated {kernel}", "four", pads=[1, 1]),
        node("Transpose", "four", "turned", perm=[0, 2, 1]),
        node("Reshape", "turned flat", "audio"),
    ]


def graph(declared, nodes):
    used = {name for n in nodes for name in n.input}
    tensors = [
        [
            helper.make_tensor_value_info(name, TYPES[spec["dtype"]], spec["shape"])
            for name, spec in declared[side].items()
        ]
        for side in ("inputs", "outputs")
    ]
    constants = [numpy_helper.from_array(v, k) for k, v in CONSTANTS.items() if k in used]
    model = helper.make_model(
        helper.make_graph(nodes, "network", *tensors, constants),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=8,
    )
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString()


SYMBOLS = json.dumps({"letter": {c: i for i, c in enumerate(" .abcdefghijklmnopqrstuvwxyz", 1)}})
STACK = [
    {
        "type": "StreamablePipeline",
        "sequence_block": {"type": "Encoders"},
        "streamable_block": {
            "type": "StreamableStack",
            "stack": [{"type": "Upsampler", "minimum": 2}, {"type": "Decoder"}],
        },
    },
    {"type": "Vocoder"},
]
FRONTEND = {"frontend": {"type": "Letters"}, "symbols": "symbols.json", "sample": "hello."}
SPEAKER = {"speaker": {"values": ["ann", "bob"], "default": "bob"}}


def addon(name, networks, extra, texts):
    """Return the files of an addon by their path."""
    files = {path: text.encode() for path, text in texts.items()}
    declared = {}
    for network, (facts, nodes) in networks.items():
        path = f"networks/{network}.onnx"
        files[path] = graph(facts, nodes)
        declared[network] = {**facts, "files": {"onnx": path}}
    manifest = {
        "format": 1,
        "name": name,
        "version": "1.0.0",
        "language": "en-US",
        "license": "CC0-1.0",
        "audio": {"sample_rate": 8000, "hop": 4},
        **extra,
        "networks": declared,
        "files": {
            path: {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
            for path, data in files.items()
        },
    }
    return {"addon.json": json.dumps(manifest, indent=1).encode() + b"\n", **files}


def all_addons():
    encoder, decoder = (ENCODER, ENCODER_NODES), (DECODER, DECODER_NODES)
    stepped = (STEPPED, STEPPED_NODES)
    two, one = (vocoder(2), vocoder_nodes("up")), (vocoder(1), vocoder_nodes("up_one"))
    shared = [STACK[0], {"type": "Vocoder", "network": "shared_vocoder:vocoder"}]
    yield addon(
        "windowed",
        {"encoder": encoder, "decoder": decoder, "vocoder": two},
        {
            **FRONTEND,
            "description": "Every key that a voice may have; networks with context.",
            "author": "nobody",
            "homepage": "https://example.org/windowed",
            "datasets": ["none"],
            "card": "CARD.md",
            "sizes": {"text": [[6, 0.5], [12, 0.5]]},
            "controls": {**SPEAKER, "rate": {"min": 0.5, "max": 2.0, "default": 1.5}},
            "stack": STACK,
        },
        {"symbols.json": SYMBOLS, "CARD.md": "# A voice of three convolutions\n"},
    )
    yield addon(
        "stateful",
        {"encoder": encoder, "decoder": stepped, "vocoder": one},
        {**FRONTEND, "controls": SPEAKER, "stack": STACK},
        {"symbols.json": SYMBOLS},
    )
    yield addon("shared_vocoder", {"vocoder": two}, {}, {})
    yield addon("recorded", {"vocoder": two}, {"packed_with": "voxstack-onnxruntime"}, {})
    yield addon(
        "borrowing",
        {"encoder": encoder, "decoder": decoder},
        {**FRONTEND, "controls": SPEAKER, "stack": shared},
        {"symbols.json": SYMBOLS},
    )


def main():
    """Write what is not there: folders, and ``borrowing`` as a zip."""
    for files in all_addons():
        name = json.loads(files["addon.json"])["name"]
        if name == "borrowing":
            archive = HERE / "borrowing.zip"
            if not archive.exists():
                with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
                    for path, data in files.items():
                        packed.writestr(zipfile.ZipInfo(path), data, zipfile.ZIP_DEFLATED)
        elif not (HERE / name).exists():
            for path, data in files.items():
                (HERE / name / path).parent.mkdir(parents=True, exist_ok=True)
                (HERE / name / path).write_bytes(data)


if __name__ == "__main__":
    main()
