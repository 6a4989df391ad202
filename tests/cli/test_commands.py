"""The commands that look and check: what they tell people, and what they tell machines."""

import json

import pytest

ROW = ["kind", "name", "target", "distribution", "version", "status", "reason"]
PROBLEM = {"pointer", "line", "column", "message", "suggestion"}
FIRST_PARTY = {"voxstack", "voxstack-standard", "voxstack-english", "voxstack-onnxruntime"}
GAIN = """
from attrs import frozen
from voxstack import StreamableBlock

@frozen
class Gain(StreamableBlock):
    "Scale the audio by a constant."

    db: float = 0.0

    def stream(self, sequence, upstream):
        for chunk in upstream:
            yield chunk.replace(audio=chunk["audio"] * 10 ** (self.db / 20))
"""

HELP = {
    "": ["say", "voices", "plugins", "stack", "--debug", "--log", "--version"],
    "say": [
        *("-o", "--output", "-f", "--file", "--voice", "--speaker", "--rate", "--control"),
        *("--pitch", "--pitch-range", "--seed", "--executor", "--set", "--deploy", "--stats"),
        *("--progress", "--allow", "--block", "stdin", "POINTER=VALUE", "clipped"),
    ],
    "voices": ["--json", "--deploy"],
    "plugins": ["--json", "--kind", "--deploy", "--allow", "--block", "Nothing is imported"],
    "stack": ["check", "show"],
    "stack check": ["FILE", "--json", "--voice", "--set", "--deploy", "exit code 2"],
    "stack show": ["VOICE", "--json", "--set", "--deploy", "--executor"],
}


@pytest.mark.parametrize("command", HELP, ids=lambda c: c or "voxstack")
def test_the_help_of_a_command_names_what_it_takes(voxstack, command):
    shown = voxstack.good(*command.split(), "--help").out
    told = " ".join(shown.split())
    assert [word for word in HELP[command] if word not in told] == []
    assert voxstack.good(*command.split(), "-h").out == shown


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("sya", "say"), ("plugin", "plugins"), ("voice", "voices"), ("stak", "stack")],
)
def test_an_unknown_command_suggests_the_nearest(refused, typed, meant):
    refused(typed, says=(f"no such command {typed!r}", f"did you mean {meant!r}"))


def test_an_unknown_command_of_a_group_is_named(refused):
    refused("stack", "chek", "x.json", says=("chek",))


def test_an_unknown_option_suggests_the_nearest(refused):
    refused("say", "Hi.", "--speeker", "rms", says=("--speeker", "--speaker"))


def test_the_version_is_that_of_the_library(voxstack):
    import voxstack as library

    assert voxstack.good("--version").out == f"voxstack {library.__version__}\n"


# voices -----------------------------------------------------------------------------------------


def test_voices_tells_machines_what_a_voice_can_do(voxstack):
    rows = {row["name"]: row for row in voxstack.good("voices", "--json").json}
    voice = rows["en-us"]
    assert (voice["language"], voice["speakers"]) == ("en-US", ["rms", "slt", "awb", "kal"])
    assert (voice["distribution"], voice["status"]) == ("voxstack-voice-en-us", "ok")
    assert voice["sample_rate"] == 16000


def test_voices_tells_people_the_same(voxstack):
    shown = voxstack.good("voices").out
    for words in ("en-us", "en-US", "rms, slt", "16000", "voxstack-voice-en-us"):
        assert words in shown


def test_a_voice_that_is_damaged_is_listed_with_its_reason(voxstack, install):
    install("acme-voice", {"addons.acme": "acme_voice"})
    rows = {row["name"]: row for row in voxstack.good("voices", "--json").json}
    assert rows["acme"]["status"] == "broken"
    assert "addon.json" in rows["acme"]["reason"]
    assert rows["en-us"]["status"] == "ok"


# plugins ----------------------------------------------------------------------------------------


def test_plugins_tells_machines_exactly_seven_things_of_each(voxstack):
    rows = voxstack.good("plugins", "--json").json
    assert all(list(row) == ROW for row in rows)
    assert {row["distribution"] for row in rows} >= FIRST_PARTY
    assert {row["status"] for row in rows} == {"ok"}
    by_name = {row["name"]: row for row in rows}
    assert by_name["Encoders"] == {
        "kind": "encoders",
        "name": "Encoders",
        "target": "voxstack.containers:Encoders",
        "distribution": "voxstack",
        "version": by_name["Encoders"]["version"],
        "status": "ok",
        "reason": None,
    }


def test_plugins_tells_people_the_same(voxstack):
    shown = voxstack.good("plugins").out
    for row in voxstack.good("plugins", "--json").json:
        line = next(li for li in shown.splitlines() if f" {row['name']} " in li)
        assert row["distribution"] in line and row["status"] in line


def test_plugins_of_one_kind(voxstack):
    rows = voxstack.good("plugins", "--kind", "executors", "--json").json
    assert "OnnxRuntime" in {row["name"] for row in rows}
    assert {row["kind"] for row in rows} == {"executors"}


def test_two_packages_with_one_name_are_listed_as_ambiguous(voxstack, install):
    install("acme-effects", {"effects.Gain": "acme_effects:Gain"}, GAIN)
    rows = [r for r in voxstack.good("plugins", "--json").json if r["name"] == "Gain"]
    assert [row["status"] for row in rows] == ["ambiguous", "ambiguous"]
    for row in rows:
        assert "'Gain@acme-effects'" in row["reason"]
        assert "'Gain@voxstack-standard'" in row["reason"]


def test_a_blocked_package_is_listed_with_who_blocked_it(voxstack, install, home):
    install("acme-effects", {"effects.Gain": "acme_effects:Gain"}, GAIN)
    (home / "site.toml").write_text('[plugins]\nblock = ["acme-*"]\n')
    for blocking in (["--block", "acme-*"], ["--deploy", "site.toml"]):
        rows = voxstack.good("plugins", "--json", *blocking).json
        status = {
            r["distribution"]: (r["status"], r["reason"]) for r in rows if r["name"] == "Gain"
        }
        assert status["voxstack-standard"] == ("ok", None)
        assert status["acme-effects"][0] == "blocked"
        assert "acme-*" in status["acme-effects"][1]


def test_a_package_that_is_not_on_the_allow_list_is_listed_as_blocked(voxstack):
    rows = voxstack.good("plugins", "--json", "--allow", "voxstack-onnxruntime").json
    status = {r["name"]: r["status"] for r in rows}
    assert (status["OnnxRuntime"], status["Encoders"]) == ("ok", "ok")
    assert status["English"] == "blocked"


def test_entry_points_that_cannot_be_read_are_listed_with_the_line(voxstack, install, site):
    install("acme-odd", {"effects.Odd": "acme_odd:Odd"})
    broken = site / "acme_odd-1.0.dist-info" / "entry_points.txt"
    broken.write_text("[voxstack.effects]\nthis is no entry point\n")
    rows = voxstack.good("plugins", "--json").json
    (row,) = [r for r in rows if r["distribution"] == "acme-odd"]
    assert row["status"] == "broken"
    assert "line 2" in row["reason"]


# stack check ------------------------------------------------------------------------------------


def test_a_good_addon_has_no_problem(voxstack, addon):
    for place in (addon, addon / "addon.json"):
        assert voxstack.good("stack", "check", place, "--json").json == {"problems": []}
    assert "no problem" in voxstack.good("stack", "check", addon).out


def test_a_stack_alone_is_checked_against_the_networks_of_a_voice(voxstack, home):
    stack = [{"type": "Vocoder", "network": "decodr"}]
    (home / "stack.json").write_text(json.dumps({"stack": stack}))
    assert voxstack.good("stack", "check", "stack.json", "--json").json == {"problems": []}
    against = voxstack("stack", "check", "stack.json", "--voice", "en-us", "--json")
    assert against.code == 2
    (problem,) = against.json["problems"]
    assert problem["pointer"] == "/stack/0/network"
    assert "'decoder'" in problem["suggestion"]


def test_all_problems_come_at_once_each_with_its_place(voxstack, home):
    (home / "stack.json").write_text(
        '{"stack": [\n'
        '  {"type": "StreamablePipeline",\n'
        '   "sequence_block": {"type": "Encoderz"},\n'
        '   "streamable_block": {"type": "Upsampler", "minimun": 2}},\n'
        '  {"type": "Gain", "db": "-6"}\n'
        "]}\n"
    )
    result = voxstack("stack", "check", "stack.json", "--json")
    problems = {p["pointer"]: p for p in result.json["problems"]}
    assert (result.code, result.err) == (2, "")
    assert all(set(problem) >= PROBLEM for problem in problems.values())
    assert {(pointer, p["line"], p["column"]) for pointer, p in problems.items()} == {
        ("/stack/0/sequence_block/type", 3, 31),
        ("/stack/0/streamable_block/minimun", 4, 57),
        ("/stack/1/db", 5, 26),
    }
    assert "'Encoders'" in problems["/stack/0/sequence_block/type"]["message"] + str(
        problems["/stack/0/sequence_block/type"]["suggestion"]
    )
    assert "'minimum'" in problems["/stack/0/streamable_block/minimun"]["suggestion"]
    assert "a number" in problems["/stack/1/db"]["message"]


def test_people_get_file_line_and_column(voxstack, home):
    (home / "stack.json").write_text('{"stack": [\n  {"type": "Gain", "db": "-6"}]}')
    result = voxstack("stack", "check", "stack.json")
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith('stack.json:2:26: /stack/0/db: expected a number, not "-6"')


def test_an_installed_voice_is_checked_by_its_name_and_as_the_deployment_has_it(voxstack, home):
    assert voxstack.good("stack", "check", "en-us").out == "en-us: no problem\n"
    (home / "site.toml").write_text('[set]\n"/stack/1/type" = "Vocodr"\n')
    result = voxstack("stack", "check", "en-us", "--deploy", "site.toml")
    assert result.code == 2
    assert "/stack/1/type" in result.err and "site.toml" in result.err


def test_an_installed_voice_that_is_blocked_says_so_and_not_that_there_is_no_file(refused):
    block = ("--block", "voxstack-voice-en-us")
    refused("stack", "check", "en-us", *block, says=("en-us", "blocked"))


def test_a_file_named_like_a_voice_is_checked_by_its_path_alone(voxstack, home):
    (home / "en-us").write_text('[{"type": "Gain", "db": "-6"}]')
    assert "/stack/0/db" in voxstack("stack", "check", "./en-us").err
    assert voxstack("stack", "check", "en-us").code == 0


def test_an_edit_is_checked_and_named_as_the_cause(voxstack):
    edit = '/stack/-={"type": "Gain", "db": true}'
    result = voxstack("stack", "show", "en-us", "--set", edit)
    assert result.code == 2
    assert "/stack/2/db" in result.err and "--set" in result.err


# stack show -------------------------------------------------------------------------------------


def test_without_a_name_the_voice_is_chosen_as_say_does(voxstack):
    chosen = voxstack.good("stack", "show", "--json").raw
    assert chosen == voxstack.good("stack", "show", "en-us", "--json").raw


def test_show_tells_machines_what_is_built(voxstack):
    shown = voxstack.good("stack", "show", "en-us", "--json").json
    pipeline, vocoder = shown["stack"]
    assert (shown["voice"], shown["sample_rate"]) == ("en-us", 16000)
    assert (pipeline["type"], pipeline["pointer"]) == ("StreamablePipeline", "/stack/0")
    (encoder,) = pipeline["options"]["sequence_block"]["options"]["networks"]
    assert encoder["network"] == "en-us:text_encoder"
    assert vocoder["distribution"] == "voxstack-standard"
    assert vocoder["options"]["network"]["executor"]["type"] == "OnnxRuntime"
    assert vocoder["options"]["schedule"][0] == 8


def test_show_draws_the_tree_for_people(voxstack):
    shown = voxstack.good("stack", "show", "en-us").out
    for words in (
        "StreamablePipeline",
        "/stack/0/sequence_block",
        "vocoder-16k:vocoder",
        "Vocoder",
    ):
        assert words in shown


def test_show_says_of_an_effect_itself_that_it_is_one_stream(voxstack):
    edit = '/stack/-={"type": "Gain"}'
    shown = voxstack.good("stack", "show", "en-us", "--set", edit).out
    (row,) = (line for line in shown.splitlines() if " /stack/2 " in line)
    assert "Gain" in row and row.endswith("(one stream over all sentences)")


def test_voices_are_those_that_speak(voxstack):
    listed = [voice["name"] for voice in voxstack.good("voices", "--json").json]
    assert "en-us" in listed
    assert "vocoder-16k" not in listed
