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
