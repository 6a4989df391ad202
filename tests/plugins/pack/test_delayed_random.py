"""Random graphs of convolutions, stepped in random chunks, are the whole utterance."""

import numpy as np
import onnx
import onnxruntime
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import helper, numpy_helper
from voxstack_pack.delayed import delayed

WIDTH = 4


class Graph:
    """A random whole-utterance graph; `pool` are tensors [B, WIDTH, rate * T]."""

    def __init__(self, draw):
        self.draw, self.nodes, self.constants = draw, [], []
        self.pool, self.rate, self.made = ["x"], 1, 0
        self.random = np.random.default_rng(draw(st.integers(0, 999)))

    def whole(self, low, high):
        return self.draw(st.integers(low, high))

    def add(self, kind, *inputs, **attributes):
        self.made += 1
        names = [i if isinstance(i, str) else self.constant(i) for i in inputs]
        self.nodes.append(helper.make_node(kind, names, [f"t{self.made}"], **attributes))
        return f"t{self.made}"

    def constant(self, value):
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def weights(self, *shape):
        return (self.random.standard_normal(shape) / np.sqrt(np.prod(shape[1:]))).astype("f")

    def any(self):
        return self.draw(st.sampled_from(self.pool))

    def conv(self):
        kernel, dilation = self.whole(1, 5), self.whole(1, 3)
        group = self.draw(st.sampled_from([1, WIDTH]))
        memory = (kernel - 1) * dilation
        left = self.whole(0, memory)
        weights = [self.weights(WIDTH, WIDTH // group, kernel)]
        if self.whole(0, 1):
            weights.append(self.weights(WIDTH))
        same = {"dilations": [dilation], "group": group}
        how = self.whole(0, 3)
        if how == 0:  # padded before
            padded = self.add("Pad", self.any(), np.array([0, 0, left, 0, 0, memory - left]))
            return self.add("Conv", padded, *weights, **same)
        if how == 1:  # padded on both sides, then trimmed to be causal
            wide = self.add("Conv", self.any(), *weights, pads=[memory, memory], **same)
            ends = np.array([-memory if memory else 2**62])
            return self.add("Slice", wide, np.array([0]), ends, np.array([2]))
        if how == 2 and dilation == 1:
            return self.add("Conv", self.any(), *weights, auto_pad="SAME_LOWER", **same)
        return self.add("Conv", self.any(), *weights, pads=[left, memory - left], **same)

    def activation(self):
        kind = self.draw(st.sampled_from(["LeakyRelu", "Sigmoid", "Tanh", "Cos", "Softplus"]))
        return self.add(kind, self.any())

    def sum(self):
        return self.add(self.draw(st.sampled_from(["Add", "Sub", "Mul"])), self.any(), self.any())

    def join(self):
        joined = self.add("Concat", self.any(), self.any(), axis=1)
        return self.add("Conv", joined, self.weights(WIDTH, 2 * WIDTH, 1))

    def mix(self):
        rows = self.add("Transpose", self.any(), perm=[0, 2, 1])
        rows = self.add("LayerNormalization", rows, np.ones(WIDTH, "f"))
        rows = self.add("MatMul", rows, self.weights(WIDTH, WIDTH))
        return self.add("Transpose", rows, perm=[0, 2, 1])

    def shift(self):
        later = self.whole(0, 1)
        padded = self.add("Pad", self.any(), np.array([0, 0, later, 0, 0, 1 - later]))
        ends = np.array([-1 if later else 2**62])
        return self.add("Slice", padded, np.array([1 - later]), ends, np.array([2]))

    def side(self):
        return self.add("Mul", self.any(), "speaker")

    def masked(self):
        if self.rate > 1:
            return self.any()
        return self.add("Mul", self.any(), self.add("Unsqueeze", "mask", np.array([1])))

    def upsample(self):
        stride = self.whole(2, 3)
        self.rate *= stride
        if self.whole(0, 1):
            scales = np.array([1, 1, stride], "f")
            self.pool = [
                self.add(
                    "Resize", self.any(), "", scales, mode="nearest",
                    coordinate_transformation_mode="asymmetric", nearest_mode="floor",
                )
            ]  # fmt: skip
            return self.pool[0]
        kernel = self.whole(1, 7)
        extra = kernel - stride
        more, pads = (0, [extra // 2, extra - extra // 2]) if extra >= 0 else (-extra, [0, 0])
        weights = self.weights(WIDTH, WIDTH, kernel), self.weights(WIDTH)
        self.pool = [
            self.add(
                "ConvTranspose", self.any(), *weights,
                strides=[stride], pads=pads, output_padding=[more],
            )
        ]  # fmt: skip
        return self.pool[0]

    def model(self):
        length = f"{self.rate}*frames" if self.rate > 1 else "frames"
        outputs = dict.fromkeys((self.pool[-1], self.pool[len(self.pool) // 2]))
        values = {
            "x": ["batch", WIDTH, "frames"],
            "mask": ["batch", "frames"],
            "speaker": ["batch", WIDTH, 1],
        }
        used = {name for node in self.nodes for name in node.input} | {"x"}
        graph = helper.make_graph(
            self.nodes,
            "random",
            [helper.make_tensor_value_info(n, 1, d) for n, d in values.items() if n in used],
            [helper.make_tensor_value_info(n, 1, ["batch", WIDTH, length]) for n in outputs],
            self.constants,
        )
        return helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10
        )  # fmt: skip


def runner(model):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options)
    names = [output.name for output in session.get_outputs()]
    takes = {i.name for i in session.get_inputs()}

    def run(inputs):
        values = session.run(names, {n: v for n, v in inputs.items() if n in takes})
        return dict(zip(names, values, strict=True))

    return run


def step(stepped, run, inputs, sizes, time="frames", tail=0.0):
    """Return the outputs of a whole utterance, stepped in chunks of sizes() frames by `run`.

    inputs: those of the whole form; `tail` fills them after the end, where the mask is 0.
    """
    values = {value.name: value for value in stepped.model.graph.input}
    timed = [n for n, value in values.items() if time in dims(value) and n not in stepped.state]
    frames = next(inputs[name].shape[-1] for name in timed if name in inputs)
    batch = next(iter(inputs.values())).shape[0]
    whole = {"mask": np.ones((batch, frames), np.float32), **inputs}
    fed = {}
    for name in values:
        if name in timed:
            fill = 0.0 if name == "mask" else tail
            margins = [(0, 0)] * (whole[name].ndim - 1) + [(0, stepped.delay)]
            fed[name] = np.pad(whole[name], margins, constant_values=fill)
        elif name not in stepped.state:
            fed[name] = whole[name]
    state = {}
    for name in stepped.state:
        dtype = onnx.helper.tensor_dtype_to_np_dtype(values[name].type.tensor_type.elem_type)
        state[name] = np.zeros([batch, *dims(values[name])[1:]], dtype)
    parts = {}
    for start, end in chunks_of(frames + stepped.delay, sizes):
        chunk = {n: v[..., start:end] if n in timed else v for n, v in fed.items()}
        outputs = dict(run({**chunk, **state}))
        state = {name: outputs.pop(after) for name, after in stepped.state.items()}
        for name, value in outputs.items():
            parts.setdefault(name, []).append(value)
    late = stepped.delay * stepped.frame_ratio
    return {name: np.concatenate(chunks, -1)[..., late:] for name, chunks in parts.items()}


def chunks_of(frames, sizes):
    at = 0
    while at < frames:
        size = min(sizes(), frames - at)
        yield at, at + size
        at += size


def dims(value):
    return [d.dim_param or d.dim_value for d in value.type.tensor_type.shape.dim]


@st.composite
def models(draw):
    graph = Graph(draw)
    kinds = ["conv"] * 4 + ["activation", "sum", "sum", "join", "mix", "shift", "side", "masked"]
    for _ in range(draw(st.integers(1, 12))):
        name = draw(st.sampled_from([*kinds, "upsample"] if graph.rate < 6 else kinds))
        graph.pool.append(getattr(graph, name)())
    if graph.pool[-1] == "x":
        graph.pool.append(graph.conv())
    graph.pool = [name for name in graph.pool if name != "x"]
    return graph.model()


@settings(max_examples=80, deadline=None, derandomize=True)
@given(models(), st.integers(0, 99))
def test_a_random_graph_stepped_in_random_chunks_is_the_whole(model, seed):
    random = np.random.default_rng(seed)
    inputs = {
        "x": random.standard_normal((2, WIDTH, 29)).astype("f"),
        "speaker": random.standard_normal((2, 4, 1)).astype("f"),
        "mask": np.ones((2, 29), "f"),
    }
    whole = runner(model)(inputs)
    stepped = delayed(model)
    onnx.checker.check_model(stepped.model, full_check=True)
    run = runner(stepped.model)
    inputs = {n: v for n, v in inputs.items() if n in {i.name for i in stepped.model.graph.input}}
    for sizes, tail in ((lambda: 1, 0), (lambda: int(random.integers(1, 12)), 5.0)):
        masked = "mask" in inputs
        streamed = step(stepped, run, inputs, sizes, tail=tail if masked else 0)
        for name, expected in whole.items():
            bound = 1e-5 * max(1, np.abs(expected).max())
            assert streamed[name].shape == expected.shape
            assert np.abs(streamed[name] - expected).max() <= bound, name
