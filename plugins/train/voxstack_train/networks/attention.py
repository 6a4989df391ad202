"""A legacy acoustic model: each step reads the frames of the last one and attends to the text.

There are no durations: the decoder decides at each step how far to advance in the text, and when
to stop. The attention is Gaussian around a position that only moves forward (Graves 2013;
Battenberg et al. 2020 for speech), the decoder is causal and convolutional as in Deep Voice 3
(Ping et al. 2018) and DC-TTS (Tachibana et al. 2018), so that training runs over all steps at
once. A step makes `STRIDE` frames of mel spectrum, F0 and voicing.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from voxstack_train.features.spectrum import MELS
from voxstack_train.networks.layers import (
    MEL_MEAN,
    MEL_SCALE,
    PITCH_MEAN,
    PITCH_SCALE,
    ConvNeXtBlock,
    OutputLinear,
    channels_first,
    channels_last,
)
from voxstack_train.networks.text_encoder import TextEncoder

STRIDE = 2  # frames per step
FRAME = MELS + 2  # a mel spectrum, F0 and voicing, all on the scale of training


class AttentionEncoder(TextEncoder):
    """Maps symbols to encodings, without durations."""

    def __init__(self, symbols: int, speakers: int, width: int = 192) -> None:
        super().__init__(symbols, speakers, width)
        del self.duration_blocks, self.duration

    def forward(
        self,
        ids: Tensor,
        stress: Tensor,
        word_position: Tensor,
        function_word: Tensor,
        question: Tensor,
        speaker: Tensor,
        mask: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Encode integers `[B, T]`, question and speaker `[B]`, mask `[B, T]`.

        Returns encodings `[B, C, T]`, text_mask `[B, T]`, the mask for the decoder, and the
        speaker's f0_mean `[B, 1]` in Hz.
        """
        rows = (ids, stress, word_position, function_word)
        encodings = self.encodings(*rows, question, speaker, mask)
        return encodings, mask * 1.0, self.f0_means[speaker].unsqueeze(-1)


class AttentionDecoder(nn.Module):
    """Maps encodings and the frames of the last step to the frames of the next."""

    def __init__(self, text_width: int = 192, width: int = 256, before: int = 3, after: int = 4):
        super().__init__()
        self.prenet = nn.Sequential(
            nn.Linear(FRAME * STRIDE, width), nn.SiLU(), nn.Linear(width, width)
        )
        # The text at the position where the last step stopped helps to decide how far to go.
        self.look = nn.Linear(text_width, width)
        self.before = nn.ModuleList(ConvNeXtBlock(width, 5, 2, causal=True) for _ in range(before))
        self.move = OutputLinear(width, 2)  # log of the symbols to advance, log of the focus
        self.read = nn.Linear(text_width, width)
        self.after = nn.ModuleList(ConvNeXtBlock(width, 5, 2, causal=True) for _ in range(after))
        self.norm = nn.LayerNorm(width)
        self.leave = OutputLinear(width, FRAME * STRIDE + 1)
        with torch.no_grad():
            self.move.weight *= 0.1
            self.move.bias.copy_(torch.tensor([-1.2, 0.0]))

    def states(self) -> dict[str, tuple[int, ...]]:
        """Return the shape of each state, without the batch axis."""
        blocks = [*self.before, *self.after]
        width = self.norm.normalized_shape[0]
        convolutions = {f"block{i}": (width, 1, b.memory) for i, b in enumerate(blocks)}
        return {"frames": (FRAME * STRIDE,), "place": (1,), **convolutions}

    def forward(self, encodings: Tensor, text_mask: Tensor, *states: Tensor) -> tuple[Tensor, ...]:
        """Run one step: encodings `[B, C, N]` and text_mask `[B, N]`, constant, then the states.

        Returns mel `[B, MELS, STRIDE]`, f0 in Hz and voicing, a logit, `[B, STRIDE]`, stop, a logit
        `[B, 1]`, place `[B, 1]`, the current symbol, and the next states.
        """
        frames, place, *memories = states
        h = self.prenet(frames) + self.look(attend(encodings, text_mask, place, 0 * place)).squeeze(
            1
        )
        h = h.unsqueeze(-1).unsqueeze(-1)
        always = torch.ones_like(h[:, :1])
        following = []
        for block, memory in zip(self.before, memories[: len(self.before)], strict=True):
            h, kept = block(h, memory, always)
            following.append(kept)
        step, focus = self.move(channels_last(h)).flatten(1).split(1, -1)
        place = place + torch.exp(step)
        read = self.read(attend(encodings, text_mask, place, focus))
        h = h + channels_first(read.unsqueeze(1))
        for block, memory in zip(self.after, memories[len(self.before) :], strict=True):
            h, kept = block(h, memory, always)
            following.append(kept)
        made, stop = (
            self.leave(self.norm(channels_last(h))).flatten(1).split([FRAME * STRIDE, 1], -1)
        )
        mel, pitch, voicing = made.unflatten(1, (FRAME, STRIDE)).split([MELS, 1, 1], 1)
        voiced = (voicing > 0).to(made.dtype)
        fed = torch.cat([mel, pitch, voiced], 1).flatten(1)
        f0 = torch.exp(pitch * PITCH_SCALE + PITCH_MEAN).squeeze(1)
        return (
            mel * MEL_SCALE + MEL_MEAN,
            f0,
            voicing.squeeze(1),
            stop,
            place,
            fed,
            place,
            *following,
        )

    def whole(
        self,
        encodings: Tensor,
        text_mask: Tensor,
        frames: Tensor,
        places: Tensor,
        goals: Tensor,
        mask: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Run all steps at once, as if each previous step had made the target.

        frames `[B, S, FRAME * STRIDE]` and places `[B, S]` are those *before* each of S steps,
        goals `[B, S]` the places after it, mask `[B, S]`.

        Returns the predicted frames `[B, S, FRAME, STRIDE]`, the logarithms of the moves and the
        focuses `[B, S]`, and the stop logits `[B, S]`.
        """
        looked = attend(encodings, text_mask, places, torch.zeros_like(places))
        h = channels_first((self.prenet(frames) + self.look(looked)).unsqueeze(1))
        mask = mask.unsqueeze(1).unsqueeze(1)
        h = h * mask
        for block in self.before:
            h = block.whole(h, mask)
        step, focus = self.move(channels_last(h)).squeeze(1).unbind(-1)
        # The place is the target; the loss of the moves makes it get there.
        read = self.read(attend(encodings, text_mask, goals, focus))
        h = (h + channels_first(read.unsqueeze(1))) * mask
        for block in self.after:
            h = block.whole(h, mask)
        made = self.leave(self.norm(channels_last(h))).squeeze(1)
        return made[..., :-1].unflatten(-1, (FRAME, STRIDE)), step, focus, made[..., -1]


def attend(encodings: Tensor, text_mask: Tensor, places: Tensor, focuses: Tensor) -> Tensor:
    """Read encodings `[B, C, N]` around places `[B, S]`; return `[B, S, C]`.

    A place is in symbols: symbol n reaches from n to n + 1. Focuses are logarithms of the
    sharpness of attention.
    """
    count, device = encodings.shape[-1], encodings.device
    centers = torch.arange(count, dtype=encodings.dtype, device=device) + 0.5
    away = (centers - places.unsqueeze(-1)) * torch.exp(focuses.clamp(-3, 3)).unsqueeze(-1)
    scores = (text_mask.unsqueeze(1) - 1) * 1e4 - away.square()
    return functional.softmax(scores, -1) @ encodings.transpose(1, 2)
