"""``voxstack conformance``: what it finds in packages that are installed."""

import json

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
    shown = voxstack.good("conformance", "acme-half").out
    assert "Half" in shown and "effects" in shown and "0 failed" in shown


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
    shown = voxstack("conformance", "acme-half")
    assert shown.code == 2 and "broken" in shown.out and "Traceback" not in shown.out + shown.err


def test_a_component_that_hangs_or_ends_its_process_takes_nothing_with_it(voxstack, install):
    install("acme-half", {"effects.Half": "acme_half:Half"}, EFFECT)
    entries = {
        "effects.Half": "acme_half:Half",
        "effects.Hangs": "acme_hangs:Half",
        "effects.Dies": "acme_dies:Half",
    }
    install("acme-hangs", {}, "import time\ntime.sleep(600)\n")
    install("acme-dies", {}, "import os\nos._exit(7)\n")
    install("acme-all", entries)
    result = voxstack("conformance", "acme-all", "--json", "--timeout", "12")
    assert result.code == 2
    messages = {c["component"]: c["message"] for c in result.json["checks"] if c["message"]}
    assert "did not end within 12 s" in messages["Hangs"]
    assert "exit code 7" in messages["Dies"]
    assert outcomes(result, "Half")["chunks follow each other"] == "passed"


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
from voxstack.testing import SequenceBlockSuite

class TestScale(SequenceBlockSuite):
    @pytest.fixture
    def block(self):
        return Scale(factor=2.0)

    @pytest.fixture
    def sequence(self):
        return Tensors({"durations": np.ones((1, 4), np.float32)})
"""


def test_a_component_that_no_voice_has_a_place_for_is_not_covered(voxstack, install):
    install("acme-scale", {"encoders.Scale": "acme_scale:Scale"}, SUITES)
    result = voxstack.good("conformance", "acme-scale", "--json")
    (check,) = result.json["checks"]
    assert check["outcome"] == "skipped"
    assert "not covered" in check["message"] and "option 'factor' is missing" in check["message"]
    assert "voxstack.conformance" in check["next_step"]


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


def test_without_pytest_it_is_said_what_to_install(refused, site):
    (site / "sitecustomize.py").write_text(
        "import importlib.util as u\n"
        "find = u.find_spec\n"
        "u.find_spec = lambda name, *a: None if name == 'hypothesis' else find(name, *a)\n"
    )
    refused("conformance", "voxstack", says=("hypothesis", 'pip install "voxstack[testing]"'))


@pytest.mark.parametrize("distribution", ["voxstack-english", "voxstack-onnxruntime"])
def test_the_packages_of_voxstack_pass(voxstack, distribution):
    result = voxstack("conformance", distribution, "--json")
    failed = [check for check in result.json["checks"] if check["outcome"] == "failed"]
    assert (result.code, failed) == (0, []), json.dumps(failed, indent=1)
