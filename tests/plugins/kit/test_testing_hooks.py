"""The suite of modules with hooks can fail: modules that break, and the checks that they fail."""

import pytest
from voxstack import PluginError
from voxstack_kit.testing.others import HooksSuite

KNOWN = "its hooks are known and have the right arguments"
USED = "what it announces can be used"
LIGHT = "importing it is light and has no effects"

HOOK = "import pluggy\nfrom voxstack import Component\nhook = pluggy.HookimplMarker('voxstack')\n"
GAIN = """
from attrs import frozen
from voxstack import StreamableBlock

@frozen
class Gain(StreamableBlock):
    def stream(self, sequence, upstream):
        yield from upstream
"""


def announcing(target, of="[Component('AcmeGain', {target!r})]"):
    return f"{HOOK}@hook\ndef voxstack_effects():\n    return {of.format(target=target)}\n"


GOOD = announcing("acme_gain:Gain")
FAILURES = [
    (f"{GOOD}@hook\ndef voxstack_efects():\n    return []\n", {KNOWN, USED}, "voxstack_efects"),
    (f"{HOOK}@hook\ndef voxstack_effects(what):\n    return []\n", {KNOWN, USED}, "what"),
    ("import acme_sdk\n", {KNOWN, USED, LIGHT}, "No module named 'acme_sdk'"),
    ("raise SystemExit(3)\n", {KNOWN, USED, LIGHT}, "SystemExit: 3"),
    (announcing("acme_gain:Gane"), {USED}, "'AcmeGain'"),
    (announcing("acme_gain:Gain", "1 / 0"), {USED}, "ZeroDivisionError"),
    (f"{GOOD}print('hello')\n", {LIGHT}, "hello"),
    (
        f"{GOOD}import threading, time\nthreading.Thread(target=time.sleep, args=(1,)).start()\n",
        {LIGHT},
        "thread",
    ),
]


@pytest.fixture
def examined(site, failures):
    def examine(source, group="voxstack"):
        site.install(
            "acme", entry_points={group: {"hooks": "acme_hooks"}}, acme_gain=GAIN, acme_hooks=source
        )
        registry = site.registry()
        with pytest.raises(PluginError):
            registry.find("an unknown name", "block")
        (found,) = (r for r in registry.registrations if r.kind in ("module", "observer"))
        given = {
            "registration": pytest.fixture(lambda self: found),
            "installed": pytest.fixture(lambda self: registry),
        }
        return failures(type("TestIt", (HooksSuite,), given))

    return examine


def test_a_good_module_fails_nothing(examined):
    assert examined(GOOD) == {}


@pytest.mark.parametrize(("source", "expected", "told"), FAILURES)
def test_a_module_fails_the_checks_that_it_does_not_hold_to(examined, source, expected, told):
    found = examined(source)
    assert set(found) == expected
    assert any(told in message for message, _ in found.values())
    assert all(step for _, step in found.values()), "each tells what to do"


def test_an_observer_announces_nothing(examined):
    source = f"{HOOK}@hook\ndef voxstack_voice_loaded(voice):\n    pass\n"
    assert examined(source, "voxstack.observers") == {}
