"""What the checks do in processes of their own, through ``voxstack.apart``."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import threading
from typing import Any

# Runtimes and toolkits: a component's module must not import one before a network is loaded.
HEAVY = (
    *("torch", "onnxruntime", "onnx", "openvino", "tensorflow", "jax", "transformers"),
    *("scipy", "librosa", "sklearn", "pandas", "matplotlib", "numba", "cupy", "tensorrt"),
    *("torchaudio", "keras", "mxnet", "paddle", "tflite_runtime", "coremltools", "espnet"),
)


def import_module(module: str) -> dict[str, Any]:
    """Import a module; tell the runtimes that came with it, and the threads that it started."""
    try:
        missing = importlib.util.find_spec(module) is None
    except (ImportError, ValueError):
        missing = True
    if missing:
        return {"missing": True}
    before, threads = set(sys.modules), set(threading.enumerate())
    importlib.import_module(module)
    heavy = [name for name in HEAVY if name in sys.modules and name not in before]
    started = [thread.name for thread in threading.enumerate() if thread not in threads]
    return {"missing": False, "heavy": heavy, "threads": started}
