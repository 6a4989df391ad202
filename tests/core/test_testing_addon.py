"""The suite of addons can fail: for each check an addon that fails it and no other."""

import hashlib
import json
import shutil

import pytest
from voxstack.testing import AddonSuite
from voxstack.testing.toys import FOLDER

pytest.importorskip("voxstack_onnxruntime")

CARD = b"A card.\n"


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


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda manifest, folder: None, set()),
        (changed_file, {DATA}),
        (pickle_among_its_files, {DATA}),
        (script_among_its_files, {DATA}),
        (package_with_code, {"the package around it holds no code"}),
        (silent, {"it says what it is"}),
        (context_too_small, {CHUNKS, RUNS}),
    ],
    ids=lambda one: getattr(one, "__name__", ""),
)
def test_an_addon_fails_the_checks_that_it_does_not_hold_to(
    failures, toy, change, expected, monkeypatch
):
    # One executor: the others are the business of their own suites.
    from voxstack.testing import addon

    monkeypatch.setattr(
        addon, "executors_for", lambda host, opened: [("OnnxRuntime", "OnnxRuntime")]
    )
    assert set(failures(toy(change))) == expected


def test_an_addon_that_cannot_be_read_is_told_with_the_reason(failures, toy):
    found = failures(toy(problem), "manifest")
    message, step = found["the manifest has no problems"]
    assert "/networks/steps/delay" in message and "voxstack addon check" in step
