"""Piper: ids in, audio per sentence. GPL-3.0, so it runs in a process of its own."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from piper import PiperVoice, SynthesisConfig
from piper.config import PiperConfig


class System:
    version = version("piper-tts")

    def __init__(self, folder: Path, settings: dict[str, Any]) -> None:
        # As PiperVoice.load, but with the same number of threads as the others.
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = settings["threads"]
        options.inter_op_num_threads = 1
        session = onnxruntime.InferenceSession(
            str(folder / "piper.onnx"), options, providers=["CPUExecutionProvider"]
        )
        written = json.loads((folder / "piper.onnx.json").read_text(encoding="utf-8"))
        self.voice = PiperVoice(session=session, config=PiperConfig.from_dict(written))
        self.synthesis = SynthesisConfig(noise_scale=settings["noise_scale"], speaker_id=0)

    def prepared(self, job: dict[str, Any]) -> Callable[[Callable[[np.ndarray], None]], None]:
        def speak(heard: Callable[[np.ndarray], None]) -> None:
            for ids in job["ids"]:
                heard(self.voice.phoneme_ids_to_audio(ids, self.synthesis))

        return speak
