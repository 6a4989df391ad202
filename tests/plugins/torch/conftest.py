"""The tiny programs of these tests; without torch there is nothing to test."""

import runpy
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import pytest

if find_spec("torch") is None:
    collect_ignore_glob = ["test_*.py"]


@pytest.fixture(scope="session")
def tiny():
    return SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("programs.py"))))
