"""Exported PyTorch networks, stepped by the host, are the whole utterance."""

import logging
import warnings
from importlib.util import find_spec

import numpy as np
import onnx
import pytest
from voxstack import Chunk, Network, Schedule, Tensors, TensorSpec, run_network

if find_spec("torch") is None or find_spec("onnxscript") is None:
    pytest.skip("pip install torch onnxscript", allow_module_level=True)

import torch
from torch import nn
from torch.nn import functional
from voxstack_onnxruntime import OnnxRuntime
from voxstack_pack.delayed import delayed


class ResidualStack(nn.Module):
    """HiFi-GAN's: residual blocks of several kernels and dilations, and their mean."""

    def __init__(self, width, kernels=(3, 7), dilations=(1, 3)):
        super().__init__()
        self.blocks = nn.ModuleList(
            nn.ModuleList(
                nn.Conv1d(width, width, k, dilation=d, padding="same") for d in dilations
            )
            for k in kernels
        )  # fmt: skip

    def forward(self, x):
        total = 0
        for block in self.blocks:
            y = x
            for conv in block:
                y = y + conv(functional.leaky_relu(y, 0.1))
            total = total + y
        return total / len(self.blocks)


class Vocoder(nn.Module):
    """A small HiFi-GAN: mel [B, 8, T] -> audio [B, 20 T]; no mask."""

    def __init__(self):
        super().__init__()
        self.enter = nn.Conv1d(8, 16, 7, padding=3)
        self.up1 = nn.ConvTranspose1d(16, 8, 11, 5, padding=3)
        self.up2 = nn.ConvTranspose1d(8, 8, 8, 4, padding=2)
        self.stack1, self.stack2 = ResidualStack(8), ResidualStack(8)
        self.leave = nn.Conv1d(8, 1, 7, padding=3)

    def forward(self, mel):
        x = self.stack1(self.up1(functional.leaky_relu(self.enter(mel), 0.1)))
        x = self.stack2(self.up2(functional.leaky_relu(x, 0.1)))
        return torch.tanh(self.leave(functional.leaky_relu(x))).squeeze(1)


class Decoder(nn.Module):
    """ConvNeXt with a speaker spread over time: two rates of look-ahead, no mask."""

    def __init__(self):
        super().__init__()
        self.enter = nn.Conv1d(8 + 4, 16, 7, padding=3)
        self.depthwise = nn.ModuleList(nn.Conv1d(16, 16, 7, padding=3, groups=16) for _ in "ab")
        self.norm = nn.LayerNorm(16)
        self.linear = nn.Linear(16, 16)
        self.pitch = nn.Conv1d(1, 16, 3, padding=1)
        self.head = nn.Linear(16, 10)

    def forward(self, mel, f0, speaker):
        spread = speaker.unsqueeze(-1).expand(-1, -1, mel.shape[-1])
        x = self.enter(torch.cat([mel, spread], 1))
        for depthwise in self.depthwise:
            h = functional.gelu(self.linear(self.norm(depthwise(x).transpose(1, 2))))
            x = x + h.transpose(1, 2)
        x = x + self.pitch(torch.log(f0).unsqueeze(1))
        return self.head(x.transpose(1, 2)).transpose(1, 2)


class Masked(nn.Module):
    """Masks as our own networks do, in images of height 1; the audio is made of channels."""

    def __init__(self):
        super().__init__()
        self.convs = nn.ModuleList(nn.Conv2d(8, 8, (1, 5), padding=(0, 2)) for _ in "ab")
        self.leave = nn.Conv1d(8, 4, 1)

    def forward(self, mel, mask):
        mask = mask.unsqueeze(1).unsqueeze(1)
        x = mel.unsqueeze(2) * mask
        for conv in self.convs:
            x = (x + functional.silu(conv(x))) * mask
        return self.leave(x.squeeze(2)).transpose(1, 2).flatten(1)


def exported(module, inputs, output, rate):
    """The whole-utterance graph; arrays of rank 2 and more have time, but for `speaker`."""
    shapes = [
        {0: torch.export.Dim.DYNAMIC}
        | ({} if name == "speaker" else {value.ndim - 1: torch.export.Dim.DYNAMIC})
        for name, value in inputs.items()
    ]
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = torch.onnx.export(
            module.eval(),
            tuple(torch.from_numpy(np.concatenate([v, v])) for v in inputs.values()),
            input_names=list(inputs),
            output_names=[output],
            dynamic_shapes=tuple(shapes),
            opset_version=18,
            dynamo=True,
            verbose=False,
        ).model_proto
    for value in [*model.graph.input, *model.graph.output]:
        dims = value.type.tensor_type.shape.dim
        dims[0].dim_param = "batch"
        if value.name != "speaker":
            dims[-1].dim_param = "frames" if value.name in inputs or rate == 1 else "samples"
    return model


def network(model, role="decoder", **options):
    """The network as a manifest would declare it."""

    def specs(values):
        return {
            v.name: TensorSpec(
                str(onnx.helper.tensor_dtype_to_np_dtype(v.type.tensor_type.elem_type)),
                tuple(d.dim_param or d.dim_value for d in v.type.tensor_type.shape.dim),
            )
            for v in values
        }

    return Network(
        name="network",
        role=role,
        inputs=specs(model.graph.input),
        outputs=specs(model.graph.output),
        files={"onnx": "network.onnx"},
        read=lambda _: model.SerializeToString(),
        **options,
    )


CASES = {
    "vocoder": (Vocoder, {"mel": (8,)}, "audio", 20),
    "decoder": (Decoder, {"mel": (8,), "f0": (), "speaker": None}, "out", 1),
    "masked": (Masked, {"mel": (8,), "mask": ()}, "audio", 4),
}


@pytest.mark.parametrize("name", CASES)
def test_the_host_steps_a_converted_network_exactly(name):
    torch.manual_seed(0)
    kind, shapes, output, ratio = CASES[name]
    random, frames = np.random.default_rng(0), 61
    inputs = {
        name: random.uniform(0.5, 2, (1, *(shape or ()), frames) if shape is not None else (1, 4))
        for name, shape in shapes.items()
    }
    inputs = {n: np.asarray(v, "f") for n, v in inputs.items()}
    if "mask" in inputs:
        inputs["mask"][:] = 1
    model = exported(kind(), inputs, output, ratio)
    whole = OnnxRuntime().load(network(model))(inputs)[output]

    result = delayed(model)
    assert result.frame_ratio == ratio
    program = OnnxRuntime().load(
        network(result.model, state=result.state, delay=result.delay, frame_ratio=ratio)
    )
    sequence = Tensors({n: v for n, v in inputs.items() if n == "speaker"})
    features = {n: v for n, v in inputs.items() if n not in ("speaker", "mask")}
    for size in (1, 5, 100):
        chunks = [
            Chunk({n: v[..., at : at + size] for n, v in features.items()}, start=at)
            for at in range(0, frames, size)
        ]
        streamed = run_network(program, sequence, iter(chunks), Schedule((size,)))
        audio = np.concatenate([np.asarray(c[output]) for c in streamed if len(c)], -1)
        assert audio.shape == whole.shape
        assert np.abs(audio - whole).max() <= 1e-5


def test_an_unmasked_graph_gets_a_mask_and_keeps_the_names_of_its_inputs():
    inputs = {"mel": np.ones((1, 8, 9), "f")}
    result = delayed(exported(Vocoder(), inputs, "audio", 20))
    names = [value.name for value in result.model.graph.input]
    assert names[:3] == ["mel", "mask", "state_mask"]
