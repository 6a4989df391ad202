"""Make core/voxstack/testing/networks: the toy networks of the executors' suite.

``python tests/core/make_testing_networks.py`` with onnx and torch; see ``voxstack/testing/toys.py``
for what the networks are.
"""

import hashlib
import json

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from voxstack_kit.testing.toys import (
    FOLDER,
    MADE,
    MIXED,
    NO_SYMBOL,
    QUERY,
    SPEAKERS,
    STEP,
    STYLE,
    SYMBOLS,
    WINDOW,
)

TYPES = {"float32": TensorProto.FLOAT, "int64": TensorProto.INT64, "int32": TensorProto.INT32}
FRAMES, TEXT = ["batch", "frames"], ["batch", "text"]


def f32(*shape):
    return {"dtype": "float32", "shape": list(shape)}


NETWORKS = {
    "windows": {
        "role": "decoder",
        "inputs": {"x": f32("batch", 3, "frames"), "mask": f32(*FRAMES)},
        "outputs": {"y": f32("batch", 2, "frames")},
        "context": {"left": 2, "right": 1},
    },
    "steps": {
        "role": "vocoder",
        "inputs": {
            "x": f32("batch", 2, "frames"),
            "gain": f32("batch", 1),
            "mask": f32(*FRAMES),
            "past": f32("batch", 2, 4),
        },
        "outputs": {"y": f32("batch", "samples"), "next_past": f32("batch", 2, 4)},
        "state": {"past": "next_past"},
        "delay": 2,
        "frame_ratio": 2,
    },
    "attention": {
        "role": "decoder",
        "inputs": {
            "encodings": f32("batch", 4, "text"),
            "text_mask": f32(*TEXT),
            "place": f32("batch", 1),
        },
        "outputs": {"y": f32("batch", 3, 2), "next_place": f32("batch", 1)},
        "state": {"place": "next_place"},
    },
    "symbols": {
        "role": "encoder",
        "inputs": {
            "ids": {"dtype": "int64", "shape": TEXT},
            "style": {"dtype": "int32", "shape": TEXT},
            "speaker": {"dtype": "int64", "shape": ["batch"]},
            "mask": f32(*TEXT),
        },
        "outputs": {
            "encodings": f32("batch", 4, "text"),
            "counts": {"dtype": "int64", "shape": TEXT},
        },
    },
}


# ONNX -------------------------------------------------------------------------------------------


class Graph:
    """Nodes and constants, put together in order."""

    def __init__(self):
        self.nodes, self.constants = [], []

    def constant(self, array):
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def __call__(self, operator, *inputs, to=None, **attributes):
        given = [i if isinstance(i, str) else self.constant(i) for i in inputs]
        made = to or f"n{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, given, [made], **attributes))
        return made


def windows(g):
    masked = g("Mul", "x", g("Unsqueeze", "mask", np.array([1])))
    g("Tanh", g("Conv", masked, WINDOW, pads=[2, 1]), to="y")


def steps(g):
    masked = g("Mul", "x", g("Unsqueeze", "mask", np.array([1])))
    joined = g("Concat", "past", masked, axis=-1)
    bounds = (np.array([n]) for n in (-4, 2**31, -1))
    g("Slice", joined, *bounds, to="next_past")
    turned = g("Transpose", g("Conv", joined, STEP), perm=[0, 2, 1])
    g("Mul", g("Reshape", turned, np.array([0, -1])), "gain", to="y")


def attention(g):
    query = g("Mul", "encodings", QUERY[None, :, None])
    score = g("ReduceSum", query, np.array([1]), keepdims=0)
    score = g("Mul", score, g("Add", "place", np.float32([1])))
    padding = g("Mul", g("Sub", np.float32([1]), "text_mask"), np.float32([NO_SYMBOL]))
    weights = g("Softmax", g("Add", score, padding), axis=-1)
    weighted = g("Mul", "encodings", g("Unsqueeze", weights, np.array([1])))
    attended = g("ReduceSum", weighted, np.array([2]), keepdims=0)
    g("Reshape", g("Tanh", g("MatMul", attended, MADE)), np.array([0, 3, 2]), to="y")
    first = g("Slice", attended, np.array([0]), np.array([1]), np.array([1]))
    g("Add", g("Mul", "place", np.float32([0.5])), first, to="next_place")


def symbols(g):
    embedded = g(
        "Add",
        g("Gather", SYMBOLS, "ids"),
        g("Unsqueeze", g("Gather", SPEAKERS, "speaker"), np.array([1])),
    )
    style = g("Mul", _float(g, "style"), np.float32([STYLE]))
    embedded = g("Add", embedded, g("Unsqueeze", style, np.array([2])))
    turned = g("Transpose", embedded, perm=[0, 2, 1])
    masked = g("Mul", turned, g("Unsqueeze", "mask", np.array([1])))
    g("Conv", masked, MIXED, pads=[1, 1], to="encodings")
    twice = g("Mul", "ids", np.array([2]))
    g("Add", twice, g("Unsqueeze", "speaker", np.array([1])), to="counts")


def _float(g, name):
    made = f"n{len(g.nodes)}"
    g.nodes.append(helper.make_node("Cast", [name], [made], to=TensorProto.FLOAT))
    return made


def onnx_of(name):
    g = Graph()
    {"windows": windows, "steps": steps, "attention": attention, "symbols": symbols}[name](g)
    declared = NETWORKS[name]
    ends = [
        [
            helper.make_tensor_value_info(n, TYPES[s["dtype"]], s["shape"])
            for n, s in declared[k].items()
        ]
        for k in ("inputs", "outputs")
    ]
    graph = helper.make_graph(g.nodes, name, *ends, g.constants)
    opsets = [helper.make_opsetid("", 17)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8, producer_name="voxstack")
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString(deterministic=True)


# PyTorch ----------------------------------------------------------------------------------------


def pt2_of(name):
    import torch
    from torch import nn
    from torch.nn.functional import conv1d
    from voxstack_torch.exporting import export_pt2

    class Toy(nn.Module):
        def __init__(self, **weights):
            super().__init__()
            for key, value in weights.items():
                self.register_buffer(key, torch.from_numpy(value.copy()))

    class Windows(Toy):
        def forward(self, x, mask):
            padded = torch.nn.functional.pad(x * mask[:, None], (2, 1))
            return (conv1d(padded, self.kernel).tanh(),)

    class Steps(Toy):
        def forward(self, x, gain, mask, past):
            joined = torch.cat([past, x * mask[:, None]], -1)
            made = conv1d(joined, self.kernel).transpose(1, 2).flatten(1)
            return made * gain, joined[..., -4:].clone()

    class Attention(Toy):
        def forward(self, encodings, text_mask, place):
            score = (encodings * self.query[None, :, None]).sum(1) * (place + 1)
            weights = (score + (1 - text_mask) * NO_SYMBOL).softmax(-1)
            attended = (encodings * weights[:, None]).sum(-1)
            made = (attended @ self.made).tanh().unflatten(1, (3, 2))
            return made, place * 0.5 + attended[:, :1]

    class Symbols(Toy):
        def forward(self, ids, style, speaker, mask):
            embedded = self.symbols[ids] + self.speakers[speaker][:, None]
            embedded = embedded + (style.float() * STYLE)[..., None]
            masked = embedded.transpose(1, 2) * mask[:, None]
            padded = torch.nn.functional.pad(masked, (1, 1))
            return conv1d(padded, self.mixed), ids * 2 + speaker[:, None]

    module = {
        "windows": lambda: Windows(kernel=WINDOW),
        "steps": lambda: Steps(kernel=STEP),
        "attention": lambda: Attention(query=QUERY, made=MADE),
        "symbols": lambda: Symbols(symbols=SYMBOLS, speakers=SPEAKERS, mixed=MIXED),
    }[name]()
    inputs = NETWORKS[name]["inputs"]
    sizes = {"batch": 2, "frames": 9, "text": 7}
    examples = {
        n: torch.zeros([sizes.get(d, d) for d in s["shape"]], dtype=getattr(torch, s["dtype"]))
        for n, s in inputs.items()
    }
    return export_pt2(module, examples, {n: s["shape"] for n, s in inputs.items()})


# The addon --------------------------------------------------------------------------------------


def main():
    FOLDER.mkdir(exist_ok=True)
    files, networks = {}, {}
    for name, declared in NETWORKS.items():
        paths = {}
        for kind, make in (("onnx", onnx_of), ("pt2", pt2_of)):
            data, path = make(name), f"{name}.{kind}"
            (FOLDER / path).write_bytes(data)
            files[path] = {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
            paths[kind] = path
        networks[name] = {"role": declared["role"], "files": paths, **declared}
    manifest = {
        "format": 1,
        "name": "testing",
        "version": "1",
        "language": "en-US",
        "license": "Apache-2.0",
        "description": "Toy networks that voxstack_kit.testing runs executors on.",
        "audio": {"sample_rate": 16000, "hop": 200},
        "sizes": {"text": [[8, 0.5], [16, 0.5]]},
        "networks": networks,
        "files": files,
    }
    (FOLDER / "addon.json").write_text(json.dumps(manifest, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
