"""``voxstack doctor``: each way of being broken is a finding with a next step, and no more."""

import json
import os
import shutil
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow

GAIN = """
from attrs import frozen
from voxstack import StreamableBlock
@frozen
class Gain(StreamableBlock):
    def stream(self, sequence, upstream):
        yield from upstream
"""
NPU = """
import time
from attrs import frozen
from voxstack import Executor
@frozen
class Npu(Executor):
    def available(self):
        time.sleep(600)
    def load(self, network): ...
"""
HOOK = "from voxstack import hookimpl\n@hookimpl\ndef voxstack_efects(): return []\n"
CODE = {  # one package each, "acme-NAME", that provides the effect NAME
    "good": GAIN,
    "dependency": "import acme_runtime\n",
    "class": "class Gain: pass\n",
    "instance": "Gain = 3\n",
    "raises": "raise ValueError('no licence')\n",
    "exits": "raise SystemExit(3)\n",
    "ends": "import os\nos._exit(5)\n",
    "hangs": "import time\ntime.sleep(600)\n",
    "prints": "print('Welcome!')\n" + GAIN,
    "forks": "import os\nif hasattr(os, 'fork'): os.fork()\n" + GAIN,
    "newer": GAIN,
    "outdated": GAIN,
    "one": GAIN,
    "two": GAIN,
    "blocked": "open('imported', 'w')\n",
    "garbled": GAIN,
    "unread": GAIN,
    "bare": GAIN,
    "lost": GAIN,
    "twice": GAIN,
}
TARGETS = {"lost": "acme_nothing:Gain"}
NAMES = {"one": "same", "two": "same"}
NEEDS = {"newer": "voxstack>=99", "outdated": "attrs>=999"}


@pytest.fixture(scope="module")
def examined(tmp_path_factory):
    """Break a package in each way, and examine them in one go: (exit code, findings, folder)."""
    site = tmp_path_factory.mktemp("site")

    def put(name, group, entry, target, code, needs=""):
        (site / f"acme_{name}.py").write_text(code)
        info = site / f"acme_{name}-1.0.dist-info"
        info.mkdir()
        needs = f"Requires-Dist: {needs}\n" if needs else ""
        (info / "METADATA").write_text(f"Name: acme-{name}\nVersion: 1.0\n{needs}")
        (info / "entry_points.txt").write_text(f"[{group}]\n{entry} = {target}\n")
        return info

    for name, code in CODE.items():
        target, entry = TARGETS.get(name, f"acme_{name}:Gain"), NAMES.get(name, name)
        put(name, "voxstack.effects", entry, target, code, NEEDS.get(name, ""))
    put("hook", "voxstack", "hook", "acme_hook", HOOK)
    put("npu", "voxstack.executors", "Npu", "acme_npu:Npu", NPU)
    (site / "acme_garbled-1.0.dist-info" / "METADATA").write_bytes(b"\xff\xfe\x00")
    (site / "acme_unread-1.0.dist-info" / "entry_points.txt").write_bytes(b"\xff[voxstack]")
    (site / "acme_bare-1.0.dist-info" / "METADATA").unlink()
    shutil.copytree(site / "acme_twice-1.0.dist-info", site / "acme_twice-0.9.dist-info")
    put("strange", "voxstack.effect", "Strange", "acme_strange:Gain", GAIN)
    lists = '[plugins]\nallow = ["acme-*"]\nblock = ["acme-blocked", "acme-absent"]\n'
    (site / "site.toml").write_text(lists + '[executors]\nvocoder = "Nqu"\n')
    env = {k: v for k, v in os.environ.items() if not k.startswith("VOXSTACK")}
    env["PYTHONPATH"] = os.pathsep.join(filter(None, [str(site), env.get("PYTHONPATH")]))
    command = [sys.executable, "-m", "voxstack", "doctor", "--json", "--deploy", "site.toml"]
    done = subprocess.run(
        [*command, "--timeout", "2"], cwd=site, env=env, capture_output=True, timeout=100
    )
    assert done.stderr == b""
    return done.returncode, json.loads(done.stdout), site


@pytest.mark.parametrize(
    ("name", "status", "message"),
    [
        ("good", "ok", "it can be imported"),
        ("lost", "error", "No module named 'acme_nothing'"),
        ("dependency", "error", "No module named 'acme_runtime'"),
        ("class", "error", "does not extend voxstack.StreamableBlock"),
        ("instance", "error", "is a int"),
        ("raises", "error", "ValueError: no licence"),
        ("exits", "error", "SystemExit: 3"),
        ("ends", "error", "ended with exit code 5"),
        ("hangs", "error", "did not end within 2 s"),
        ("prints", "warning", "prints to stdout when it is imported: 'Welcome!'"),
        pytest.param("forks", "warning", "forks the process", marks=pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")),  # noqa: E501
        ("newer", "error", "needs voxstack >=99"),
        ("outdated", "warning", "acme-outdated 1.0 needs >=999"),
        ("blocked", "warning", "blocked by 'acme-blocked'"),
        ("garbled", "warning", "its METADATA cannot be read"),
        ("bare", "warning", "its METADATA cannot be read"),
        ("unread", "error", "its entry_points.txt is not UTF-8"),
        ("hook", "error", "voxstack_efects"),
        ("twice", "warning", "acme_twice-0.9.dist-info"),
        ("strange", "warning", "unknown entry-point group 'voxstack.effect'"),
    ],
)  # fmt: skip
def test_each_way_of_being_broken_is_a_finding(examined, name, status, message):
    spelled = (f"acme-{name} ", f"acme_{name}-")
    found = [
        f
        for f in examined[1]
        if any(s in f["subject"] or s in f["message"] for s in spelled) and message in f["message"]
    ]
    assert len(found) == 1, [f for f in examined[1] if name in f["subject"]]
    assert (found[0]["check"], found[0]["status"]) == ("plugin", status)
    assert bool(found[0]["next_step"]) == (status != "ok")


def test_a_misspelt_group_is_told_with_the_one_that_is_meant(examined):
    (found,) = (f for f in examined[1] if "voxstack.effect'" in f["message"])
    assert "Strange" in found["message"]
    assert "did you mean 'voxstack.effects'?" in found["next_step"]


def test_why_something_is_broken_is_said_once(examined):
    (found,) = (f for f in examined[1] if f["subject"].startswith("exits of"))
    assert found["message"] == ("broken: importing 'acme_exits:Gain' failed with SystemExit: 3")


def test_errors_come_first_and_give_exit_code_2(examined):
    code, findings, _ = examined
    order = [f["status"] for f in findings]
    assert code == 2 and order == sorted(order, key=["error", "warning", "ok"].index)
    assert {f["check"] for f in findings} >= {"environment", "plugin", "executor", "deployment"}


def test_ambiguous_names_are_told_how_to_be_chosen(examined):
    (step, _) = (f["next_step"] for f in examined[1] if f["message"].startswith("ambiguous"))
    assert "'same@acme-one' or 'same@acme-two'" in step


def test_nothing_of_a_blocked_package_runs(examined):
    assert not (examined[2] / "imported").exists()


def test_an_executor_whose_probe_hangs(examined):
    (found,) = (f for f in examined[1] if f["subject"] == "Npu of acme-npu")
    assert found["status"] == "error" and "did not end within 2 s" in found["message"]


def test_names_in_the_deployment_file_that_nobody_brings(examined):
    told = {f["subject"]: f for f in examined[1] if f["check"] == "deployment"}
    assert told["executors.vocoder"]["next_step"] == "fix the file (did you mean 'Npu'?)"
    assert "'acme-absent' matches no installed package" in told["[plugins] block"]["message"]


def test_a_good_environment_gives_exit_code_0_and_is_shown_on_demand(voxstack):
    everything = voxstack.good("doctor", "--all").out
    assert "0 to fix" in everything
    assert "ok: executor: OnnxRuntime of voxstack-onnxruntime" in everything
    assert "ok: voice: en-us of voxstack-voice-en-us" in everything
    assert "ok: addon: vocoder-16k of voxstack-vocoder-16k" in everything, "it does not speak"
    assert " 1 network, " in everything


@pytest.fixture
def acme_voice(voxstack, install, site, rewrite):
    """Install a copy of the default voice, changed; gives what doctor says of it."""

    def put(change_manifest=lambda manifest: None, files=(), options=()):
        folder = rewrite(lambda manifest: (manifest.update(name="acme"), change_manifest(manifest)))
        install("acme-voice", {"addons.acme": "acme_voice"})
        (site / "acme_voice.py").unlink()
        for path, change in dict(files).items():
            data = (folder / path).read_bytes()
            (folder / path).unlink()
            (folder / path).write_bytes(change(data))
        folder.rename(site / "acme_voice")
        result = voxstack("doctor", "--json", *options)
        found = [f for f in result.json if f["subject"].startswith("acme of")]
        assert result.code == 2 and found[0]["status"] == "error"
        return found

    return put


def test_a_voice_with_a_file_that_was_cut_short(acme_voice):
    found = acme_voice(files={"networks/decoder.onnx": lambda data: b"cut"})
    assert any("has 3 bytes, addon.json declares" in f["message"] for f in found)


@pytest.mark.parametrize("path", ["networks/decoder.onnx", "symbols.json"])
def test_a_voice_with_one_changed_byte_is_to_be_installed_again(acme_voice, path):
    (found,) = acme_voice(files={path: lambda data: data[:-1] + bytes([data[-1] ^ 1])})
    assert path in found["message"] and "has sha256" in found["message"]
    assert found["next_step"] == "install acme-voice again from where you got it"


def test_an_addon_of_a_newer_format_needs_a_newer_voxstack(acme_voice):
    (found,) = acme_voice(lambda manifest: manifest.update(format=7))
    assert "addon format 7 is newer" in found["message"]
    assert found["next_step"] == "upgrade voxstack"


def test_a_voice_whose_vocoder_is_blocked_says_who_blocks_it(acme_voice, home):
    (home / "site.toml").write_text('[plugins]\nblock = ["voxstack-vocoder-*"]\n')
    (found,) = acme_voice(options=("--deploy", "site.toml"))
    assert found["next_step"].startswith("to use it, remove 'voxstack-vocoder-*' from")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('executor = {type = "OnnxRuntime", treads = 1}', "did you mean 'threads'?"),
        ('[set]\n"/stack/9/x" = 1', 'nothing at "/stack/9"'),
        ('[controls]\nspeaker = "bob"', "speaker 'bob' is not one of"),
    ],
)
def test_a_mistake_in_the_deployment_file_is_blamed_on_no_voice(voxstack, home, text, says):
    (home / "site.toml").write_text(text)
    result = voxstack("doctor", "--json", "--deploy", "site.toml")
    (found,) = (f for f in result.json if f["status"] == "error")
    assert result.code == 2 and (found["check"], found["subject"]) == ("deployment", "site.toml")
    assert says in found["message"] and "en-us" in found["message"]
    assert found["next_step"].startswith("fix the file")


def test_of_a_list_of_executors_one_that_can_run_is_enough(voxstack, home):
    good = 'executor = ["Nix", "OnnxRuntime"]\n'
    (home / "site.toml").write_text(good + '[executors]\nvocoder = ["Nux", "Nix"]\n')
    findings = voxstack("doctor", "--json", "--deploy", "site.toml").json
    told = [(f["subject"], f["status"]) for f in findings if f["check"] == "deployment"]
    assert ("executor", "warning") in told and ("executors.vocoder", "error") in told
    assert all(f["check"] != "voice" for f in findings if f["status"] == "error")


OTHERS = "voxstack-[!k]*"  # than the kit, which provides the command


def test_what_a_variable_blocks_is_told_how_to_be_let_in(voxstack):
    findings = voxstack("doctor", "--json", env={"VOXSTACK_BLOCK": OTHERS}).json
    found = {f["subject"]: f for f in findings if f["status"] == "error"}
    assert set(found) == {"executors", "voices"}
    for finding in found.values():
        assert f"blocked by {OTHERS!r} in VOXSTACK_BLOCK" in finding["message"]
        assert f"{OTHERS!r}" in finding["next_step"] and "VOXSTACK_BLOCK" in finding["next_step"]


def test_patterns_of_the_variables_that_match_nothing(voxstack):
    env = {"VOXSTACK_BLOCK": "acme-a acme-b", "VOXSTACK_ALLOW": "voxstack*, voxstack-standart"}
    findings = voxstack("doctor", "--json", env=env).json
    told = {f["message"].split()[0]: f for f in findings if f["subject"] in env}
    assert set(told) == {"'acme-a'", "'acme-b'", "'voxstack-standart'"}
    assert {f["status"] for f in told.values()} == {"warning"}
    assert told["'voxstack-standart'"]["next_step"] == "did you mean 'voxstack-standard'?"


def test_a_variable_that_names_no_voice_is_to_be_set_to_another(voxstack):
    findings = voxstack("doctor", "--json", env={"VOXSTACK_VOICE": "zzzz"}).json
    (found,) = (f for f in findings if f["subject"] == "VOXSTACK_VOICE")
    assert found["next_step"].startswith("set VOXSTACK_VOICE to another (installed: en-us")


NEEDY = """
from attrs import frozen
from voxstack import Executor
@frozen
class Npu(Executor):
    formats = ("onnx",)
    def available(self):
        return "acme_sdk is not installed: pip install acme_sdk"
    def load(self, network): ...
"""


def test_an_executor_that_says_itself_what_to_install_is_believed(voxstack, install):
    install("acme-npu", {"executors.Npu": "acme_npu:Npu"}, NEEDY)
    findings = voxstack("doctor", "--json").json
    (found,) = (f for f in findings if f["subject"] == "Npu of acme-npu")
    assert found["status"] == "warning"
    assert found["next_step"].startswith("pip install acme_sdk, or pip uninstall acme-npu")


def test_an_executor_of_the_deployment_file_that_lacks_something_is_not_its_mistake_alone(
    voxstack, install, home
):
    install("acme-npu", {"executors.Npu": "acme_npu:Npu"}, NEEDY)
    (home / "site.toml").write_text('executor = "Npu"\n')
    findings = voxstack("doctor", "--json", "--deploy", "site.toml").json
    (found,) = (f for f in findings if f["status"] == "error")
    assert found["subject"] == "site.toml" and "cannot run here" in found["message"]
    assert found["next_step"] == "pip install acme_sdk, or fix the file"


SILENT = '[plugins]\nallow = ["voxstack*"]\nblock = ["voxstack-voice-*"]\n'


@pytest.mark.parametrize("voice", ["", 'voice = "./acme"\n'])
def test_without_a_voice_that_speaks_something_must_be_mended(voxstack, home, voice):
    (home / "site.toml").write_text(voice + SILENT)
    env = {"VOXSTACK_VOICE": ""}
    findings = voxstack("doctor", "--json", "--deploy", "site.toml", env=env).json
    found = [f for f in findings if f["subject"] == "voices"]
    assert len(found) == (0 if voice else 1), "a voice that lies in a folder need not be installed"
    for finding in found:
        assert finding["status"] == "error" and "vocoder-16k" in finding["message"]
        assert finding["next_step"].startswith("to use it, remove 'voxstack-voice-*' from")


def test_a_deployment_file_that_cannot_be_read(voxstack, home):
    (home / "site.toml").write_text("[plugins\n")
    result = voxstack("doctor", "--deploy", "site.toml")
    assert result.code == 2
    assert result.out.startswith("error: deployment: site.toml")
    assert "OnnxRuntime" not in result.out, "what is in order is counted"
    assert "1 to fix" in result.out and "in order (--all shows them)" in result.out


def test_500_plugins_are_tried_out_in_few_processes(voxstack, install, home):
    for i in range(500):
        install(f"acme-gain{i}", {f"effects.Gain{i}": f"acme_gain{i}:Gain"}, GAIN)
    (home / "site.toml").write_text('[plugins]\nallow = ["acme-*"]\n')
    findings = voxstack("doctor", "--json", "--deploy", "site.toml").json  # within a minute
    assert (
        sum(f["message"] == "it can be imported" and "acme" in f["subject"] for f in findings)
        == 500
    )


FAULTY = """
from attrs import frozen
from voxstack import Executor, Program, Tensors
from voxstack_onnxruntime import OnnxRuntime

@frozen
class Npu(Executor):
    formats = ("onnx",)

    def load(self, network):
        {load}

class Twice(Program):
    def __init__(self, network):
        self.network, self.made = network, OnnxRuntime().load(network)

    def __call__(self, inputs):
        made = self.made(inputs)
        return Tensors({{n: v * 2 for n, v in made.items()}})
"""


@pytest.mark.parametrize(
    ("load", "told"),
    [("import acme_sdk", "No module named 'acme_sdk'"), ("return Twice(network)", "wrong numbers")],
)
def test_an_executor_that_cannot_load_or_compute_is_found(voxstack, install, load, told):
    install("acme-npu", {"executors.Npu": "acme_npu:Npu"}, FAULTY.format(load=load))
    found = {f["subject"]: f for f in voxstack("doctor", "--json").json}
    finding = found["Npu of acme-npu"]
    assert finding["status"] == "error" and told in finding["message"]


def test_a_voice_that_cannot_speak_is_found(voxstack, install, home):
    install(
        "acme-gag", {"effects.Gag": "acme_gag:Gain"}, GAIN.replace("yield from upstream", "1 / 0")
    )
    (home / "site.toml").write_text('[set]\n"/stack/-" = {type = "Gag"}\n')
    result = voxstack("doctor", "--json", "--deploy", "site.toml")
    told = [f["message"] for f in result.json if f["check"] == "deployment"]
    assert result.code == 2 and any("ZeroDivisionError" in message for message in told)


def test_a_manifest_that_is_not_the_one_that_pip_wrote_is_found(voxstack, site, default_voice):
    """addon.json has no hash of its own; pip recorded one."""
    shutil.copytree(default_voice, site / "acme_voice")
    info = site / "acme_voice-1.0.dist-info"
    info.mkdir()
    (info / "entry_points.txt").write_text("[voxstack.addons]\nacme = acme_voice\n")
    (info / "INSTALLER").write_text("pip\n")
    (info / "RECORD").write_text(f"acme_voice/addon.json,sha256={'A' * 43},1\n")
    (finding,) = (f for f in voxstack("doctor", "--json").json if f["subject"].startswith("acme "))
    assert finding["status"] == "error" and "acme_voice/addon.json" in finding["message"]


def test_a_leftover_of_pip_is_reported_and_ignored(voxstack, site):
    (site / "~cme_left-1.0.dist-info").mkdir()
    points = "[voxstack.effects]\nLeft = acme_left:Left\n"
    (site / "~cme_left-1.0.dist-info" / "entry_points.txt").write_text(points)
    findings = voxstack("doctor", "--json").json
    (found,) = (f for f in findings if f["subject"] == "~cme_left-1.0.dist-info")
    assert found["status"] == "warning" and "delete this folder" in found["next_step"]
    assert not any(row["name"] == "Left" for row in voxstack("plugins", "--json").json)
