"""A tiny recipe from the teacher to an addon that speaks, killed on the way."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from voxstack import Host
from voxstack_train.corpus.flite import Flite
from voxstack_train.errors import TrainError

RECIPE = """
name = "tiny"
precision = "float32"
[[corpus.speakers]]
name = "kal"
teacher = "flite"
count = 80
[acoustic]
learning = { steps = 12, rate = 1e-3, warmup = 4, every = 2 }
batch_frames = 600
[vocoder]
speakers = ["kal"]
learning = { steps = 4, rate = 1e-3, warmup = 2, every = 2 }
crop = 32
batch = 4
[[export]]
kind = "parallel"
name = "tiny"
version = "0.1.0"
description = "A test."
vocoder = "own"
folder = "work:addon"
"""


@pytest.fixture(autouse=True)
def teacher():
    try:
        Flite("kal")
    except TrainError as error:
        pytest.skip(str(error))


def command(folder, *arguments):
    return [sys.executable, "-m", "voxstack", "train", "tiny.toml", "--work", "w", *arguments]


def run(folder, *arguments):
    return subprocess.run(
        command(folder, *arguments), cwd=folder, capture_output=True, text=True, check=False
    )


def wait_for(condition, process):
    for _ in range(1200):
        if condition() or process.poll() is not None:
            return
        time.sleep(0.05)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "tiny.toml").write_text(RECIPE)
    return tmp_path


@pytest.mark.skipif(os.name == "nt", reason="no SIGKILL")
def test_a_run_killed_anywhere_resumes_and_produces_a_voice_that_speaks(folder):
    work = folder / "w"
    listing = work / "corpus" / "kal" / "utterances.jsonl"
    log = work / "acoustic" / "losses.jsonl"
    stops = [
        lambda: listing.exists() and listing.read_bytes().count(b"\n") > 5,
        lambda: log.exists() and log.read_bytes().count(b"\n") > 1,
    ]
    for stop in stops:
        process = subprocess.Popen(
            command(folder), cwd=folder, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )
        wait_for(stop, process)
        process.send_signal(signal.SIGKILL)
        process.wait()
    done = run(folder)
    assert done.returncode == 0, done.stderr
    steps = [json.loads(line)["step"] for line in log.read_text().splitlines()]
    assert steps == [2, 4, 6, 8, 10, 12]
    assert len(listing.read_text().splitlines()) > 70
    for picture in ("acoustic/picture.png", "acoustic/losses.png", "vocoder/losses.png"):
        assert (work / picture).read_bytes().startswith(b"\x89PNG")
    with Host() as host:
        audio = host.voice(str(work / "addon")).synthesize("Hello there.").samples
    assert np.isfinite(audio).all()
    assert len(audio) > 4000

    again = run(folder)  # all is done: nothing is trained again
    assert again.returncode == 0
    assert "acoustic: " not in again.stderr

    (folder / "tiny.toml").write_text(RECIPE.replace("rate = 1e-3, warmup = 4", "rate = 2e-3"))
    other = run(folder, "--stage", "acoustic")
    assert other.returncode == 2
    assert "a checkpoint of another recipe (settings differ)" in other.stderr
    assert "Traceback" not in other.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--stage", "acustic"], "did you mean 'acoustic'"),
        (["--device", "cuda:9"], "the device 'cuda:9' cannot be used"),
        (["--stage", "features"], "missing; run the stage 'corpus'"),
    ],
)
def test_a_failure_is_reported_with_exit_code_2(folder, arguments, message):
    done = run(folder, *arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_a_wav_missing_in_the_middle_is_named_and_the_rest_kept(folder):
    assert run(folder, "--stage", "corpus").returncode == 0
    wavs = sorted((folder / "w" / "corpus" / "kal" / "wavs").glob("*.wav"))
    wavs[10].unlink()
    wavs[20].write_bytes(b"")
    done = run(folder, "--stage", "features")
    assert done.returncode == 0, done.stderr
    assert wavs[10].name in done.stderr
    assert wavs[20].name in done.stderr
    from voxstack_train.features.shards import read

    (path,) = (folder / "w" / "features").glob("*.safetensors")
    assert len(list(read(path))) == len(wavs) - 2


def test_missing_features_are_reported(folder):
    assert run(folder, "--stage", "corpus").returncode == 0
    shutil.rmtree(folder / "w" / "corpus" / "kal" / "wavs")
    assert run(folder, "--stage", "features").returncode == 0
    done = run(folder, "--stage", "acoustic")
    assert done.returncode == 2
    assert "no features of 'kal'" in done.stderr
