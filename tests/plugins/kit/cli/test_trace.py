"""``voxstack trace``: where the time of an utterance goes."""

import json
from collections import defaultdict
from itertools import pairwise

import pytest

TEXT = "The quick brown fox jumps over the lazy dog. It slept. Then it woke up."


def traced(voxstack, home, *options):
    summary = voxstack.good("trace", TEXT, "-o", "t.json", "--json", *options).json
    return summary, json.loads((home / "t.json").read_text())["traceEvents"]


def test_events_are_whole_and_nest_in_their_lanes(voxstack, home):
    _, events = traced(voxstack, home)
    lanes = defaultdict(list)
    for event in events:
        assert {"name", "ph", "ts", "pid", "tid"} <= set(event)
        if event["ph"] == "X":
            assert event["ts"] >= 0 and event["dur"] >= 0
            lanes[event["pid"], event["tid"]].append((event["ts"], event["ts"] + event["dur"]))
    for spans in lanes.values():
        assert all(b[0] >= a[1] - 0.01 for a, b in pairwise(spans))


def test_every_block_and_network_has_a_lane_and_says_what_it_did(voxstack, home):
    _, events = traced(voxstack, home)
    titles = {e["args"]["name"] for e in events if e["name"] == "thread_name"}
    assert {"Vocoder /stack/1", "vocoder-16k:vocoder on OnnxRuntime"} <= titles
    processes = [e["args"]["name"] for e in events if e["name"] == "process_name"]
    assert processes[0].startswith("caller") and "sentence ahead" in processes[1]
    call = next(e for e in events if e["ph"] == "X" and e["name"] == "vocoder-16k:vocoder")
    assert call["args"]["inputs"]["mel"][:2] == [1, 80]
    chunk = next(e for e in events if e["ph"] == "X" and e["name"] == "Vocoder")
    assert {"start", "frames", "last"} <= set(chunk["args"])


def test_the_totals_of_networks_are_those_of_the_report(voxstack, home):
    summary, _ = traced(voxstack, home)
    rows = {r["name"].partition(":")[2]: r for r in summary["where"] if r["kind"] == "network"}
    assert set(rows) == set(summary["networks"])
    for name, told in summary["networks"].items():
        assert rows[name]["calls"] == told["calls"]
        assert told["seconds"] * 1e3 - 0.01 <= rows[name]["ms"]
    assert sum(r["share"] or 0 for r in summary["where"]) == pytest.approx(1, abs=0.01)


def test_people_get_a_table(voxstack):
    shown = voxstack.good("trace", "Hello.", "-o", "t.json").out
    for words in ("host glue", "English", "Vocoder", "en-us:decoder", "own ms", "ui.perfetto.dev"):
        assert words in shown


def test_bad_input_is_refused(refused):
    refused("trace", "Hi.", "-o", "none/t.json", says=("there is no folder 'none'",))
    refused("trace", " ", "-o", "t.json", says=("nothing to speak",))
    refused("trace", "Hi.", "-o", "t.json", "--control", "sped=2", says=("'sped'",))
