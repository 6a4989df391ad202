"""sherpa-onnx: symbols in, audio from its callback, per sentence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import sherpa_onnx


class System:
    version = sherpa_onnx.__version__

    def __init__(self, folder: Path, settings: dict[str, Any]) -> None:
        self.matcha = bool(settings.get("mel"))
        tokens, noise = str(folder / "tokens.txt"), settings["noise_scale"]
        if self.matcha:
            models = {
                "matcha": sherpa_onnx.OfflineTtsMatchaModelConfig(
                    acoustic_model=str(folder / "matcha.onnx"),
                    vocoder=str(folder / "mel_vocoder.onnx"),
                    tokens=tokens,
                )
            }
        else:
            models = {
                "vits": sherpa_onnx.OfflineTtsVitsModelConfig(
                    model=str(folder / "piper.onnx"), tokens=tokens, noise_scale=noise
                )
            }
        model = sherpa_onnx.OfflineTtsModelConfig(
            **models, num_threads=settings["threads"], debug=False, provider="cpu"
        )
        self.tts = sherpa_onnx.OfflineTts(
            sherpa_onnx.OfflineTtsConfig(model=model, max_num_sentences=1, silence_scale=1.0)
        )

    def prepared(self, job: dict[str, Any]) -> Callable[[Callable[[np.ndarray], None]], None]:
        # It adds the symbols ^ and $ around a sentence itself, but not for Matcha.
        inner = slice(None) if self.matcha else slice(1, -1)
        generation = sherpa_onnx.GenerationConfig()
        generation.silence_scale = 1.0  # otherwise it shortens pauses
        generation.tokens = [list(sentence[inner]) for sentence in job["spelled"]]

        def speak(heard: Callable[[np.ndarray], None]) -> None:
            def callback(samples: np.ndarray, progress: float) -> int:
                heard(samples)
                return 1

            self.tts.generate("x", generation, callback)

        return speak
