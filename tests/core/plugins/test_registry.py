"""The registry: which names there are, who provides them, and why one cannot be used."""

import inspect
import sys

import pytest
from attrs import frozen
from voxstack import Component, PluginError, StreamableBlock, hookimpl, hookspecs
from voxstack.hookspecs import KINDS
from voxstack.plugins import Filter, index

BLOCK = """
from attrs import frozen
from voxstack import StreamableBlock

@frozen
class Gain(StreamableBlock):
    db: float = 0.0
    def stream(self, sequence, upstream):
        yield from upstream
"""

HOOKS = """
from voxstack import Component, hookimpl

@hookimpl
def voxstack_effects():
    return [Component("Gain6", "acme_gain:Gain", {"db": 6.0})]
"""


def effects(**targets):
    return {"voxstack.effects": targets}


def find_and_load(registry, name, namespace="block"):
    registration = registry.find(name, namespace)
    return registry.load(registration)


def refusal(registry, name, namespace="block"):
    with pytest.raises(PluginError) as caught:
        find_and_load(registry, name, namespace)
    return str(caught.value)


def listed(registry, name):
    return {r.distribution: (r.status, r.reason) for r in registry.registrations if r.name == name}


# Naming -----------------------------------------------------------------------------------------


def test_only_what_is_named_is_imported(site):
    targets = effects(Gain="acme_gain:Gain", Other="acme_other:Other")
    site.install("acme", "1.0", targets, acme_gain=BLOCK, acme_other="raise SystemExit")
    registry = site.registry()
    registration = registry.find("Gain", "block")
    assert "acme_gain" not in sys.modules
    assert registry.load(registration).__name__ == "Gain"
    assert "acme_other" not in sys.modules
    assert registry.load(registration) is registry.load(registry.find("Gain", "block"))


def test_an_unknown_name_gets_the_nearest(site):
    site.install("acme", entry_points=effects(Gain="acme_gain:Gain"))
    assert refusal(site.registry(), "gian") == (
        "no block 'gian' is installed (did you mean 'Gain'?)"
    )


def test_an_unknown_name_without_a_near_one_lists_all_names(site):
    site.install("acme", entry_points=effects(Gain="acme_gain:Gain"))
    assert "installed: Gain" in refusal(site.registry(), "Xyz")
    assert "none is installed" in refusal(site.registry(), "Xyz", "frontend")


@pytest.mark.parametrize(
    ("name", "namespace", "says"),
    [
        ("Gain", "executor", "'Gain' of acme is a block, which belongs in a stack"),
        ("Npu", "block", "'Npu' of acme is an executor, which is named as \"executor\" of a block"),
        ("en", "frontend", "'en' of acme is an addon, which is used as a voice"),
    ],
)
def test_a_name_in_the_wrong_place_is_reported_with_where_it_belongs(site, name, namespace, says):
    points = {"voxstack.executors": {"Npu": "m:Npu"}, "voxstack.addons": {"en": "acme_en"}}
    site.install("acme", entry_points={**effects(Gain="acme_gain:Gain"), **points})
    told = refusal(site.registry(), name, namespace)
    assert told.startswith(f"no {namespace} {name!r} is installed; ")
    assert says in told


def test_an_unknown_name_that_the_index_lists_comes_with_where_to_get_it(site, monkeypatch):
    entry = index.Entry("executor", "OpenVino", "acme-openvino", "pip install acme-openvino")
    monkeypatch.setattr(index, "read_index", lambda: (entry,))
    site.install("acme", entry_points={"voxstack.executors": {"OpenVin": "m:Npu"}})
    registry = site.registry()
    told = refusal(registry, "OpenVino", "executor")
    assert "acme-openvino provides it: pip install acme-openvino" in told
    assert "acme-openvino" not in refusal(registry, "OpenVino", "frontend")


def test_a_dotted_path_is_not_a_name(site):
    site.install("acme", entry_points=effects(Gain="acme_gain:Gain"), acme_gain=BLOCK)
    assert "no block 'acme_gain:Gain' is installed" in refusal(site.registry(), "acme_gain:Gain")


def test_all_blocks_share_a_namespace_and_executors_have_their_own(site):
    groups = {kind: {"Same": "m:Same"} for kind in ("voxstack.vocoders", "voxstack.executors")}
    site.install("acme", entry_points=groups)
    registry = site.registry()
    assert registry.find("Same", "block").kind == "vocoders"
    assert registry.find("Same", "executor").kind == "executors"


def test_two_packages_with_one_name_are_ambiguous_until_one_is_chosen(site):
    site.install("acme-voice", "1.0", effects(Gain="acme_gain:Gain"), acme_gain=BLOCK)
    site.install("other.fx", "2.0", effects(Gain="other_gain:Gain"), other_gain=BLOCK)
    registry = site.registry()
    message = refusal(registry, "Gain")
    assert "acme-voice 1.0 and other-fx 2.0 both provide the block 'Gain'" in message
    assert "'Gain@acme-voice' or 'Gain@other-fx'" in message
    assert find_and_load(registry, "Gain@acme-voice").__module__ == "acme_gain"
    assert find_and_load(registry, "Gain@Other_FX").__module__ == "other_gain"
    assert {status for status, _ in listed(registry, "Gain").values()} == {"ambiguous"}


def test_the_same_name_in_two_kinds_of_blocks_is_ambiguous_too(site):
    site.install("acme", entry_points=effects(Same="a:Same"))
    site.install("other", entry_points={"voxstack.vocoders": {"Same": "b:Same"}})
    told = refusal(site.registry(), "Same")
    assert "both provide the block 'Same'; name 'Same@acme' or 'Same@other'" in told
    assert "or block all but one of these distributions" in told


def test_a_package_that_provides_a_name_twice_is_reported_with_both_targets(site):
    groups = {**effects(Same="a:Same"), "voxstack.vocoders": {"Same": "b:Same"}}
    site.install("acme", entry_points=groups)
    message = refusal(site.registry(), "Same")
    assert "acme 1.0 provides the block 'Same' twice, as 'a:Same' and 'b:Same'" in message
    assert "uninstall it or install another version" in message


def test_a_name_of_a_distribution_that_does_not_provide_it_lists_those_that_do(site):
    site.install("acme", entry_points=effects(Gain="acme_gain:Gain"))
    assert refusal(site.registry(), "Gain@acne") == (
        "no block 'Gain@acne' is installed (installed: Gain@acme)"
    )


def test_blocking_one_of_two_rivals_leaves_the_other_usable(site):
    site.install("acme", entry_points=effects(Gain="acme_gain:Gain"), acme_gain=BLOCK)
    site.install("evil", entry_points=effects(Gain="evil_gain:Gain"), evil_gain="raise SystemExit")
    registry = site.registry(filters=[Filter(block=("evil",))])
    assert find_and_load(registry, "Gain").__module__ == "acme_gain"
    assert listed(registry, "Gain")["evil"][0] == "blocked"


# Allow and block --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("filter_", "reason", "step"),
    [
        (
            Filter(block=("acme-*",), origin="deploy.toml"),
            "blocked by 'acme-*' in deploy.toml",
            "to use it, remove 'acme-*' from deploy.toml",
        ),
        (
            Filter(block=("Acme_FX",)),
            "blocked by 'Acme_FX' in the host's settings",
            "to use it, remove 'Acme_FX' from the host's settings",
        ),
        (
            Filter(block=("Acme.*",), origin="d.toml"),
            "blocked by 'Acme.*' in d.toml",
            "to use it, remove 'Acme.*' from d.toml",
        ),
        (
            Filter(allow=("good-*",), origin="d.toml"),
            "not allowed by d.toml",
            "to use it, add 'acme-fx' to d.toml",
        ),
        (
            Filter(allow=()),
            "not allowed by the host's settings",
            "to use it, add 'acme-fx' to the host's settings",
        ),
    ],
)
def test_a_blocked_plugin_is_never_imported_and_its_reason_is_reported(site, filter_, reason, step):
    site.install(
        "acme-fx",
        entry_points={**effects(Gain="acme_gain:Gain"), "voxstack": {"acme": "acme_hooks"}},
        acme_gain="raise SystemExit",
        acme_hooks="raise SystemExit",
    )
    registry = site.registry(filters=[filter_])
    message = refusal(registry, "Gain")
    assert f"'Gain' of acme-fx 1.0 cannot be used: {reason} ({step}" in message
    assert listed(registry, "acme") == {"acme-fx": ("blocked", reason)}
    assert "acme_gain" not in sys.modules
    assert "acme_hooks" not in sys.modules


def test_a_blocked_registration_is_not_imported_whoever_asks_for_it(site):
    site.install("acme", entry_points=effects(Gain="acme_gain:Gain"), acme_gain="raise SystemExit")
    registry = site.registry(filters=[Filter(block=("acme",))])
    (registration,) = registry.candidates("Gain", "block")
    with pytest.raises(PluginError, match="blocked by 'acme'"):
        registry.load(registration)
    assert "acme_gain" not in sys.modules


def test_the_hosts_own_components_cannot_be_blocked(own_site):
    registry = own_site.registry(filters=[Filter(allow=(), block=("*",))])
    assert find_and_load(registry, "Encoders").__name__ == "Encoders"


def test_a_package_that_announces_a_component_of_the_host_as_its_own_changes_nothing(own_site):
    own = {"Encoders": "voxstack.containers:Encoders"}
    own_site.install("evil", entry_points={"voxstack.encoders": own})
    registry = own_site.registry(filters=[Filter(block=("evil",))])
    assert find_and_load(registry, "Encoders").__name__ == "Encoders"


def test_a_distribution_is_not_exempt_from_the_lists_for_how_it_is_called(site):
    site.install("voxstack", entry_points=effects(Gain="acme_gain:Gain"), acme_gain=BLOCK)
    site.install("voxstack-fx", entry_points=effects(Loud="voxstackfx:Loud"), voxstackfx="1 / 0")
    registry = site.registry(filters=[Filter(block=("voxstack*",))])
    assert "blocked by 'voxstack*'" in refusal(registry, "Gain")
    assert "blocked by 'voxstack*'" in refusal(registry, "Loud")


def test_every_list_must_allow_a_distribution(site):
    site.install("acme", entry_points=effects(Gain="acme_gain:Gain"), acme_gain=BLOCK)
    allowing = Filter(allow=("acme",))
    refusing = Filter(allow=("other",), origin="the second list")
    assert find_and_load(site.registry(filters=[allowing, allowing]), "Gain")
    registry = site.registry(filters=[allowing, refusing])
    assert "not allowed by the second list" in refusal(registry, "Gain")


def test_block_wins_over_allow():
    assert Filter(allow=("acme",), block=("ac*",)).judge("acme")
    assert Filter(allow=("ac*",)).judge("acme") is None


# Broken plugins ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("raise RuntimeError('no licence')", "failed with RuntimeError: no licence"),
        ("raise SystemExit('bye')", "failed with SystemExit: bye"),
        ("import no_such_module_here", "No module named 'no_such_module_here'"),
        ("def", "failed with SyntaxError"),
        ("x = 1", "has no attribute 'Gain'"),
        ("class Gain: pass", "is a class that does not extend voxstack.StreamableBlock"),
        ("Gain = 5", "is a int; the group voxstack.effects takes attrs classes"),
        (BLOCK + "\nGain = Gain()", "is a Gain; the group voxstack.effects takes"),
        (BLOCK.replace("@frozen", ""), "is not an attrs class; decorate it with @attrs.frozen"),
    ],
)
def test_a_broken_plugin_says_why_and_is_listed_as_broken_from_then_on(site, source, reason):
    site.install("acme", entry_points=effects(Gain="acme_gain:Gain"), acme_gain=source)
    registry = site.registry()
    assert listed(registry, "Gain") == {"acme": ("ok", None)}
    for _ in range(2):
        message = refusal(registry, "Gain")
        assert "'Gain' of acme 1.0 cannot be used: broken: " in message
        assert reason in message
    status, why = listed(registry, "Gain")["acme"]
    assert status == "broken"
    assert reason in why


def test_an_executor_whose_formats_are_a_string_is_refused_with_the_tuple_to_write(site):
    source = BLOCK.replace("StreamableBlock", "Executor").replace(
        "    def", "    formats = 'onnx'\n    def"
    )
    entry_points = {"voxstack.executors": {"Npu": "acme_npu:Gain"}}
    site.install("acme", entry_points=entry_points, acme_npu=source)
    registry = site.registry()
    with pytest.raises(PluginError, match=r'write formats = \("onnx",\)'):
        registry.load(registry.find("Npu", "executor"))


def test_a_sequence_block_among_the_effects_is_refused(site):
    source = BLOCK.replace("StreamableBlock", "SequenceBlock").replace(
        "stream(self, sequence, upstream)", "__call__(self, inputs)"
    )
    site.install("acme", entry_points=effects(Gain="acme_gain:Gain"), acme_gain=source)
    assert "does not extend voxstack.StreamableBlock" in refusal(site.registry(), "Gain")


def test_a_missing_module_is_broken(site):
    site.install("acme", entry_points=effects(Gain="gone_gain:Gain"))
    assert "No module named 'gone_gain'" in refusal(site.registry(), "Gain")


@pytest.mark.parametrize("target", ["acme_gain", "acme gain:Gain", "acme_gain:", "-x:Gain"])
def test_a_malformed_target_is_broken_at_once(site, target):
    site.install("acme", entry_points=effects(Gain=target))
    registry = site.registry()
    status, reason = listed(registry, "Gain")["acme"]
    assert status == "broken"
    assert "expected 'package.module:Name'" in reason


def test_the_target_of_a_voice_is_a_package_and_not_an_attribute(site):
    site.install("acme", entry_points={"voxstack.addons": {"en": "acme:voice"}})
    assert "expected a top-level package" in refusal(site.registry(), "en", "addon")


def test_damaged_entry_points_are_listed_and_others_work(site):
    site.install("bad", entry_points="[voxstack.effects]\nnonsense\n")
    site.install("acme", entry_points=effects(Gain="acme_gain:Gain"), acme_gain=BLOCK)
    registry = site.registry()
    (damaged,) = [r for r in registry.registrations if r.distribution == "bad"]
    assert damaged.status == "broken"
    assert "line 2" in damaged.reason
    assert find_and_load(registry, "Gain")


def test_a_plugin_that_needs_another_voxstack_is_incompatible_and_not_imported(site):
    site.install(
        "acme",
        "3.0",
        effects(Gain="acme_gain:Gain"),
        "Requires-Dist: voxstack>=99\n",
        acme_gain="raise SystemExit",
    )
    registry = site.registry()
    message = refusal(registry, "Gain")
    assert "'Gain' of acme 3.0 cannot be used: incompatible: it needs voxstack >=99" in message
    assert "install another version of acme" in message
    assert listed(registry, "Gain")["acme"][0] == "incompatible"
    assert "acme_gain" not in sys.modules


def test_a_module_with_hooks_of_an_incompatible_package_is_not_imported(site):
    site.install(
        "acme",
        entry_points={
            "voxstack": {"acme": "acme_hooks"},
            "voxstack.observers": {"ear": "acme_ear"},
        },
        metadata="Requires-Dist: voxstack>=99\n",
        acme_hooks="raise SystemExit",
        acme_ear="raise SystemExit",
    )
    registry = site.registry()
    refusal(registry, "Gain")
    registry.announce("voxstack_voice_loaded", voice="anna")
    for name in ("acme", "ear"):
        assert listed(registry, name)["acme"][0] == "incompatible"
    assert not {"acme_hooks", "acme_ear"} & sys.modules.keys()


def test_a_plugin_that_needs_this_voxstack_works(site):
    site.install(
        "acme", "1", effects(Gain="acme_gain:Gain"), "Requires-Dist: voxstack<99", acme_gain=BLOCK
    )
    assert find_and_load(site.registry(), "Gain")


def test_the_listing_has_exactly_the_rows_that_the_command_prints(site):
    site.install("acme", "1.0", effects(Gain="acme_gain:Gain"))
    (registration,) = site.registry().registrations
    assert registration.listing() == {
        "kind": "effects",
        "name": "Gain",
        "target": "acme_gain:Gain",
        "distribution": "acme",
        "version": "1.0",
        "status": "ok",
        "reason": None,
    }


# Modules with hooks -----------------------------------------------------------------------------


def test_a_module_with_hooks_is_imported_only_when_a_name_is_not_found_otherwise(site):
    groups = {**effects(Gain="acme_gain:Gain"), "voxstack": {"acme": "acme_hooks"}}
    site.install("acme", entry_points=groups, acme_gain=BLOCK, acme_hooks=HOOKS)
    registry = site.registry()
    assert listed(registry, "acme")["acme"][0] == "dynamic"
    find_and_load(registry, "Gain")
    assert "acme_hooks" not in sys.modules
    registration = registry.find("Gain6", "block")
    assert registration.options == {"db": 6.0}
    assert (registration.distribution, registration.version) == ("acme", "1.0")
    assert listed(registry, "acme") == {"acme": ("ok", None)}


def test_a_module_with_hooks_that_breaks_is_listed_and_reported_with_an_unknown_name(site):
    site.install("acme", entry_points={"voxstack": {"acme": "acme_hooks"}}, acme_hooks="1 / 0")
    registry = site.registry()
    assert "acme is broken: importing 'acme_hooks' failed with ZeroDiv" in refusal(registry, "X")
    assert listed(registry, "acme")["acme"][0] == "broken"


def test_one_broken_module_does_not_hide_another(site):
    site.install("bad", entry_points={"voxstack": {"bad": "bad_hooks"}}, bad_hooks="1 / 0")
    site.install(
        "good", entry_points={"voxstack": {"good": "good_hooks"}}, good_hooks=HOOKS, acme_gain=BLOCK
    )
    assert find_and_load(site.registry(), "Gain6").__name__ == "Gain"


def test_an_unknown_hook_is_refused_with_the_nearest(site):
    source = HOOKS.replace("voxstack_effects", "voxstack_efects")
    site.install("acme", entry_points={"voxstack": {"acme": "acme_hooks"}}, acme_hooks=source)
    registry = site.registry()
    assert "no hook 'voxstack_efects' (did you mean 'voxstack_effects'?)" in refusal(registry, "X")
    assert listed(registry, "acme")["acme"][0] == "broken"


def test_a_hook_with_an_argument_that_there_is_not_is_refused(site):
    source = HOOKS.replace("voxstack_effects()", "voxstack_effects(device)")
    site.install("acme", entry_points={"voxstack": {"acme": "acme_hooks"}}, acme_hooks=source)
    registry = site.registry()
    assert "device" in refusal(registry, "Gain6")
    assert listed(registry, "acme")["acme"][0] == "broken"


@pytest.mark.parametrize("body", ["raise OSError('no device')", "return 5", "return [5]"])
def test_a_hook_that_fails_is_listed_and_the_others_of_its_plugin_are_kept(site, body):
    source = HOOKS + f"\n@hookimpl\ndef voxstack_executors():\n    {body}\n"
    site.install(
        "acme",
        entry_points={"voxstack": {"acme": "acme_hooks"}},
        acme_hooks=source,
        acme_gain=BLOCK,
    )
    registry = site.registry()
    assert find_and_load(registry, "Gain6").__name__ == "Gain"
    status, reason = listed(registry, "acme")["acme"]
    assert status == "broken"
    assert reason.startswith("voxstack_executors() failed")


def test_a_hook_that_leaves_the_process_does_not_take_the_host_down(site):
    source = HOOKS.replace(
        'return [Component("Gain6"', 'raise SystemExit\n    return [Component("G"'
    )
    site.install("acme", entry_points={"voxstack": {"acme": "acme_hooks"}}, acme_hooks=source)
    registry = site.registry()
    assert "voxstack_effects() failed" in refusal(registry, "Gain6")
    assert listed(registry, "acme")["acme"][0] == "broken"


def test_an_object_with_hooks_is_registered_beside_the_installed(site, offer):
    @frozen
    class Local(StreamableBlock):
        def stream(self, sequence, upstream):
            yield from upstream

    registry = site.registry(plugins=[offer(effects=[Local])])
    assert find_and_load(registry, "Local") is Local


def test_a_component_of_a_hook_with_preset_options_keeps_them(site):
    class Plugin:
        @hookimpl
        def voxstack_effects(self):
            return [Component(f"Gain{db}", "acme_gain:Gain", {"db": db}) for db in (1, 2)]

    registry = site.registry(plugins=[Plugin()])
    assert [registry.find(f"Gain{db}", "block").options["db"] for db in (1, 2)] == [1, 2]


# The life cycle ---------------------------------------------------------------------------------

OBSERVER = """
from voxstack import hookimpl
heard = []

@hookimpl
def voxstack_voice_loaded(voice):
    heard.append(voice)
"""


def test_an_observer_is_imported_with_the_first_announcement(site):
    site.install(
        "acme", entry_points={"voxstack.observers": {"ear": "acme_ear"}}, acme_ear=OBSERVER
    )
    registry = site.registry()
    assert "acme_ear" not in sys.modules
    assert [r.kind for r in registry.registrations] == ["observer"]
    registry.announce("voxstack_voice_loaded", voice="anna")
    assert sys.modules["acme_ear"].heard == ["anna"]
    assert listed(registry, "ear") == {"acme": ("ok", None)}


def test_an_observer_that_fails_is_logged_and_the_others_are_called(site, capsys):
    class Bad:
        @hookimpl
        def voxstack_voice_loaded(self, voice):
            raise RuntimeError("deaf")

    class Good:
        heard = []

        @hookimpl
        def voxstack_voice_loaded(self):
            self.heard.append(1)

    site.registry(plugins=[Bad(), Good()]).announce("voxstack_voice_loaded", voice="anna")
    assert Good.heard == [1]
    err = capsys.readouterr().err
    assert "observer failed" in err
    assert "voxstack_voice_loaded" in err
    assert "RuntimeError: deaf" in err


def test_a_blocked_observer_is_never_imported(site):
    site.install("acme", entry_points={"voxstack.observers": {"ear": "acme_ear"}}, acme_ear="1/0")
    registry = site.registry(filters=[Filter(block=("acme",))])
    registry.announce("voxstack_voice_loaded", voice="anna")
    assert listed(registry, "ear")["acme"][0] == "blocked"
    assert "acme_ear" not in sys.modules


# The specifications -----------------------------------------------------------------------------

HOOK_NAMES = [name for name in dir(hookspecs) if name.startswith("voxstack_")]


@pytest.mark.parametrize("name", HOOK_NAMES)
def test_every_hook_is_documented(name):
    assert inspect.getdoc(getattr(hookspecs, name)).endswith(".")


def test_every_kind_has_its_hook_and_every_other_hook_is_of_the_life_cycle():
    kinds = {kind.hook for kind in KINDS.values()}
    assert kinds <= set(HOOK_NAMES)
    assert set(HOOK_NAMES) - kinds == {
        "voxstack_voice_loaded",
        "voxstack_utterance_began",
        "voxstack_utterance_ended",
    }


# Groups that are not the host's -----------------------------------------------------------------


def test_a_name_in_an_unknown_group_is_reported_with_the_nearest_group(site):
    site.install("acme", entry_points={"voxstack.effect": {"Gain": "acme_gain:Gain"}})
    told = refusal(site.registry(), "Gain")
    assert "acme announces it in the unknown group 'voxstack.effect'" in told
    assert "did you mean 'voxstack.effects'?" in told


def test_a_group_that_a_package_announces_is_not_unknown(site):
    site.install("kit", entry_points={"voxstack.groups": {"conformance": "kit.conformance"}})
    site.install("acme", entry_points={"voxstack.conformance": {"Gain": "acme_tests:TestGain"}})
    assert "voxstack.conformance" not in refusal(site.registry(), "Gain")


# What pip leaves behind -------------------------------------------------------------------------


def test_what_a_failed_uninstall_leaves_behind_provides_nothing(site):
    site.install("~cme", entry_points=effects(Gain="old_gain:Gain"), old_gain="1 / 0")
    site.install("acme", entry_points=effects(Gain="acme_gain:Gain"), acme_gain=BLOCK)
    registry = site.registry()
    assert listed(registry, "Gain") == {"acme": ("ok", None)}
    assert find_and_load(registry, "Gain").__module__ == "acme_gain"


def test_one_module_may_announce_components_and_observe(site):
    source = """
from voxstack import Component, hookimpl
seen = []
@hookimpl
def voxstack_effects():
    return [Component("Both", "acme_both:Both")]
@hookimpl
def voxstack_voice_loaded(voice):
    seen.append(voice)
"""
    points = {"voxstack": {"acme": "acme_both"}, "voxstack.observers": {"acme": "acme_both"}}
    site.install("acme", entry_points=points, acme_both=source)
    registry = site.registry()
    assert registry.find("Both", "block").distribution == "acme"
    registry.announce("voxstack_voice_loaded", voice="v")
    assert sys.modules["acme_both"].seen == ["v"]
    assert {r.status for r in registry.registrations if r.distribution == "acme"} == {"ok"}


def test_a_plugin_object_with_an_unknown_hook_is_listed(site):
    class Misspelled:
        @hookimpl
        def voxstack_efects(self):
            return []

    registry = site.registry(plugins=[Misspelled()])
    (broken,) = [r for r in registry.registrations if r.distribution == "Misspelled"]
    assert broken.status == "broken" and "voxstack_effects" in broken.reason
