"""The commands of the kit: what they tell people, and what they tell machines."""

import hashlib
import json

import pytest

pytest.importorskip("voxstack_kit")

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
    "": ["addon", "bench", "doctor", "conformance", "components", "executors", "schema", "trace"],
    "say": ["--locked"],
    "plugins": ["--timings", "--timeout"],
    "stack": ["graph", "why", "lock"],
    "stack lock": ["VOICE", "--output", "--set", "--deploy", "--executor"],
    "schema": ["--what", "--output", "--deploy", "--timeout"],
    "doctor": ["--json", "--deploy", "--all", "--timeout"],
    "stack graph": ["VOICE", "--output", "--format", "--set", "--deploy", "--executor"],
    "trace": ["TEXT", "--output", "--voice", "--json", "--executor"],
    "stack why": ["VOICE", "POINTER", "--json", "--set", "--deploy"],
    "addon": ["inspect", "check"],
    "addon inspect": ["ADDON", "--json"],
    "addon check": ["ADDON", "--json", "--text", "--set", "--executor"],
    "bench": ["--json"],
    "conformance": ["DIST", "--json", "--timeout", "Exit code 2"],
}


@pytest.mark.parametrize("command", HELP, ids=lambda c: c or "voxstack")
def test_the_help_of_a_command_names_what_it_takes(voxstack, command):
    shown = voxstack.good(*command.split(), "--help").out
    told = " ".join(shown.split())
    assert [word for word in HELP[command] if word not in told] == []
    assert voxstack.good(*command.split(), "-h").out == shown


def test_a_graph_without_a_name_draws_the_voice_that_say_chooses(voxstack):
    chosen = voxstack.good("stack", "graph", "--format", "mmd", "-o", "-").raw
    assert chosen == voxstack.good("stack", "graph", "en-us", "--format", "mmd", "-o", "-").raw


def test_a_listing_in_a_pipe_is_as_wide_as_it_takes(voxstack):
    shown = voxstack.good("components", env={"COLUMNS": "40"}).out.splitlines()
    assert max(map(len, shown)) > 100
    (row,) = (line for line in shown if "AutoregressiveDecoder" in line)
    assert row.endswith("step by step.")


# stack why --------------------------------------------------------------------------------------


def test_why_tells_people_where_a_component_comes_from(voxstack):
    told = voxstack.good("stack", "why", "en-us", "/stack/0/sequence_block").out
    for words in (
        "Encoders",
        "[voxstack.encoders] Encoders = voxstack.containers:Encoders",
        "voxstack",
        "containers.py:",
        "addon.json",
    ):
        assert words in told


def test_why_tells_machines_the_same_and_the_losers_with_their_reasons(voxstack, install):
    install("acme-effects", {"effects.Gain": "acme_effects:Gain"}, GAIN)
    answer = voxstack.good(
        *("stack", "why", "en-us", "/stack/2", "--json"),
        *("--set", '/stack/-={"type": "Gain@voxstack-standard"}', "--block", "acme-*"),
    ).json
    assert (answer["name"], answer["kind"]) == ("Gain@voxstack-standard", "effects")
    assert answer["distribution"] == "voxstack-standard"
    assert answer["entry_point"] == "[voxstack.effects] Gain = voxstack_standard.gain:Gain"
    file, _, line = answer["source"].rpartition(":")
    assert file.endswith("gain.py") and int(line) > 1
    assert answer["options"] == ["db"]
    assert answer["set_by"].startswith("--set /stack/-")
    (loser,) = answer["losers"]
    assert (loser["distribution"], loser["status"]) == ("acme-effects", "blocked")
    assert "acme-*" in loser["reason"]


def test_why_of_an_ambiguous_name_tells_both(voxstack, install):
    install("acme-effects", {"effects.Gain": "acme_effects:Gain"}, GAIN)
    edit = '/stack/-={"type": "Gain"}'
    told = voxstack("stack", "why", "en-us", "/stack/2", "--set", edit, "--json")
    assert told.code == 2
    assert told.json["status"] != "ok"
    assert "'Gain@acme-effects'" in told.json["reason"]
    assert {r["distribution"] for r in told.json["losers"]} == {
        "acme-effects",
        "voxstack-standard",
    }


def test_why_without_a_name_chooses_the_voice_as_say_does(voxstack):
    chosen = voxstack.good("stack", "why", "/stack/1").out
    assert chosen == voxstack.good("stack", "why", "en-us", "/stack/1").out


@pytest.mark.parametrize(
    ("pointer", "edits", "says"),
    [
        ("/stack/2/db", (), ("number, -120 to 60", "decibels", "0.0, its default")),
        ("/stack/2/db", ("/stack/2/db=-6",), ("decibels", "-6, set by --set /stack/2/db")),
        ("/stack/1/network", (), ('"vocoder-16k:vocoder", set by ', "addon.json")),
        ("/stack/1/schedule", (), ("frames per call", "not set; voxstack stack show")),
        ("/frontend", (), ("options  max_words, pronunciations",)),  # not what the host provides
        ("/stack/1/executor", (), ("all networks in this block", "not set")),
        ("/stack/1/executor", ("/stack/1/executor=OnnxRuntime",), ("[voxstack.executors]",)),
        (
            "/stack/1/executor/1/threads",
            ('/stack/1/executor=["No", {"type": "OnnxRuntime", "threads": 2}]',),
            ("OnnxRuntime", "2, set by --set /stack/1/executor"),
        ),
    ],
)
def test_why_of_an_option_says_what_it_is_and_who_set_it(voxstack, pointer, edits, says):
    sets = [part for edit in ('/stack/-={"type": "Gain"}', *edits) for part in ("--set", edit)]
    told = voxstack.good("stack", "why", "en-us", pointer, *sets).out
    assert [words for words in says if words not in told] == []


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), ("Missing argument 'POINTER'", "/stack/0")),
        (("en-us",), ("Missing argument 'POINTER'", "/stack/0")),
        (
            ("en-us", "/sample"),
            ("neither a component nor an option of one", "/frontend, /stack/0,"),
        ),
        (("en-us", "/stack/9"), ('nothing at "/stack/9"', "has 2 items")),
        (("en-us", "/stack/1/schedul"), ("/stack/1/schedul", "did you mean 'schedule'")),
        (("/stack/1/network/3",), ("/stack/1/network/3", "neither an object nor a list")),
    ],
)
def test_why_of_what_is_no_part_says_what_is(refused, arguments, says):
    refused("stack", "why", *arguments, says=says)


def test_why_of_a_place_that_is_not_there_says_what_is(refused):
    refused(
        *("stack", "why", "en-us", "/stack/0/sequense_block"),
        says=("/stack/0/sequense_block", "did you mean 'sequence_block'"),
    )


# addon ------------------------------------------------------------------------------------------


def test_inspect_tells_machines_what_an_addon_holds(voxstack, addon):
    by_name = voxstack.good("addon", "inspect", "en-us", "--json").json
    by_path = voxstack.good("addon", "inspect", addon, "--json").json
    assert {k: v for k, v in by_name.items() if k != "place"} == {
        k: v for k, v in by_path.items() if k != "place"
    }
    assert (by_name["name"], by_name["language"], by_name["hop"]) == ("en-us", "en-US", 200)
    roles = {n["name"]: n["role"] for n in by_name["networks"]}
    assert roles["text_encoder"] == "encoder" and roles["decoder"] == "decoder"
    assert "rms" in by_name["controls"]["speaker"]


def test_inspect_shows_people_networks_licence_and_card(voxstack, default_voice):
    shown = voxstack.good("addon", "inspect", "en-us").out
    for words in (
        *("text_encoder", "Apache-2.0", "delay 18", "onnx 3.6 MB"),
        *("speaker: rms, slt, awb, kal; by default rms", "pitch: -2 to 4; by default 0"),
    ):
        assert words in shown
    assert "{" not in shown.partition("# en-us")[0]
    assert (default_voice / "CARD.md").read_text().splitlines()[0] in shown


def test_inspect_shows_people_the_first_part_of_a_card_and_where_the_whole_is(voxstack, addon):
    (addon / "CARD.md").unlink()
    card = "# A voice\n<!-- no one\nreads this -->\n## One\nThis.\n## Two\nThat.\n"
    (addon / "CARD.md").write_text(card)
    manifest = json.loads((addon / "addon.json").read_text())
    entry = {"sha256": hashlib.sha256(card.encode()).hexdigest(), "bytes": len(card)}
    manifest["files"]["CARD.md"] = entry
    (addon / "addon.json").unlink()
    (addon / "addon.json").write_text(json.dumps(manifest))
    shown = voxstack.good("addon", "inspect", addon).out.partition("# A voice")[2]
    assert "This." in shown and f"(the first part of CARD.md in {addon};" in shown
    assert not [words for words in ("<!--", "reads this", "That.") if words in shown]
    assert voxstack.good("addon", "inspect", addon, "--json").json["card"] == card


def test_check_loads_an_addon_that_only_brings_networks(voxstack):
    checked = voxstack.good("addon", "check", "vocoder-16k", "--json").json
    assert [c["check"] for c in checked["checks"]] == ["manifest", "files", "installed", "load"]
    assert "1 networks loaded" in checked["checks"][-1]["detail"]


def test_check_says_yes_to_a_good_addon(voxstack):
    checked = voxstack.good("addon", "check", "en-us", "--text", "Yes, we can.", "--json").json
    assert checked["ok"]
    steps = ["manifest", "files", "installed", "build", "speak"]
    assert [c["check"] for c in checked["checks"]] == steps
    assert all(c["ok"] for c in checked["checks"])


def test_check_says_which_file_was_changed(voxstack, addon):
    (addon / "CARD.md").unlink()
    (addon / "CARD.md").write_text("another card")
    checked = voxstack("addon", "check", addon, "--text", "Yes.", "--json")
    assert (checked.code, checked.err) == (2, "")
    failed = [c for c in checked.json["checks"] if not c["ok"]]
    assert [c["check"] for c in failed] == ["files"]
    assert "CARD.md" in failed[0]["detail"]


EFFECT_ODD = ("--set", '/stack/-={"type": "Odd"}')


def test_a_broken_plugin_is_told_by_why(voxstack, install):
    install("acme-odd", {"effects.Odd": "acme_odd:Odd"}, "1 / 0")
    told = voxstack("stack", "why", "en-us", "/stack/2", *EFFECT_ODD, "--json")
    assert told.code == 2
    assert told.json["status"] != "ok"
    assert "acme-odd 1.0" in told.json["reason"]
    assert "ZeroDivisionError" in told.json["reason"]
