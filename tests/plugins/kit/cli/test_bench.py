"""``voxstack bench``: that it measures what it says; what it measures is never asserted."""

import json

FIGURES = (
    "host_overhead",
    "ttfa_vs_bound",
    "ttfa_page_vs_sentence",
    "chunk_max_abs_diff",
    "stream_rtf_vs_whole",
    "discovery_ratio_100_plugins",
    "cold_start_ratio",
    "peak_rss_over_runtime_mb",
)


def test_every_figure_is_measured_with_its_bound(voxstack):
    done = voxstack("bench", "--quick", "--json")
    assert done.code == 0, done.err
    measured = json.loads(done.raw)
    for name in FIGURES:
        assert measured[name] is not None, name
        assert measured["bounds"][name] > 0
        assert measured["details"][name]


def test_an_unknown_figure_suggests(refused):
    refused("bench", "--only", "host_overhed", says=("'host_overhed'", "did you mean"))


def test_executors_are_compared_in_turns_and_from_cold(voxstack):
    named = ("--executor", "OnnxRuntime", "--executor", "OnnxRuntimeStatic")
    out = voxstack.good("bench", "executors", "--quick", "--json", *named, "--executor", "Nope").out
    plain, static, missing = json.loads(out)["executors"]
    assert (plain["executor"], static["executor"]) == ("OnnxRuntime", "OnnxRuntimeStatic")
    for row in (plain, static):
        assert all(row[key] > 0 for key in ("ttfa_ms", "rtf", "rtf_whole", "load_s"))
        assert row["peak_rss_mb"] > 50 and row["reason"] is None
    assert (plain["max_abs_diff"], plain["prosody_diff"], plain["padding_waste"]) == (0, {}, None)
    assert static["max_abs_diff"] < 1e-4 and 0 < static["padding_waste"] < 1
    assert set(static["prosody_diff"]) == {"durations", "f0", "voicing"}
    assert "no executor 'Nope'" in missing["reason"] and missing["rtf"] is None


def test_streams_are_counted_with_batching_and_without(voxstack):
    out = voxstack.good(
        "bench", "streams", "--quick", "--json", "--streams", "1", "--streams", "2"
    ).out
    rows = json.loads(out)["streams"]
    assert {(row["batching"], row["streams"]) for row in rows} == {
        (on, count) for on in (False, True) for count in (1, 2)
    }
    assert all(row["audio_s_per_s"] > 1 for row in rows)
    assert all(0 < row["ttfa_p50_ms"] <= row["ttfa_p95_ms"] for row in rows)
