"""Locking a voice: the same configuration in the same environment, or a refusal."""

import base64
import hashlib
import json
import platform
import shlex

import pytest

GAIN = """
from attrs import frozen
from voxstack import StreamableBlock

@frozen
class Quiet(StreamableBlock):
    "Scale the audio by a half."

    def stream(self, sequence, upstream):
        for chunk in upstream:
            yield chunk.replace(audio=chunk["audio"] * 0.5)
"""
EDIT = ("--set", '/stack/-={"type": "Quiet"}')
SAY = ("say", "Hello.", "--locked", "voice.lock", "-o", "out.wav")


@pytest.fixture
def quiet(install):
    install("acme-quiet", {"effects.Quiet": "acme_quiet:Quiet"}, GAIN)


@pytest.fixture
def locked(voxstack, quiet, home):
    """A lock of the default voice with an effect of another package; gives what it says."""
    voxstack.good(
        *("stack", "lock", "en-us", "-o", "voice.lock", *EDIT, "--executor", "OnnxRuntime")
    )
    return json.loads((home / "voice.lock").read_text())


@pytest.fixture
def rewritten(locked, home):
    """Change what the lock says."""

    def write(change):
        change(locked)
        (home / "voice.lock").write_text(json.dumps(locked))

    return write


def test_a_lock_says_what_the_voice_is_made_of(locked):
    assert locked["components"]["block Quiet"]["distribution"] == "acme-quiet"
    assert locked["components"]["block Quiet"]["target"] == "acme_quiet:Quiet"
    assert locked["components"]["frontend English"]["package"] == "voxstack_english"
    assert len(locked["sources"]["voxstack_english"]) == 64
    assert set(locked["addons"]) == {"en-us", "vocoder-16k"}
    assert "networks/vocoder.onnx" in locked["addons"]["vocoder-16k"]["files"]
    assert locked["networks"]["en-us:decoder"]["type"] == "OnnxRuntime"
    assert {"numpy", "onnxruntime", "acme-quiet", "voxstack"} <= set(locked["distributions"])
    assert "openvino" not in locked["distributions"]
    assert locked["config"]["edits"] == [["/stack/-", {"type": "Quiet"}]]


def test_it_speaks_with_the_voice_and_the_edits_that_were_locked(voxstack, locked, home):
    voxstack.good(*SAY, env={"VOXSTACK_VOICE": "en-us-attention"})
    voxstack.good("say", "Hello.", *EDIT, "-o", "plain.wav")
    assert (home / "out.wav").read_bytes() == (home / "plain.wav").read_bytes()


def test_a_lock_holds_what_the_deployment_sets(voxstack, quiet, home):
    (home / "site.toml").write_text(
        '[controls]\nspeaker = "slt"\n[voices.en-us.set]\n"/stack/-" = {type = "Quiet"}\n'
    )
    voxstack.good("stack", "lock", "en-us", "--deploy", "site.toml", "-o", "voice.lock")
    voxstack.good("say", "Hello.", "--deploy", "site.toml", "-o", "plain.wav")
    (home / "site.toml").unlink()
    voxstack.good(*SAY)
    assert (home / "out.wav").read_bytes() == (home / "plain.wav").read_bytes()


def test_all_drifts_come_in_one_refusal(refused, rewritten, site):
    (site / "acme_quiet.py").write_text(GAIN.replace("0.5", "0.4"))

    def change(lock):
        lock["python"] = "3.1.4"
        lock["distributions"]["numpy"]["version"] = "1.2.3"
        lock["distributions"]["acme-gone"] = {"version": "7.0", "sha256": None}
        lock["distributions"]["attrs"]["sha256"] = "0" * 64
        lock["addons"]["en-us"]["files"]["symbols.json"] = "0" * 64

    rewritten(change)
    refused(
        *SAY,
        says=(
            "Python: locked 3.1.4, found 3.",
            "numpy: locked 1.2.3, found",
            "pip install numpy==1.2.3",
            "acme-gone: locked 7.0, found none",
            "the code of acme_quiet: locked sha256",
            "its files: locked sha256 000000000000..., found sha256",
            "addon en-us, symbols.json: locked sha256 000000000000",
            "voxstack stack lock en-us -o voice.lock --executor OnnxRuntime "
            """--set '/stack/-={"type": "Quiet"}'""",
        ),
    )


def advised(voxstack, lock):
    """Make a lock drift, and give the command that the refusal advises."""
    text = lock.read_text()
    lock.write_text(text.replace(f'"python": "{platform.python_version()}"', '"python": "3.1.4"'))
    result = voxstack("say", "Hello.", "--locked", str(lock), "-o", "out.wav")
    assert result.code == 2
    program, *command = shlex.split(result.err.partition("lock it as it is now: ")[2])
    assert program == "voxstack"
    return command


def test_the_advised_command_makes_the_same_lock_again(voxstack, quiet, home):
    (home / "sub").mkdir()
    (home / "sub" / "my site.toml").write_text(
        '[controls]\nspeaker = "slt"\n[set]\n"/stack/-" = {type = "Quiet"}\n'
        '[plugins]\nblock = ["acme-labs"]\n'
    )
    options = (*EDIT, "--set", '/sample=It\'s "so".', "--set", '/description="3"')
    lists = ("--allow", "voxstack*", "--allow", "acme-*", "--block", "acme-x")
    deploy = ("--deploy", "sub/my site.toml", "--executor", '{"type": "OnnxRuntime"}')
    lock = home / "sub" / "voice.lock"
    voxstack.good("stack", "lock", "en-us", "-o", "sub/voice.lock", *options, *lists, *deploy)
    text = lock.read_text()
    voxstack.good(*advised(voxstack, lock))
    assert lock.read_text() == text


def test_a_lock_without_its_options_is_asked_for_again_by_all_it_holds(voxstack, locked, home):
    lock = home / "voice.lock"
    text = lock.read_text()
    lock.write_text(json.dumps({k: v for k, v in locked.items() if k != "asked"}, indent=2))
    voxstack.good(*advised(voxstack, lock))
    assert lock.read_text() == text


def test_a_changed_source_is_not_imported(refused, locked, site):
    (site / "acme_quiet.py").write_text("raise SystemExit('imported')")
    result = refused(*SAY, says=("the code of acme_quiet",))
    assert "imported" not in result.err


def test_a_component_that_is_gone_names_its_package(refused, locked, site):
    for path in sorted(site.glob("acme_quiet-1.0.dist-info/*")):
        path.unlink()
    (site / "acme_quiet-1.0.dist-info").rmdir()
    result = refused(*SAY, says=("acme-quiet: locked 1.0, found none", "pip install acme-quiet"))
    assert "block Quiet" not in result.err, "the cause is told once"
    assert "as it is now" not in result.err, "it cannot be locked without it"


def test_a_name_that_a_second_package_brings_is_a_drift(voxstack, refused, locked, install):
    install("acme-loud", {"effects.Quiet": "acme_loud:Quiet"}, GAIN)
    result = refused(
        *SAY,
        says=(
            "block Quiet: locked that of acme-quiet 1.0, found one of acme-loud 1.0 as well",
            "pip uninstall acme-loud, or add 'acme-loud' to VOXSTACK_BLOCK",
            "'Quiet@acme-quiet'",
        ),
    )
    assert "pip install" not in result.err and "as it is now" not in result.err
    voxstack.good(*SAY, env={"VOXSTACK_BLOCK": "acme-loud"})


@pytest.mark.parametrize(
    ("lists", "says"),
    [
        ({"VOXSTACK_BLOCK": "voxstack-standard"}, "remove 'voxstack-standard' from VOXSTACK_BLOCK"),
        (
            {"VOXSTACK_ALLOW": "voxstack-[!s]*,acme-*"},
            "add 'voxstack-standard' to VOXSTACK_ALLOW",
        ),
    ],
)
def test_a_package_that_is_blocked_is_told_once_with_what_lets_it_in(refused, locked, lists, says):
    result = refused(*SAY, says=("voxstack-standard: locked as used", says), env=lists)
    assert len(result.err.splitlines()) == 2
    assert "pip" not in result.err


def test_what_is_on_no_index_is_advised_from_where_it_came(refused, rewritten, site):
    (site / "acme_quiet-1.0.dist-info" / "direct_url.json").write_text(
        json.dumps({"url": "file:///src/acme%20quiet", "dir_info": {}})
    )

    def change(lock):
        lock["distributions"]["acme-quiet"] = {"version": "2.0", "sha256": None}

    rewritten(change)
    refused(
        *SAY,
        says=("acme-quiet: locked 2.0, found 1.0: pip install '/src/acme quiet', once it is 2.0",),
    )


def test_another_executor_is_a_drift(refused, rewritten):
    rewritten(lambda lock: lock["networks"]["en-us:decoder"].update(threads=9))
    refused(*SAY, says=("network en-us:decoder", '"threads": 9', '"threads": 1'))


@pytest.mark.parametrize(
    "option", [("--voice", "en-us-attention"), ("--set", "/sample=x"), ("--executor", "Torch")]
)
def test_nothing_is_changed_beside_a_lock(refused, locked, option):
    refused(*SAY, *option, says=(option[0], "voice.lock", "lock again"))


def test_the_voice_that_is_locked_may_be_named(voxstack, refused, locked, home, addon):
    voxstack.good(*SAY, "--voice", "en-us")
    again = "voxstack stack lock en-us-attention --executor ... -o voice.lock"
    (home / "out.wav").unlink()
    refused(*SAY, "--voice", "en-us-attention", "--executor", "Torch", says=(again,))
    voxstack.good("stack", "lock", addon, "-o", "voice.lock")
    voxstack.good("stack", "check", "voice.lock", "--voice", addon)


def test_a_lock_goes_to_stdout_as_it_goes_to_a_file(voxstack, locked, home):
    command = ("stack", "lock", "en-us", *EDIT, "--executor", "OnnxRuntime", "-o")
    assert voxstack.good(*command, "-").json == locked
    assert not (home / "-").exists()


def test_a_voice_in_a_folder_is_found_from_the_lock(voxstack, refused, home, addon, rewrite):
    voxstack.good("stack", "lock", addon, "-o", "voice.lock")
    assert json.loads((home / "voice.lock").read_text())["voice"] == "../voice"
    voxstack.good(*SAY)
    (home / "out.wav").unlink()
    rewrite(lambda manifest: manifest.update(description="changed"))
    refused(*SAY, says=("addon ../voice, addon.json: locked sha256",))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{}", "is not a lock file"),
        ("[]", "is not a lock file"),
        ("{", "not JSON"),
        ('{"lock": 99}', "lock format 99 is newer"),
        ('{"lock": 1, "voice": 3}', "/voice"),
    ],
)
def test_what_is_no_lock_file_says_so(refused, home, text, says):
    (home / "voice.lock").write_text(text)
    refused(*SAY, says=("voice.lock", says))


def test_without_a_name_the_voice_is_chosen_as_say_does(voxstack, home):
    voxstack.good("stack", "lock", "-o", "voice.lock")
    assert json.loads((home / "voice.lock").read_text())["voice"] == "en-us"


def test_a_lock_that_is_not_there(refused):
    refused(*SAY, says=("cannot read voice.lock",))


def test_a_lock_that_is_not_there_is_told_before_a_player_that_is_not(refused):
    no_player = {"PATH": ""}
    refused("say", "Hi.", "--locked", "voice.lock", says=("voice.lock",), env=no_player)


def test_a_lock_is_checked_without_speaking(voxstack, rewritten, home):
    check = ("stack", "check", "voice.lock")
    assert "the environment is as it was locked" in voxstack.good(*check).out
    assert voxstack.good(*check, "--json").json == {"problems": []}
    rewritten(lambda lock: lock.update(python="3.1.4"))
    result = voxstack(*check, "--json")
    assert result.code == 2
    assert [(p["what"], p["locked"]) for p in result.json["problems"]] == [("Python", "3.1.4")]
    assert "run it with Python 3.1.4" in voxstack(*check).err
    assert not (home / "out.wav").exists()


def test_a_lock_is_checked_as_it_is(refused, locked):
    refused("stack", "check", "voice.lock", "--set", "/sample=x", says=("--set", "lock again"))


def test_data_of_a_package_counts_as_its_code(refused, install, voxstack, site):
    (site / "acme_table").mkdir()
    (site / "acme_table" / "__init__.py").write_text(GAIN)
    (site / "acme_table" / "table.txt").write_text("1")
    install("acme-table", {"effects.Table": "acme_table:Quiet"})
    edit = ("--set", '/stack/-={"type": "Table"}')
    voxstack.good("stack", "lock", "en-us", "-o", "voice.lock", *edit)
    voxstack.good(*SAY)
    (site / "acme_table" / "table.txt").write_text("2")
    refused(*SAY, says=("the code of acme_table: locked sha256",))


def test_a_check_reads_every_file_of_what_is_no_plugin(voxstack, install, site):
    install("acme-loud", {"effects.Loud": "acme_loud:Quiet"}, GAIN, requires="acme-needed")
    install("acme-needed", {}, "needed = 1\n")
    digest = base64.urlsafe_b64encode(hashlib.sha256(b"needed = 1\n").digest()).rstrip(b"=")
    record = f"acme_needed.py,sha256={digest.decode()},11\n"
    (site / "acme_needed-1.0.dist-info" / "RECORD").write_text(record)
    voxstack.good("stack", "lock", "-o", "voice.lock", "--set", '/stack/-={"type": "Loud"}')
    voxstack.good("stack", "check", "voice.lock")
    (site / "acme_needed.py").write_text("needed = 2\n")
    result = voxstack("stack", "check", "voice.lock")
    assert result.code == 2
    told = "acme-needed 1.0, its files: locked as installed, found changed: acme_needed.py: pip"
    assert result.err.startswith(told) and len(result.err.splitlines()) == 1
