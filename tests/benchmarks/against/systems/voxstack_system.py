"""This host, streaming or in one piece; text in, including its frontend."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from voxstack import Host

LONG = {"/frontend/max_words": 400}  # a sentence of 30 s is not divided
MEL_ONLY = {
    "/stack/1": {
        "type": "StreamableStack",
        "stack": [
            {"type": "Prosody", "network": "vocoder-mel-16k:pitch"},
            {"type": "Phase"},
            {"type": "Vocoder", "network": "vocoder-mel-16k:vocoder"},
        ],
    }
}


class System:
    version = version("voxstack")

    def __init__(self, folder: Path, settings: dict[str, Any]) -> None:
        self.host = Host(executor={"type": "OnnxRuntime", "threads": settings["threads"]})
        edits = {**LONG, **(MEL_ONLY if settings.get("mel") else {})}
        self.voice = self.host.voice("en-us", edits=edits)
        self.whole = bool(settings.get("whole"))

    def prepared(self, job: dict[str, Any]) -> Callable[[Callable[[np.ndarray], None]], None]:
        text = job["text"]

        def speak(heard: Callable[[np.ndarray], None]) -> None:
            if self.whole:
                heard(self.voice.synthesize(text).samples)
                return
            with self.voice.stream(text) as chunks:
                for chunk in chunks:
                    if len(chunk):
                        heard(np.asarray(chunk["audio"])[0])

        return speak
