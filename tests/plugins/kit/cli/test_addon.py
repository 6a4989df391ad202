"""``voxstack addon``: what a voice is, who made it, and what is wrong with it."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import shutil
import zipfile

import pytest

GROUPS = {"identity", "origin", "files", "networks", "parts", "cannot", "limits", "warnings"}


def test_check_explains_a_voice(voxstack, default_voice):
    found = voxstack.good("addon", "check", "en-us", "--json").json
    assert found["ok"] is True
    assert {*found} == {"ok", "verdict", "checks", "runs_on", *GROUPS}
    steps = [check["check"] for check in found["checks"]]
    assert steps == ["manifest", "files", "installed", "build", "speak"]
    assert found["identity"]["author"] == "voxstack"
    assert found["identity"]["license_files"] == ["LICENSE"]
    assert found["origin"]["distribution"] == "voxstack-voice-en-us"
    assert {n["name"]: n["parameters"] for n in found["networks"]}["decoder"] > 100_000
    assert found["runs_on"]["en-us:decoder"] == "OnnxRuntime"
    assert ("addon", "vocoder-16k") in {(p["kind"], p["name"]) for p in found["parts"]}
    kinds = {file["path"]: file["content"] for file in found["files"]}
    assert kinds["networks/decoder.onnx"] == "an ONNX network"
    assert kinds["networks/decoder.pt2"] == "an exported program of PyTorch"


def test_check_gives_its_verdict_first_and_says_that_nothing_is_signed(voxstack):
    out = voxstack.good("addon", "check", "vocoder-16k").out
    assert out.startswith("OK: vocoder-16k ")
    assert "nothing is signed" in out


def checked(voxstack, where, *options):
    """Check an addon that does not pass."""
    result = voxstack("addon", "check", where, "--json", *options)
    assert (result.code, result.err) == (2, "")
    assert result.json["ok"] is False
    return result.json


def test_a_changed_addon_stops_before_anything_is_loaded(voxstack, addon):
    path = addon / "networks" / "decoder.onnx"
    data = path.read_bytes()
    path.unlink()
    path.write_bytes(data[:-1] + b"?")
    found = checked(voxstack, addon)
    assert found["verdict"] == "BAD: en-us 0.2.0 fails the check 'files'; nothing of it was loaded"
    assert [c["check"] for c in found["checks"]] == ["manifest", "files"]
    assert {f["path"] for f in found["files"] if not f["ok"]} == {"networks/decoder.onnx"}


def replaced(addon, rewrite, data, path="networks/decoder.onnx"):
    """Put other bytes in place of a network, with the right hash."""
    (addon / path).unlink()
    (addon / path).write_bytes(data)
    entry = {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
    rewrite(lambda manifest: manifest["files"].update({path: entry}))


class Evil:
    def __reduce__(self):
        return (print, ("it ran",))


def test_a_pickle_with_the_right_hash_does_not_run(voxstack, addon, rewrite):
    replaced(addon, rewrite, pickle.dumps(Evil()))
    found = checked(voxstack, addon)
    assert "is a pickle: a pickle runs code when it is opened" in found["checks"][-1]["detail"]
    said = voxstack("say", "Hi.", "-o", "x.wav", "--voice", addon)
    assert said.code == 2
    assert "addons hold data only" in said.err
    assert "it ran" not in said.err + said.out


def test_a_model_that_names_a_file_beside_it_is_refused_before_a_runtime_gets_it(
    voxstack, addon, rewrite, home
):
    onnx = pytest.importorskip("onnx")
    model = onnx.load_from_string((addon / "networks" / "decoder.onnx").read_bytes())
    tensor = max(model.graph.initializer, key=lambda t: len(t.raw_data))
    (home / "weights.bin").write_bytes(tensor.raw_data)  # where the command runs
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", "weights.bin"
    replaced(addon, rewrite, model.SerializeToString())
    found = checked(voxstack, addon)
    assert "keeps parameters in another file, 'weights.bin'" in found["checks"][-1]["detail"]
    installed = voxstack.good("plugins", "--kind", "executors", "--json").json
    named = {row["name"] for row in installed} & {"OnnxRuntime", "OpenVino"}
    assert "OnnxRuntime" in named
    for executor in sorted(named):
        said = voxstack("say", "Hi.", "-o", "x.wav", "--voice", addon, "--executor", executor)
        assert said.code == 2
        assert "weights.bin" in said.err


def test_a_hostile_zip_is_told_in_the_same_words_and_not_opened_further(voxstack, addon, home):
    with zipfile.ZipFile(home / "v.zip", "w", zipfile.ZIP_DEFLATED) as packed:
        packed.write(addon / "addon.json", "addon.json")
        packed.writestr("networks/decoder.onnx", bytes(50_000_000))
    found = checked(voxstack, "./v.zip")
    assert found["verdict"] == "BAD: it fails the check 'manifest'; nothing of it was loaded"
    assert "more than 100 times" in found["checks"][0]["detail"]


def test_names_in_a_manifest_cannot_steer_the_terminal(voxstack, addon, rewrite):
    rewrite(lambda manifest: manifest["networks"].update({"\x1b[2J": {}}))
    for command in (["addon", "check", addon], ["addon", "inspect", addon]):
        result = voxstack(*command)
        assert result.code == 2
        assert "\x1b" not in result.out + result.err


def test_a_card_cannot_steer_the_terminal(voxstack, addon, rewrite):
    replaced(addon, rewrite, b"# Card \x1b]0;owned\x07", "CARD.md")
    out = voxstack.good("addon", "inspect", addon).out
    assert "\x1b" not in out
    assert "\\x1b]0;owned" in out


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_a_pipe_in_place_of_a_network_does_not_hang(voxstack, addon):
    (addon / "networks" / "decoder.onnx").unlink()
    os.mkfifo(addon / "networks" / "decoder.onnx")
    assert "device or a pipe" in checked(voxstack, addon)["checks"][-1]["detail"]


def test_an_installed_voice_whose_files_are_not_those_that_pip_wrote_is_bad(
    voxstack, site, default_voice
):
    """The manifest was changed with the network: its own hashes agree, pip's do not."""
    shutil.copytree(default_voice, site / "acme_voice")
    info = site / "acme_voice-1.0.dist-info"
    info.mkdir()
    (info / "entry_points.txt").write_text("[voxstack.addons]\nacme = acme_voice\n")
    (info / "INSTALLER").write_text("pip\n")
    (info / "RECORD").write_text(f"acme_voice/addon.json,sha256={'A' * 43},1\n")
    found = checked(voxstack, "acme")
    assert found["verdict"].startswith("BAD: en-us 0.2.0 fails the check 'installed'")
    assert "changed: acme_voice/addon.json" in found["checks"][-1]["detail"]
    assert "pip install --force-reinstall" in found["checks"][-1]["detail"]


@pytest.mark.parametrize(
    ("name", "says"),
    [("nope", "no addon 'nope' is installed"), ("./nope", "no such folder or zip")],
)
def test_there_is_no_verdict_on_what_is_not_there(voxstack, name, says):
    for options in ((), ("--json",)):
        result = voxstack("addon", "check", name, *options)
        assert (result.code, result.raw) == (2, b"")
        assert result.err.startswith("error: ") and says in result.err


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--executor", "Nix"), "--executor: the executor Nix cannot be made"),
        (("--set", "/stack/1/type=Nope"), "(set by --set /stack/1/type)"),
        (("--text", "日本"), "error: --text: nothing to speak"),
        (("--text", " "), "error: --text is empty"),
        (("--block", "voxstack-voice-en-us"), "remove 'voxstack-voice-en-us' from --block"),
    ],
)
def test_an_option_that_is_to_blame_is_no_verdict_on_the_addon(refused, options, says):
    result = refused("addon", "check", "en-us", *options, says=(says,))
    assert len(result.err.splitlines()) == 1


def test_a_bad_addon_is_bad_whatever_the_options_are(voxstack, addon, rewrite):
    rewrite(lambda manifest: manifest["stack"][1].update(nope=1))
    result = voxstack("addon", "check", addon, "--json", "--executor", "Nix")
    assert (result.code, result.err) == (2, "")
    assert result.json["verdict"] == "BAD: en-us 0.2.0 fails the check 'build'"
    assert "unknown option 'nope'" in result.json["checks"][-1]["detail"]


@pytest.mark.parametrize(
    "blocked", ["voxstack-standard", "voxstack-vocoder-16k", "voxstack-[ot]*", "voxstack-english"]
)
def test_an_addon_whose_parts_are_not_here_is_not_called_bad(voxstack, blocked):
    found = checked(voxstack, "en-us", "--block", blocked)
    assert found["verdict"].startswith(
        "NOT CHECKED HERE: en-us 0.2.0 contains only data, its hashes"
    )
    assert (found["checks"][-1]["check"], found["checks"][-1]["ok"]) == ("build", None)


def test_a_part_that_breaks_when_it_is_imported_does_not_make_the_addon_bad(
    voxstack, addon, rewrite, install
):
    install("acme-gain", {"effects.AcmeGain": "acme_gain:Gain"}, "1 / 0")
    rewrite(lambda manifest: manifest["stack"].append({"type": "AcmeGain"}))
    found = checked(voxstack, addon)
    assert found["verdict"].startswith("NOT CHECKED HERE")
    assert "ZeroDivisionError" in found["parts"][-1]["reason"]


def test_wrong_options_of_a_part_that_is_here_are_bad_beside_one_that_is_not(
    voxstack, addon, rewrite
):
    def change(manifest):
        manifest["stack"] += [{"type": "Gain", "nope": 1}, {"type": "Nowhere"}]

    rewrite(change)
    assert checked(voxstack, addon)["verdict"] == "BAD: en-us 0.2.0 fails the check 'build'"


def test_voices_and_inspect_say_who_made_a_voice(voxstack):
    rows = {row["name"]: row for row in voxstack.good("voices", "--json").json}
    assert rows["en-us"]["author"] == "voxstack"
    facts = json.loads(voxstack.good("addon", "inspect", "en-us", "--json").raw)
    assert facts["author"] == "voxstack"
    assert "flite" in facts["datasets"][0]


def test_a_blocked_command_of_a_plugin_is_not_imported(voxstack, install):
    install("evil-pack", {"commands.evil": "evil_pack:evil"}, code="raise SystemExit('imported')")
    result = voxstack("evil", env={"VOXSTACK_BLOCK": "evil-*"})
    assert result.code == 2
    assert "blocked by 'evil-*' in VOXSTACK_BLOCK (to use it, remove 'evil-*' from" in result.err
    assert "imported" not in result.err
