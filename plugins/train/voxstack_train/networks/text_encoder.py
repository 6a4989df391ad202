"""The text encoder: symbols to encodings and durations."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from voxstack_train.networks.layers import (
    ConvNeXtBlock,
    OutputLinear,
    channels_first,
    channels_last,
)


class TextEncoder(nn.Module):
    """Maps symbols with their linguistic features to encodings and durations."""

    f0_means: Tensor  # Hz [speakers]: measured, not learned; the center of pitch controls

    def __init__(self, symbols: int = 44, speakers: int = 2, width: int = 192) -> None:
        super().__init__()
        self.symbol = nn.Embedding(symbols, width)
        self.stress = nn.Embedding(2, width)
        self.word_position = nn.Embedding(5, width)
        self.function_word = nn.Embedding(2, width)
        self.question = nn.Embedding(2, width)
        self.speaker = nn.Embedding(speakers, width)
        for table in self.children():
            nn.init.normal_(table.weight, 0, 0.5)
        self.blocks = nn.ModuleList(ConvNeXtBlock(width, 5, 2) for _ in range(4))
        self.norm = nn.LayerNorm(width)
        self.duration_blocks = nn.ModuleList(ConvNeXtBlock(width, 3, 2) for _ in range(2))
        self.duration = OutputLinear(width, 1)
        self.register_buffer("f0_means", torch.full((speakers,), 150.0), persistent=False)

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

        Returns encodings `[B, C, T]`, durations `[B, T]` in frames, not rounded, and the speaker's
        f0_mean `[B, 1]` in Hz.
        """
        encodings, log_durations = self.encode(
            ids, stress, word_position, function_word, question, speaker, mask
        )
        durations = functional.relu(torch.exp(log_durations) - 1) * mask
        return encodings, durations, self.f0_means[speaker].unsqueeze(-1)

    def encode(
        self,
        ids: Tensor,
        stress: Tensor,
        word_position: Tensor,
        function_word: Tensor,
        question: Tensor,
        speaker: Tensor,
        mask: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """Return the same with log(1 + frames) for durations, the scale of training."""
        rows = (ids, stress, word_position, function_word)
        encodings = self.encodings(*rows, question, speaker, mask)
        mask = mask.unsqueeze(1).unsqueeze(1)
        h = encodings.unsqueeze(2)
        for block in self.duration_blocks:
            h = block.whole(h, mask)
        return encodings, self.duration(channels_last(h)).squeeze(-1).squeeze(1)

    def encodings(
        self,
        ids: Tensor,
        stress: Tensor,
        word_position: Tensor,
        function_word: Tensor,
        question: Tensor,
        speaker: Tensor,
        mask: Tensor,
    ) -> Tensor:
        """Return only the encodings."""
        utterance = self.question(question) + self.speaker(speaker)
        x = self.symbol(ids) + self.stress(stress) + self.word_position(word_position)
        x = x + self.function_word(function_word) + utterance.unsqueeze(1)
        mask = mask.unsqueeze(1).unsqueeze(1)
        x = channels_first(x.unsqueeze(1)) * mask
        for block in self.blocks:
            x = block.whole(x, mask)
        return (channels_first(self.norm(channels_last(x))) * mask).squeeze(2)
