"""Tiny exported programs for the tests of this folder."""

import io

import torch
from torch import nn
from voxstack import Network, TensorSpec

FRAMES = TensorSpec("float32", ("batch", "frames"))
STATE = TensorSpec("float32", ("batch", 2))


class Affine(nn.Module):
    """y = 2 x + c."""

    def forward(self, x, c):
        return (2 * x + c,)


class Late(nn.Module):
    """y is x times a gain, two frames late; the mask closes it."""

    def __init__(self):
        super().__init__()
        self.table = nn.Parameter(torch.ones(1))

    def forward(self, x, gain, mask, state):
        x = torch.cat([state, x * mask], -1)
        return x[..., :-2] * gain * self.table, gain, x[..., -2:]


def saved(module, *examples):
    axes = [dict.fromkeys(range(e.ndim), torch.export.Dim.DYNAMIC) for e in examples]
    if len(examples) == 4:
        axes[1], axes[3] = {0: axes[1][0]}, {0: axes[3][0]}
    program = torch.export.export(module, examples, dynamic_shapes=tuple(axes))
    data = io.BytesIO()
    torch.export.save(program, data)
    return data.getvalue()


def affine():
    return saved(Affine(), torch.ones(2, 3), torch.ones(2, 3))


def late():
    return saved(Late(), torch.ones(2, 5), torch.ones(2, 1), torch.ones(2, 5), torch.ones(2, 2))


def network(data=None, **changes):
    data = affine() if data is None else data
    declared = {
        "name": "affine",
        "role": "decoder",
        "inputs": {"x": FRAMES, "c": FRAMES},
        "outputs": {"y": FRAMES},
        "files": {"pt2": "affine.pt2"},
        "addon": "tiny",
        "read": lambda format_: data,
        "digest": lambda format_: "d",
    }
    return Network(**{**declared, **changes})


def late_network():
    gain = TensorSpec("float32", ("batch", 1))
    return network(
        late(),
        name="late",
        inputs={"x": FRAMES, "gain": gain, "mask": FRAMES, "state": STATE},
        outputs={"y": FRAMES, "given": gain, "next_state": STATE},
        state={"state": "next_state"},
    )
