"""``voxstack conformance``: what it finds in packages that are installed."""

import json
import os
import sys

import pytest

EFFECT = '''
from attrs import frozen
from voxstack import StreamableBlock

@frozen
class Half(StreamableBlock):
    """Halve the audio."""

    factor: float = 0.5  # of the audio

    def stream(self, sequence, upstream):
        for chunk in upstream:
            yield chunk.replace(audio=chunk["audio"] * self.factor)
'''
CHECK = {"component", "kind", "check", "outcome", "message", "next_step"}


def outcomes(result, component):
    checks = [c for c in result.json["checks"] if c["component"] == component]
    return {c["check"]: c["outcome"] for c in checks}


def test_a_package_that_does_what_is_asked_passes(voxstack, install):
    install("acme-half", {"effects.Half": "acme_half:Half"}, EFFECT)
    result = voxstack.good("conformance", "acme-half", "--json")
    report = result.json
    assert (report["distribution"], report["version"], report["outcome"]) == (
        "acme-half",
        "1.0",
        "passed",
    )
    assert set(report["totals"]) == {"passed", "failed", "skipped"}
    assert report["totals"]["failed"] == 0 and report["totals"]["passed"] > 15
    assert all(set(check) == CHECK for check in report["checks"])


def test_what_fails_is_told_with_the_next_step_and_exit_code_2(voxstack, install):
    broken = EFFECT.replace("chunk.replace(", "Chunk(tensors=dict(").replace("factor)", "factor))")
    code = "from voxstack import Chunk\nprint('hello')\n" + broken
    install("acme-half", {"effects.Half": "acme_half:Half"}, code)
    result = voxstack("conformance", "acme-half", "--json")
    failed = {c["check"]: c for c in result.json["checks"] if c["outcome"] == "failed"}
    assert (result.code, result.json["outcome"]) == (2, "failed")
    assert "prints 'hello'" in failed["importing it is light and has no effects"]["message"]
    assert "without a chunk that is the last" in failed["chunks follow each other"]["message"] or (
        "starts at 0" in failed["chunks follow each other"]["message"]
    )
    assert all(check["next_step"] for check in failed.values())
    assert "Traceback" not in result.err


def test_a_component_that_ends_its_process_takes_nothing_with_it(voxstack, install):
    install("acme-half", {"effects.Half": "acme_half:Half"}, EFFECT)
    install("acme-dies", {}, "import os\nos._exit(7)\n")
    install("acme-all", {"effects.Half": "acme_half:Half", "effects.Dies": "acme_dies:Half"})
    result = voxstack("conformance", "acme-all", "--json")
    assert result.code == 2
    (message,) = (c["message"] for c in result.json["checks"] if c["component"] == "Dies")
    assert "exit code 7" in message
    assert outcomes(result, "Half")["chunks follow each other"] == "passed"


def test_a_component_that_hangs_is_stopped(voxstack, install):
    install("acme-hangs", {"effects.Hangs": "acme_hangs:Half"}, "import time\ntime.sleep(600)\n")
    result = voxstack("conformance", "acme-hangs", "--json", "--timeout", "1")
    (check,) = result.json["checks"]
    assert (result.code, check["outcome"]) == (2, "failed")
    assert "did not end within 1 s" in check["message"] and "--timeout" in check["next_step"]


def test_what_a_module_does_to_its_process_is_seen_though_others_inherit_it(voxstack, install):
    code = f"import os\nos.environ['ACME'] = '1'\n{EFFECT}"
    install("acme-half", {"effects.Half": "acme_half:Half"}, code)
    result = voxstack("conformance", "acme-half", "--json")
    (failed,) = (check for check in result.json["checks"] if check["outcome"] == "failed")
    assert failed["message"] == "importing 'acme_half' changes the environment: ACME"


UNUSABLE = {
    "effects.Missing": ("no_such_module:Half", "No module named 'no_such_module'"),
    "effects.Nameless": ("acme_odd:Nope", "has no attribute 'Nope'"),
    "effects.Instance": ("acme_odd:half", "is a Half; the group voxstack.effects takes"),
    "effects.Other": ("acme_odd:Other", "does not extend voxstack.StreamableBlock"),
    "effects.Exits": ("acme_exits:Half", "SystemExit: bye"),
    "effects.Syntax": ("acme_syntax:Half", "SyntaxError"),
    "addons.Empty": ("acme_odd", "holds no addon.json"),
    "efects.Strange": ("acme_odd:Half", "unknown entry-point group 'voxstack.efects'"),
}


def test_what_cannot_be_used_is_listed_once_with_its_reason(voxstack, install):
    install("acme-exits", {}, "raise SystemExit('bye')\n")
    install("acme-syntax", {}, "def (:\n")
    entries = {place: target for place, (target, _) in UNUSABLE.items()}
    code = f"import os\nprint('{{')\nos.system('echo from below')\n{EFFECT}"
    install("acme-odd", entries, code + "half = Half()\nclass Other: pass\n")
    result = voxstack("conformance", "acme-odd", "--json")
    assert result.code == 2 and "Traceback" not in result.err
    checks = {check["component"]: check for check in result.json["checks"]}
    assert len(checks) == len(result.json["checks"]) == len(UNUSABLE)
    for place, (_, reason) in UNUSABLE.items():
        check = checks[place.partition(".")[2]]
        assert (check["check"], check["outcome"]) == ("it can be used", "failed")
        assert reason in check["message"] and check["next_step"]


def test_a_target_without_a_class_is_to_be_fixed_in_pyproject(voxstack, install):
    install("acme-half", {"effects.Half": "acme_half"}, EFFECT)
    (check,) = voxstack("conformance", "acme-half", "--json").json["checks"]
    assert "its target is 'acme_half'" in check["message"]
    place = '[project.entry-points."voxstack.effects"]: Half = "package.module:Name"'
    assert f"pyproject.toml, {place}" in check["next_step"]


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo terminals")
@pytest.mark.parametrize("watched", [True, False], ids=["terminal", "pipe"])
def test_progress_is_shown_to_a_terminal_alone(voxstack, install, watched):
    import pty

    install("acme-odd", {"effects.Missing": "no_such_module:Half"})
    ours, theirs = pty.openpty()
    where = {"stderr": theirs} if watched else {}
    result = voxstack("conformance", "acme-odd", env={"TERM": "xterm", "COLUMNS": "80"}, **where)
    os.close(theirs)
    shown = os.read(ours, 1 << 16).decode() if watched else result.err
    os.close(ours)
    assert ("examin" in shown) is watched and "examin" not in result.out


def test_people_get_a_row_a_component_and_then_what_failed(capsys):
    from voxstack_kit.cli.conformance import show
    from voxstack_kit.testing.conformance import Check, Report

    good = Check("Half", "effects", "it is frozen", "passed")
    bad = Check("Odd", "effects", "it can be used", "failed", "no module", "fix it")
    left = Check("Half", "effects", "fixed shapes", "skipped", "it has no network")
    show(Report("acme", "1.0", (good, left, bad)))
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert "Half effects 1 1 ok" in lines and "Odd effects 1 broken" in lines
    told = ["failed: Odd: it can be used", "no module", "next step: fix it"]
    told += ["skipped: Half: fixed shapes", "it has no network"]
    assert told == lines[lines.index(told[0]) :][:5], "what failed comes first"
    assert lines[-1] == "acme 1.0: 1 passed, 1 failed, 1 skipped"


def test_what_is_true_of_several_components_is_told_once(capsys):
    from voxstack_kit.cli.conformance import show
    from voxstack_kit.testing.conformance import Check, Report

    left = [Check(n, "effects", "fixed shapes", "skipped", "it has no network") for n in "ABC"]
    show(Report("acme", "1.0", (*left, Check("D", "effects", "fixed shapes", "skipped", "no"))))
    told = [line for line in capsys.readouterr().out.splitlines() if line.startswith("skipped")]
    assert told == ["skipped: A, B, C: fixed shapes", "skipped: D: fixed shapes"]


def test_what_fails_many_checks_in_the_same_way_is_told_once_with_their_names(capsys):
    from voxstack_kit.cli.conformance import show
    from voxstack_kit.testing.conformance import Check, Report

    bad = [Check("A", "effects", n, "failed", "ValueError: boom", "fix it") for n in "xyz"]
    left = [Check("B", "addons", n, "skipped", "not a voice") for n in "uv"]
    show(Report("acme", "1.0", (*bad, *left, Check("B", "addons", "w", "passed"))))
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    told = ["failed: A: x", "ValueError: boom", "next step: fix it", "also fails: y, z"]
    told += ["skipped: B: u", "not a voice", "also skipped: v"]
    assert lines[lines.index(told[0]) :][:7] == told


def test_a_terminal_of_80_columns_is_not_overrun():
    from voxstack_kit.cli.conformance import wrapped

    text = f"first line\n{'word ' * 40}"
    lines = wrapped(text, 80, "  ").splitlines()
    assert lines[0] == "  first line" and max(map(len, lines)) <= 80 and len(lines) > 3
    assert wrapped(text, 0).splitlines()[1] == "word " * 40, "a pipe gets it as it is"


SUITES = '''
from attrs import frozen
from voxstack import SequenceBlock, Tensors

@frozen
class Scale(SequenceBlock):
    """Scale durations."""

    factor: float  # of the durations

    def __call__(self, inputs):
        return Tensors({"durations": inputs["durations"] * self.factor})
'''
OWN = """
import numpy as np
import pytest
from acme_scale import Scale
from voxstack import Tensors
from voxstack_kit.testing import SequenceBlockSuite

class TestScale(SequenceBlockSuite):
    @pytest.fixture
    def block(self):
        return Scale(factor=2.0)

    @pytest.fixture
    def sequence(self):
        return Tensors({"durations": np.ones((1, 4), np.float32)})
"""


def test_options_that_nobody_knows_are_named_and_nothing_examined_is_no_success(voxstack, install):
    install("acme-scale", {"encoders.Scale": "acme_scale:Scale"}, SUITES)
    result = voxstack("conformance", "acme-scale", "--json")
    (check,) = result.json["checks"]
    assert (result.code, result.json["outcome"], check["outcome"]) == (2, "incomplete", "skipped")
    assert "it needs the option 'factor'" in check["message"]
    assert "voxstack.conformance" in check["next_step"]


def test_a_component_that_no_voice_has_a_place_for_is_not_examined(voxstack, install):
    code = SUITES.replace("factor: float", "factor: float = 2.0")
    code = code.replace("    def __call__", '    consumes = ("wishes",)\n\n    def __call__')
    install("acme-scale", {"encoders.Scale": "acme_scale:Scale"}, code)
    result = voxstack("conformance", "acme-scale")
    assert result.code == 2 and result.out.endswith("not examined: Scale\n")
    first, *places = result.out.partition("not examined: Scale\n")[2].splitlines()
    assert "it is in no installed voice" in first and "needs 'wishes'" in places[0]
    assert max(map(len, places)) < 250, "a line for each place"


def test_encoders_are_examined_where_no_voice_is_installed(voxstack, install):
    code = SUITES.replace("(SequenceBlock)", "(Encoders)").replace("float  #", "float = 2.0  #")
    code = code.replace("import SequenceBlock", "import Encoders")
    code = code.replace("Tensors({", "super().__call__(inputs).merged({")
    code = code.replace("inputs[", "super().__call__(inputs)[")
    install("acme-scale", {"encoders.Scale": "acme_scale:Scale"}, code)
    env = {"VOXSTACK_BLOCK": "voxstack-voice-*"}
    result = voxstack.good("conformance", "acme-scale", "--json", env=env)
    assert outcomes(result, "Scale")["the same input gives the same output"] == "passed"


def test_suites_of_the_packages_own_come_first(voxstack, install):
    install("acme-suites", {}, OWN)
    entries = {"encoders.Scale": "acme_scale:Scale", "conformance.suites": "acme_suites"}
    install("acme-scale", entries, SUITES)
    result = voxstack.good("conformance", "acme-scale", "--json")
    assert outcomes(result, "Scale")["the same input gives the same output"] == "passed"
    assert {c["component"] for c in result.json["checks"]} == {"Scale"}


def test_commands_and_modules_with_hooks_are_examined(voxstack, install):
    code = EFFECT + (
        "import click\n"
        "from voxstack import Component, hookimpl\n"
        "@click.command()\n"
        "@click.option('--x')\n"
        "def acme(x):\n    'Do it.'\n"
        "@hookimpl\n"
        "def voxstack_effects():\n    return [Component('Quarter', 'acme_more:Half', {'factor': 0.25})]\n"  # noqa: E501
        "@hookimpl\n"
        "def voxstack_voice_loaded(voice):\n    pass\n"
    )
    install("acme-more", {"commands.acme": "acme_more:acme", ".hooks": "acme_more"}, code)
    result = voxstack("conformance", "acme-more", "--json")
    failed = [
        (c["component"], c["message"]) for c in result.json["checks"] if c["outcome"] == "failed"
    ]
    assert failed == [("acme", "the option '--x' of 'acme' has no help")]
    hooks = outcomes(result, "hooks")
    assert hooks["its hooks are known and have the right arguments"] == "passed"
    assert outcomes(result, "Quarter")["chunks follow each other"] == "passed"


def test_a_distribution_that_is_not_there_suggests_the_nearest(refused):
    refused("conformance", "voxstack-standart", says=("did you mean 'voxstack-standard'",))


def test_a_distribution_that_is_no_plugin_is_told_apart(refused):
    refused("conformance", "pytest", says=("'pytest' is installed, but provides nothing",))


def test_without_pytest_it_is_said_what_to_install(refused, site):
    (site / "sitecustomize.py").write_text(
        "import importlib.util as u\n"
        "find = u.find_spec\n"
        "u.find_spec = lambda name, *a: None if name == 'hypothesis' else find(name, *a)\n"
    )
    refused("conformance", "voxstack", says=("hypothesis", "pip install hypothesis"))


@pytest.mark.parametrize(
    "distribution", ["voxstack-english", "voxstack-onnxruntime", "voxstack-standard"]
)
def test_the_packages_of_voxstack_pass_where_the_default_voice_is(voxstack, distribution):
    env = {"VOXSTACK_BLOCK": "voxstack-voice-en-us-attention"}
    result = voxstack("conformance", distribution, "--json", env=env)
    failed = [check for check in result.json["checks"] if check["outcome"] == "failed"]
    assert (result.code, failed) == (0, []), json.dumps(failed, indent=1)
