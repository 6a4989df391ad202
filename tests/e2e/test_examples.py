"""The examples of core/docs/examples are installed by pip and run as their pages say."""

import json
import os
import re
import subprocess
import sys
import wave

import numpy as np
import pytest

pytestmark = pytest.mark.slow

EXAMPLES = "core/docs/examples"
PIP = ("-m", "pip", "--disable-pip-version-check", "install", "--quiet")


class Reader:
    """Someone who has installed the two packages in a folder of their own."""

    def __init__(self, folder, installed):
        self.folder = folder
        kept = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST")}
        self.env = {**kept, "PYTHONPATH": str(installed), "VOXSTACK_VOICE": "en-us"}

    def run(self, *arguments, code=0):
        done = subprocess.run(
            [sys.executable, *map(str, arguments)],
            cwd=self.folder,
            env=self.env,
            capture_output=True,
            text=True,
            timeout=180,
            stdin=subprocess.DEVNULL,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout

    def say(self, *options):
        self.run("-m", "voxstack", "say", "Hello there.", "-o", "said.wav", *options)
        return samples(self.folder / "said.wav")


def samples(path):
    with wave.open(str(path)) as file:
        return np.frombuffer(file.readframes(file.getnframes()), "<i2")


@pytest.fixture(scope="module")
def installed(root, tmp_path_factory):
    folder = tmp_path_factory.mktemp("installed")
    packages = [str(root / EXAMPLES / name) for name in ("gain", "executor")]
    options = ("--no-deps", "--no-build-isolation", "--target", str(folder))
    done = subprocess.run(
        [sys.executable, *PIP, *options, *packages], capture_output=True, text=True, timeout=180
    )
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def reader(tmp_path, installed):
    return Reader(tmp_path, installed)


def test_the_gain_is_used_by_its_name(reader):
    soft = reader.say("--set", '/stack/-={"type": "ExampleGain", "db": -6}')
    assert np.abs(soft - reader.say() * 10 ** (-6 / 20)).max() <= 1


def test_the_gain_passes_the_suite_that_it_shows(reader, root):
    pytest.importorskip("voxstack_kit")
    tests = root / EXAMPLES / "gain/tests"
    told = reader.run("-m", "pytest", "-q", "-p", "no:cacheprovider", f"--rootdir={tests}", tests)
    assert re.search(r"\d+ passed", told)


def test_the_executor_speaks_as_onnxruntime_does(reader):
    ours = reader.say("--executor", "OnnxRuntime")
    theirs = reader.say("--executor", '{"type": "ExampleRuntime", "threads": 1}')
    assert np.abs(ours.astype(int) - theirs).max() <= 4


def test_installing_the_executor_changes_nothing(reader):
    reader.say("--stats", "stats.json")
    stats = json.loads((reader.folder / "stats.json").read_text())
    assert stats["executor"] == "OnnxRuntime"


def test_the_executor_passes_conformance(reader):
    pytest.importorskip("voxstack_kit")
    told = reader.run("-m", "voxstack", "conformance", "example-executor")
    assert "0 failed" in told


def test_live_text_is_spoken_before_its_last_word_arrives(reader, root):
    told = reader.run(root / EXAMPLES / "live_text.py", "live.wav")
    assert told.index("first audio") < told.index("the last word has arrived")
    assert len(samples(reader.folder / "live.wav")) > 5 * 16000


def test_the_gain_is_that_of_the_readme(root):
    from snippets import snippets

    shown = [s.code for s in snippets((root / "README.md").read_text("utf-8"))]
    (gain,) = [code for code in shown if "class Gain" in code]
    source = (root / EXAMPLES / "gain/example_gain.py").read_text("utf-8")
    docstring = '        """Yield the chunks of ``upstream``, scaled."""\n'
    assert gain.strip() in source.replace(docstring, "")
