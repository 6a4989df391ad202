"""Tiny networks in a file of the user's own, and a recipe for them."""

import json
from importlib.util import find_spec

import pytest

MISSING = [name for name in ("voxstack_pack", "torch") if find_spec(name) is None]
collect_ignore_glob = ["test_*.py"] if MISSING else []

MODELS = """
import torch
from torch import nn

class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(100, 8)
        self.conv = nn.Conv1d(8, 8, 3, padding=1)

    def forward(self, ids, mask):
        gate = mask[:, None]
        hidden = self.conv(self.table(ids).transpose(1, 2) * gate) * gate
        return hidden, (3 + hidden[:, 0].tanh()) * mask

class Decoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Conv1d(8, 8, 5, padding=2)
        self.second = nn.Conv1d(8, 4, 3, padding=1)

    def forward(self, encodings, mask):
        gate = mask[:, None]
        return self.second(self.first(encodings * gate).relu() * gate) * gate

class Vocoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv1d(4, 20, 3, padding=1)

    def forward(self, mel, mask):
        gate = mask[:, None]
        samples = (self.conv(mel * gate) * gate).tanh()
        return samples.transpose(1, 2).reshape(samples.shape[0], -1)

class Branching(Decoder):
    def forward(self, encodings, mask):
        if encodings.sum() > 0:
            return encodings
        return encodings * 2

class Singular(Decoder):
    def forward(self, encodings, mask):
        return torch.linalg.svd(encodings)[1]

class Normalizing(Decoder):
    def forward(self, encodings, mask):
        return encodings - encodings.mean(-1, keepdim=True)

def encoder():
    torch.manual_seed(0)
    return Encoder(), {"ids": torch.randint(0, 100, (1, 31)), "mask": torch.ones(1, 31)}

def decoder(kind=Decoder):
    torch.manual_seed(1)
    return kind(), {"encodings": torch.randn(1, 8, 70), "mask": torch.ones(1, 70)}

def vocoder():
    torch.manual_seed(2)
    return Vocoder(), {"mel": torch.randn(1, 4, 70), "mask": torch.ones(1, 70)}

def branching():
    return decoder(Branching)

def singular():
    return decoder(Singular)

def normalizing():
    return decoder(Normalizing)

def failing():
    raise ValueError("no weights here")
"""

HEAD = """name = "tiny"
version = "0.1.0"
language = "en-US"
license = "CC0-1.0"
audio = { sample_rate = 16000, hop = 20 }
"""
DECODER = """
[networks.decoder]
role = "decoder"
module = "./models.py:decoder"
outputs = ["mel"]
"""
VOICE = (
    HEAD
    + """sample = "Hello."
symbols = "symbols.json"
texts = "sentences.txt"
stack = "stack.json"
frontend = { type = "English" }

[networks.text_encoder]
role = "encoder"
module = "./models.py:encoder"
outputs = ["encodings", "durations"]
"""
    + DECODER
    + """
[networks.vocoder]
role = "vocoder"
module = "./models.py:vocoder"
outputs = ["audio"]
frame_ratio = 20
"""
)
STACK = [
    {
        "type": "StreamablePipeline",
        "sequence_block": {"type": "Encoders"},
        "streamable_block": {
            "type": "StreamableStack",
            "stack": [{"type": "Upsampler"}, {"type": "Decoder"}],
        },
    },
    {"type": "Vocoder"},
]


@pytest.fixture
def packer(tmp_path, monkeypatch):
    """Run the command on a recipe: packer(text, *arguments) returns click's result."""
    from click.testing import CliRunner
    from voxstack_pack.command import pack

    monkeypatch.chdir(tmp_path)
    (tmp_path / "models.py").write_text(MODELS)
    (tmp_path / "stack.json").write_text(json.dumps(STACK))
    (tmp_path / "sentences.txt").write_text("Hello, world.\nThis is a test.\n\nOne, two, three.\n")

    def run(text=HEAD + DECODER, *arguments):
        (tmp_path / "recipe.toml").write_text(text)
        return CliRunner().invoke(pack, ["recipe.toml", "-o", "out", *arguments])

    return run
