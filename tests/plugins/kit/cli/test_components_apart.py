"""``components`` and ``schema`` go on without what hangs or ends Python when it is imported."""

import pytest

GAIN = """
from attrs import frozen
from voxstack import StreamableBlock

@frozen
class Gain(StreamableBlock):
    "Pass the audio on."

    def stream(self, sequence, upstream):
        yield from upstream
"""
HOOKS = """
from voxstack import Component, hookimpl

@hookimpl
def voxstack_effects():
    return [Component("Hooked", "acme_good:Gain"), Component("Lost", "acme_good:Nothing")]
"""
WORST = {
    "hang": ("import time\ntime.sleep(600)", "did not end within 2 s"),
    "interrupt": ("raise KeyboardInterrupt", "KeyboardInterrupt"),
    "exit": ("import os\nos._exit(0)", "ended with exit code 0"),
    "die": ("import os\nos.abort()", "the Python that ran it"),
}


@pytest.fixture
def worst(install):
    """Install a package for each way of taking Python down, two of hooks, and good ones."""
    for name, (code, _) in WORST.items():
        install(f"acme-{name}", {f"effects.{name}": f"acme_{name}:Gain"}, code)
    install("acme-good", {"effects.Good": "acme_good:Gain"}, GAIN)
    install("acme-hooks", {".hooks": "acme_hooks"}, HOOKS)
    install("acme-stuck", {".stuck": "acme_stuck"}, WORST["hang"][0])


def test_components_lists_what_works_and_why_the_rest_does_not(voxstack, worst):
    rows = {row["name"]: row for row in voxstack.good("components", "--json", "--timeout", 2).json}
    for name, (_, says) in WORST.items():
        assert rows[name]["status"] == "broken" and says in rows[name]["reason"]
    works = {name for name, row in rows.items() if row["status"] == "ok"}
    assert works >= {"Good", "Hooked", "Gain", "Vocoder", "English", "OnnxRuntime"}
    assert "no attribute 'Nothing'" in rows["Lost"]["reason"]


def test_the_schema_has_what_works_and_names_the_rest(voxstack, worst):
    made = voxstack.good("schema", "--what", "stack", "--timeout", 2).json
    assert {"block.Good", "block.Hooked", "block.Gain"} <= made["$defs"].keys()
    for name, (_, says) in WORST.items():
        assert f"block.{name}" not in made["$defs"]
        assert f"acme-{name}" in made["$comment"] and says in made["$comment"]


def test_what_lists_keep_out_is_not_tried_out(voxstack, install, home):
    install("acme-good", {"effects.Good": "acme_good:Gain"}, f"open('imported', 'w')\n{GAIN}")
    voxstack.good("components", "--block", "acme-*")
    assert not (home / "imported").exists()
    voxstack.good("components", "--allow", "voxstack*", "--allow", "acme-*")
    assert (home / "imported").exists()


def test_executors_lists_one_that_ends_python_with_its_reason(voxstack, install):
    install("acme-npu", {"executors.Npu": "acme_npu:Npu"}, WORST["exit"][0])
    rows = {row["name"]: row for row in voxstack.good("executors", "--json").json}
    assert rows["OnnxRuntime"]["available"] and not rows["Npu"]["available"]
    assert WORST["exit"][1] in rows["Npu"]["reason"]
