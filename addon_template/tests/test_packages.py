"""Rendered packages, unedited: pip installs them, their tests pass, one word uses them."""

import os
import shlex
import subprocess
import sys
import sysconfig
import venv
import wave
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.slow

NEEDED = ("voxstack_template", "voxstack_kit", "copier", "hatchling", "voxstack_voice_en_us")
if not all(map(find_spec, NEEDED)):
    pytest.skip("needs ./addon_template, ./plugins/kit and a voice", allow_module_level=True)

PACKAGES = {
    "acme-gain": ("--kind", "component"),
    "acme-pace": ("--kind", "component", "--data", "group=encoders"),
    "acme-npu": ("--kind", "executor"),
    "acme-fixed": ("--kind", "executor", "--data", "fixed_shapes=true"),
    "gain": ("--kind", "component", "--clash"),  # voxstack-standard provides a Gain too
    "acme-robot": ("--kind", "voice"),
}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Run a command in the folder of the packages, in an environment of their own.

    It sees the packages installed here (voxstack, hatchling, pytest); pip installs the new ones.
    """
    folder = tmp_path_factory.mktemp("packages")
    venv.create(folder / "venv", with_pip=True)
    scripts = folder / "venv" / ("Scripts" if os.name == "nt" else "bin")
    env = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONHOME")}
    env |= {"VOXSTACK_VOICE": "en-us", "PYTHONDONTWRITEBYTECODE": "1"}

    def python(*words, code=0):
        command = [str(scripts / "python"), *words]
        done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout

    own = python("-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip()
    here = sysconfig.get_path("purelib")
    Path(own, "here.pth").write_text(f"import site; site.addsitedir({here!r})\n")
    python.folder = folder
    return python


@pytest.fixture(scope="module")
def said(run):
    """Create and install all packages; return the output of `voxstack addon new` for each."""
    made = {
        name: run("-m", "voxstack", "addon", "new", name, "--defaults", *words)
        for name, words in PACKAGES.items()
    }
    pip = ("-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation")
    run(*pip, "--disable-pip-version-check", *(f"./{name}" for name in PACKAGES))
    return made


def commands(text):
    """Return the printed commands by their first words."""
    lines = [shlex.split(line) for line in text.splitlines() if line.startswith("  ")]
    return {words[0] if words[0] != "voxstack" else words[1]: words for words in lines}


def samples(path):
    with wave.open(str(path)) as file:
        return np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(float)


@pytest.fixture(scope="module")
def plain(run):
    run("-m", "voxstack", "say", "Hello.", "-o", "plain.wav")
    return samples(run.folder / "plain.wav")


@pytest.fixture(params=PACKAGES)
def package(request, said):
    return request.param, commands(said[request.param])


def test_its_tests_pass(run, package):
    _, printed = package
    done = run("-m", *printed["pytest"], "-q", "-p", "no:cacheprovider")
    assert " passed" in done and "failed" not in done
    assert int(done.rpartition(" passed")[0].split()[-1]) > 10  # includes the suite's tests


def test_it_conforms(run, package):
    _, printed = package
    assert "0 failed" in run("-m", *printed["conformance"])


EXPECTED = {
    "acme-gain": lambda new, old: np.abs(new - old * 10 ** (-6 / 20)).max() <= 1,
    "gain": lambda new, old: np.abs(new - old * 10 ** (-6 / 20)).max() <= 1,
    "acme-pace": lambda new, old: 1.1 < len(new) / len(old) < 1.4,
    "acme-npu": lambda new, old: np.array_equal(new, old),
    "acme-fixed": lambda new, old: np.abs(new - old).max() <= 4,
    "acme-robot": lambda new, old: is_speech(new),
}


def is_speech(samples):
    """Return whether half a second has harmonics of 110 Hz and the level of speech."""
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)), 16000))  # a bin a hertz
    low = [spectrum[f - 40 : f + 40].max() / spectrum[f + 15 : f + 95].mean() for f in (110, 220)]
    return 4000 < len(samples) < 16000 and 500 < samples.std() < 8000 and min(low) > 2


def test_one_word_uses_it(run, package, plain):
    name, printed = package
    run("-m", *printed["say"])
    assert EXPECTED[name](samples(run.folder / "out.wav"), plain)


def test_an_executor_is_listed_as_a_placeholder(run, said):
    listed = run("-m", "voxstack", "executors")
    (row,) = [line for line in listed.splitlines() if "AcmeNpu" in line]
    assert "a placeholder" in row


def test_its_code_passes_ruff(run, said):
    if find_spec("ruff") is None:
        pytest.skip("needs ruff")
    for words in (("check",), ("format", "--check")):
        ruff = [sys.executable, "-m", "ruff", *words, "--no-cache", *PACKAGES]
        done = subprocess.run(ruff, cwd=run.folder, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout
