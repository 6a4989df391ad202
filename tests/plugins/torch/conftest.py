"""The tiny programs of these tests, which need torch and its plugin."""

import runpy
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import pytest

if not (find_spec("torch") and find_spec("voxstack_torch")):
    collect_ignore_glob = ["test_*.py"]


@pytest.fixture(scope="session")
def tiny():
    return SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("programs.py"))))
