"""The suite of addons can fail: for each check an addon that fails it and no other."""

import hashlib
import itertools
import json
import shutil
import threading
import time

import numpy as np
import pytest
from attrs import frozen
from voxstack import StreamableBlock
from voxstack_kit.testing import AddonSuite
from voxstack_kit.testing.toys import FOLDER

pytest.importorskip("voxstack_onnxruntime")

CARD = b"A card.\n"


@pytest.fixture(autouse=True)
def little_patience(monkeypatch):
    """No thread here ends by itself: those who leave one are not waited for."""
    from voxstack_kit.testing import blocks

    monkeypatch.setattr(blocks, "ENDING_S", 0.1)


@pytest.fixture
def toy(tmp_path):
    """Make a copy of the toys' addon, changed: toy(change) gives its suite."""

    def make(change=lambda manifest, folder: None):
        folder = tmp_path / "toy"
        shutil.copytree(FOLDER, folder)
        manifest = json.loads((folder / "addon.json").read_text("utf-8"))
        for network in manifest["networks"].values():  # one runtime is enough here
            del manifest["files"][network["files"].pop("pt2")]
        put(manifest, folder, "CARD.md", CARD)
        manifest["card"] = "CARD.md"
        change(manifest, folder)
        (folder / "addon.json").write_text(json.dumps(manifest), "utf-8")

        @pytest.fixture
        def addon(self):
            return str(folder)

        return type("TestIt", (AddonSuite,), {"addon": addon})

    return make


def put(manifest, folder, path, data):
    (folder / path).write_bytes(data)
    digest = hashlib.sha256(data).hexdigest()
    manifest["files"][path] = {"sha256": digest, "bytes": len(data)}


def changed_file(manifest, folder):
    (folder / "CARD.md").write_bytes(b"A gard.\n")


def pickle_among_its_files(manifest, folder):
    put(manifest, folder, "table.bin", b"\x80\x04\x95\x01\x00\x00\x00\x00\x00\x00\x00N.")


def script_among_its_files(manifest, folder):
    put(manifest, folder, "run.py", b"print()\n")


def package_with_code(manifest, folder):
    (folder / "__init__.py").write_text("import os\n", "utf-8")


def silent(manifest, folder):
    del manifest["description"]


def context_too_small(manifest, folder):
    manifest["networks"]["windows"]["context"] = {"left": 0, "right": 0}


def problem(manifest, folder):
    manifest["networks"]["steps"]["delay"] = -1


DATA = "its files are data with their hashes"
CHUNKS = "chunks give the frames of one call"
RUNS = "it runs on each executor that takes its formats"


CODE = "the package around it holds no code"
SAYS, MANIFEST = "it says what it is", "the manifest has no problems"
CHANGES = [
    (changed_file, {DATA}),
    (pickle_among_its_files, {DATA}),
    (script_among_its_files, {DATA}),
    (package_with_code, {CODE}),
    (silent, {SAYS}),
    (context_too_small, {CHUNKS, RUNS}),
]


@pytest.fixture
def one_executor(monkeypatch):
    """The others are the business of their own suites."""
    from voxstack_kit.testing import addon

    able = [("OnnxRuntime", "OnnxRuntime")]
    monkeypatch.setattr(addon, "executors_for", lambda host, opened: able)


@pytest.mark.usefixtures("one_executor")
def test_an_addon_that_does_all_of_it_passes(failures, toy):
    assert failures(toy()) == {}


@pytest.mark.usefixtures("one_executor")
@pytest.mark.parametrize(
    ("change", "expected"), CHANGES, ids=lambda one: getattr(one, "__name__", "")
)
def test_an_addon_fails_the_checks_that_it_does_not_hold_to(failures, toy, change, expected):
    assert set(failures(toy(change))) == expected


def test_an_addon_that_cannot_be_read_is_told_with_the_reason(failures, toy):
    found = failures(toy(problem), "manifest")
    message, step = found[MANIFEST]
    assert "/networks/steps/delay" in message and "voxstack addon check" in step


# Voices -----------------------------------------------------------------------------------------


class Effect(StreamableBlock):
    """What stands at the end of a tiny voice; the base of those that fail."""

    def stream(self, sequence, upstream):
        for chunk in upstream:
            yield chunk.replace(audio=chunk["audio"].astype(np.float32))


class ByChunk(Effect):
    """Depends on where chunks end."""

    def stream(self, sequence, upstream):
        for chunk in super().stream(sequence, upstream):
            yield chunk.replace(audio=chunk["audio"] - chunk["audio"][..., :1])


RUNS_SO_FAR = itertools.count(1)


class Drifts(Effect):
    """Gives a little more each time."""

    def stream(self, sequence, upstream):
        more = np.float32(1e-7 * next(RUNS_SO_FAR))
        for chunk in super().stream(sequence, upstream):
            yield chunk.replace(audio=chunk["audio"] + more)


NOW = [None]


class Shares(Effect):
    """Keeps its chunk where other threads find it."""

    def stream(self, sequence, upstream):
        for chunk in super().stream(sequence, upstream):
            NOW[0] = chunk
            time.sleep(0.002)
            yield NOW[0]
        NOW[0] = None


HELD = []


class Holds(Effect):
    """Keeps the last chunk when it is closed."""

    def stream(self, sequence, upstream):
        for chunk in super().stream(sequence, upstream):
            HELD[:] = [chunk]
            yield chunk


class LeavesThread(Effect):
    """Starts a thread that nobody ends."""

    def stream(self, sequence, upstream):
        threading.Thread(target=threading.Event().wait, args=(2,), daemon=True).start()
        yield from super().stream(sequence, upstream)


PIECES, SEED = "streamed audio is that of one piece", "the same seed gives the same audio"
THREADS, CLOSED = "many threads speak as one", "closing early frees everything"
SPOKEN = "streamed or same_seed or threads or closing"
VOICES = [
    (ByChunk, {PIECES}),
    (Drifts, {SEED}),
    (Shares, {THREADS, CLOSED}),
    (Holds, {CLOSED}),
    (LeavesThread, {CLOSED}),
]
FAILURES = [*CHANGES, *VOICES, (problem, {MANIFEST})]


@pytest.fixture
def spoken(tiny_host):
    """Make a tiny voice that ends in an effect: spoken(Effect) gives its suite."""

    def make(effect):
        effect = frozen(type(effect.__name__, (effect,), {"__doc__": effect.__doc__}))
        last = {"type": effect.__name__}
        host = tiny_host(lambda manifest: manifest["stack"].append(last), effects=[effect])

        @pytest.fixture
        def voxstack_host(self):
            return host

        @pytest.fixture
        def addon(self):
            return "tiny"

        return type("TestIt", (AddonSuite,), {"addon": addon, "voxstack_host": voxstack_host})

    return make


def test_a_voice_that_does_all_of_it_passes(outcomes, spoken):
    found = outcomes(spoken(Effect), SPOKEN)
    assert [what for what, *_ in found.values()] == ["passed"] * 4


@pytest.mark.parametrize(("effect", "expected"), VOICES)
def test_a_voice_fails_the_checks_that_it_does_not_hold_to(failures, spoken, effect, expected):
    assert set(failures(spoken(effect), SPOKEN)) == expected
