"""Functions that the checks run in child processes, by ``voxstack_kit.trying.children``."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import logging
import os
import sys
import threading
from pathlib import Path
from typing import Any

# Runtimes and toolkits: a component's module must not import one before a network is loaded.
HEAVY = (
    *("torch", "onnxruntime", "onnx", "openvino", "tensorflow", "jax", "transformers"),
    *("scipy", "librosa", "sklearn", "pandas", "matplotlib", "numba", "cupy", "tensorrt"),
    *("torchaudio", "keras", "mxnet", "paddle", "tflite_runtime", "coremltools", "espnet"),
)


def import_module(module: str, folder: str, variables: dict[str, str]) -> dict[str, Any]:
    """Import a module; return the runtimes that it imports, and what it changes or starts.

    ``folder`` and ``variables`` are the working directory and the environment to begin with.
    """
    with contextlib.suppress(OSError):
        os.chdir(folder)
    os.environ.clear()
    os.environ.update(variables)
    before, threads = set(sys.modules), set(threading.enumerate())
    here, logging_before = Path.cwd(), _logging()
    try:  # this imports the packages that it is in
        missing = importlib.util.find_spec(module) is None
    except (ImportError, ValueError):
        missing = True
    if missing:
        return {"missing": True}
    importlib.import_module(module)
    heavy = [name for name in HEAVY if name in sys.modules and name not in before]
    started = [thread.name for thread in threading.enumerate() if thread not in threads]
    names = {*variables, *os.environ}
    return {
        "missing": False,
        "heavy": heavy,
        "threads": started,
        "folder": "" if Path.cwd() == here else str(Path.cwd()),
        "variables": sorted(n for n in names if variables.get(n) != os.environ.get(n)),
        "logging": [
            after for after, was in zip(_logging(), logging_before, strict=True) if after != was
        ],
    }


def _logging() -> tuple[str, str]:
    """Return the configuration of the root logger."""
    root = logging.getLogger()
    handlers = ", ".join(type(handler).__name__ for handler in root.handlers) or "none"
    return f"handlers: {handlers}", f"level: {logging.getLevelName(root.level)}"
