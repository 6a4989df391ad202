"""``voxstack plugins --timings``: what importing each plugin costs."""

import pytest


@pytest.fixture
def timed(voxstack):
    """List one kind of the acme packages; gives the rows by name."""

    def run(kind="effects"):
        rows = voxstack.good(
            *("plugins", "--timings", "--timeout", 3, "--kind", kind, "--allow", "acme-*", "--json")
        ).json
        return {row["name"]: row for row in rows if row["distribution"].startswith("acme-")}

    return run


def test_a_module_and_what_it_imports_are_timed(timed, install):
    install("acme-part", {}, "import time\ntime.sleep(0.2)\n")
    install(
        "acme-gain", {"effects.A": "acme_gain:A", "effects.B": "acme_gain:B"}, "import acme_part"
    )
    rows = timed()
    assert rows["A"]["import_ms"] >= 200
    assert rows["A"]["import_ms"] == rows["B"]["import_ms"], "a module is timed once"


def test_what_voxstack_imports_is_not_counted(timed, install):
    install("acme-gain", {"effects.A": "acme_gain:A"}, "import numpy, attrs, voxstack.host")
    install("acme-slow", {"effects.Slow": "acme_slow:A"}, "import time\ntime.sleep(0.1)\n")
    rows = timed()  # importing numpy takes longer than that
    assert rows["A"]["import_ms"] < rows["Slow"]["import_ms"]


def test_a_plugin_that_hangs_or_dies_has_a_reason(timed, install):
    install("acme-hang", {"effects.Hang": "acme_hang:A"}, "import time\ntime.sleep(600)\n")
    install("acme-die", {"effects.Die": "acme_die:A"}, "import os\nos.abort()\n")
    rows = timed()
    assert rows["Hang"]["import_ms"] is None and rows["Hang"]["status"] == "broken"
    assert "did not end within 3 s" in rows["Hang"]["reason"]
    assert rows["Die"]["import_ms"] is None and "the Python that ran it" in rows["Die"]["reason"]


def test_what_can_be_imported_and_not_used_is_broken_as_doctor_says(timed, install):
    install("acme-lost", {"effects.Lost": "acme_lost:Nothing"})
    install("acme-def", {"effects.Def": "acme_def:Gain"}, "def Gain(): pass")
    install("acme-class", {"effects.Class": "acme_class:Gain"}, "class Gain: pass")
    install("acme-newer", {"effects.Newer": "acme_newer:Gain"}, "1 / 0", "voxstack>=9")
    rows = timed()
    assert {name: row["status"] for name, row in rows.items()} == {
        **dict.fromkeys(("Lost", "Def", "Class"), "broken"),
        "Newer": "incompatible",
    }
    assert "no attribute 'Nothing'" in rows["Lost"]["reason"]
    assert "is a function" in rows["Def"]["reason"]
    assert "does not extend voxstack.StreamableBlock" in rows["Class"]["reason"]
    assert rows["Lost"]["import_ms"] is not None and rows["Newer"]["import_ms"] is None


def test_data_and_blocked_plugins_are_not_imported(voxstack, install, home):
    install("acme-gain", {"effects.A": "acme_gain:A", "addons.v": "acme_gain"}, "open('x', 'w')")
    arguments = ("plugins", "--timings", "--block", "acme-*", "--kind", "effects", "--json")
    rows = {row["name"]: row for row in voxstack.good(*arguments).json}
    assert (rows["A"]["status"], rows["A"]["import_ms"]) == ("blocked", None)
    assert not (home / "x").exists()


def test_without_timings_nothing_is_imported_and_the_key_is_absent(voxstack, install, home):
    install("acme-gain", {"effects.A": "acme_gain:A"}, "open('x', 'w')")
    rows = voxstack.good("plugins", "--json").json
    assert all("import_ms" not in row for row in rows) and not (home / "x").exists()


def test_the_table_has_a_column_for_it(voxstack):
    assert "import_ms" in voxstack.good("plugins", "--timings", "--kind", "effects").out
