"""Which executor runs which network, and the next one where it cannot."""

import numpy as np
import pytest
from attrs import frozen
from stubs import Absent
from voxstack import (
    Buckets,
    ConfigError,
    Executor,
    InputError,
    NetworkError,
    PluginError,
    VoxstackError,
)
from voxstack.building import ExecutorMaker, Placement, Preferences, VoiceSettings
from voxstack.plugins import Blocked, Filter

PIPELINE = "/stack/0"
AUDIO = ["batch", "frames"]


def place(pointer, executor):
    """Change a manifest: put ``executor`` on the block at ``pointer``."""

    def change(manifest):
        block = manifest
        for key in pointer.strip("/").split("/"):
            block = block[int(key) if key.isdigit() else key]
        block["executor"] = executor

    return change


def tagged(tag):
    return {"type": "Numpy", "tag": tag}


def tags(voice):
    return {p.network.name: p.executor.tag for p in voice.programs}


@frozen
class Unable(Executor):
    formats = ("numpy",)

    def load(self, network):
        raise RuntimeError(f"op Foo of {network.name} is not supported")


@pytest.fixture
def host(tiny_host, tiny_parts):
    def make(change=lambda manifest: None, options=None):
        executors = [*tiny_parts["executors"], Absent, Unable]
        return tiny_host(change, options=options, executors=executors)

    return make


def test_an_executor_on_a_block_runs_its_networks(host):
    voice = host(place("/stack/1", tagged("mine"))).voice("tiny")
    assert tags(voice) == {"encoder": "", "decoder": "", "vocoder": "mine"}


def test_an_executor_on_a_block_around_others_runs_all_networks_in_it(host):
    voice = host(place(PIPELINE, tagged("in"))).voice("tiny")
    assert tags(voice) == {"encoder": "in", "decoder": "in", "vocoder": ""}


def test_the_nearest_block_wins(host):
    def change(manifest):
        place(PIPELINE, tagged("out"))(manifest)
        place("/stack/0/sequence_block", tagged("in"))(manifest)

    assert tags(host(change).voice("tiny")) == {"encoder": "in", "decoder": "out", "vocoder": ""}


def test_a_rule_of_the_deployment_wins_over_the_stack(host, tmp_path):
    path = tmp_path / "deploy.toml"
    path.write_text(
        'executor = {type = "Numpy", tag = "rest"}\n'
        '[executors]\ndecoder = {type = "Numpy", tag = "rule"}\n'
    )
    voice = host(place(PIPELINE, tagged("stack")), {"deploy": path}).voice("tiny")
    assert tags(voice) == {"encoder": "stack", "decoder": "rule", "vocoder": "rest"}


def test_an_executor_for_all_wins_over_the_stack(host):
    voice = host(place(PIPELINE, tagged("stack"))).voice("tiny", executor=tagged("all"))
    assert set(tags(voice).values()) == {"all"}


def test_a_wrong_executor_in_the_stack_is_reported_with_its_place(host):
    with pytest.raises(ConfigError) as caught:
        host(place("/stack/1", "Nunpy")).voice("tiny")
    (problem,) = caught.value.problems
    assert problem.pointer == "/stack/1/executor"
    assert "did you mean 'Numpy'?" in str(problem)


def test_the_next_executor_is_taken_where_one_is_not_available(host, capfd):
    voice = host().voice("tiny", executor=["Absent", "Missing", tagged("next")])
    assert set(tags(voice).values()) == {"next"}
    (first, second) = voice.programs[0].passed_over
    assert first == "Absent: cannot run here: no device here"
    assert second.startswith("Missing: cannot be made: ")
    assert "executor passed over" in capfd.readouterr().err


def test_the_next_executor_is_taken_where_one_cannot_load_a_network(host, capfd):
    voice = host().voice("tiny", executor=["Unable", tagged("next")])
    assert set(tags(voice).values()) == {"next"}
    assert "op Foo of encoder is not supported" in voice.programs[0].passed_over[0]
    assert "executor passed over" in capfd.readouterr().err
    assert len(voice.synthesize("Hi.").samples)


def test_an_executor_that_cannot_load_is_reported_once_per_host_not_once_per_network(host, capfd):
    opened = host()
    voice = opened.voice("tiny", executor=["Unable", tagged("next")])
    opened.voice("tiny", executor=["Unable", tagged("other")])
    assert all(program.passed_over for program in voice.programs)
    assert capfd.readouterr().err.count("executor passed over") == 1
    host().voice("tiny", executor=["Unable", tagged("next")])
    assert capfd.readouterr().err.count("executor passed over") == 1


def test_when_the_last_one_cannot_load_either_its_error_names_executor_and_network(host):
    with pytest.raises(NetworkError, match=r"Unable cannot load the network 'tiny:encoder'"):
        host().voice("tiny", executor=["Unable"])


def test_when_none_can_run_each_says_why(host):
    with pytest.raises(VoxstackError) as caught:
        host().voice("tiny", executor=["Absent", "Missing"])
    assert "executor of the host: none of the executors can run the networks" in str(caught.value)
    assert "no device here" in str(caught.value) and "'Missing'" in str(caught.value)


def test_a_list_in_the_deployment_is_an_order_too(host, tmp_path):
    path = tmp_path / "deploy.toml"
    path.write_text('[executors]\nvocoder = ["Absent", {type = "Numpy", tag = "next"}]\n')
    voice = host(options={"deploy": path}).voice("tiny")
    assert tags(voice) == {"encoder": "", "decoder": "", "vocoder": "next"}


def test_audio_is_the_same_wherever_networks_are_placed(host, tiny_voice):
    voice = host(place(PIPELINE, ["Absent", tagged("x")])).voice("tiny")
    samples = tiny_voice.synthesize("Hi there.").samples
    assert np.array_equal(voice.synthesize("Hi there.").samples, samples)


def test_text_that_no_fixed_shape_holds_is_cut(tiny_host, tiny_parts):
    (numpy,) = tiny_parts["executors"]

    @frozen
    class Fixed(numpy):
        static = True

    # The tiny networks have no mask, so that padding them is refused, and says so.
    with pytest.raises((NetworkError, InputError), match="has no 'mask' input"):
        tiny_host(executors=[Fixed]).voice("tiny", executor="Fixed").synthesize("Hi.")


def test_sizes_for_a_dimension_that_no_network_has_cause_a_warning(tiny_host, tiny_parts, capfd):
    (numpy,) = tiny_parts["executors"]

    @frozen
    class Sized(numpy):
        buckets: Buckets = Buckets()

    config = {"type": "Sized", "buckets": {"framse": [3], "frames": [4], "decoder.frames": [5]}}
    tiny_host(executors=[Sized]).voice("tiny", executor=config)
    (line,) = (x for x in capfd.readouterr().err.splitlines() if "no such dimension" in x)
    assert "'framse'" in line and "did you mean 'frames'?" in line


# Mistakes, and what is kept out ---------------------------------------------------------------


@pytest.mark.parametrize("mistaken", [{"type": "Numpy", "tagg": "x"}, {"type": "Numpy", "tag": 1}])
@pytest.mark.parametrize("first", [True, False])
def test_a_mistake_in_a_list_is_not_passed_over(host, mistaken, first):
    several = [mistaken, "Numpy"] if first else ["Numpy", mistaken]
    with pytest.raises(
        ConfigError, match=r"executor of the host: the executor .* cannot be made: /tag"
    ):
        host().voice("tiny", executor=several)


def test_the_reason_why_all_executors_are_blocked_is_reported(tiny_host, tiny_parts):
    host = tiny_host()
    for one in host.registry.registrations:
        if one.name == "Numpy":
            one.block(Blocked("blocked by 'num*' in SITE", "remove 'num*' from SITE"))
    with pytest.raises(ConfigError, match=r"Numpy of .*: blocked by 'num\*' in SITE, remove 'num"):
        host.voice("tiny")


# No executor is named ---------------------------------------------------------------------------

EXECUTOR = """
from attrs import frozen
from voxstack import Executor

@frozen
class One(Executor):
    formats = ("numpy",)
    maker = __name__
    def load(self, network):
        raise AssertionError

@frozen
class Absent(One):
    def available(self):
        return "no device here"

@frozen
class OtherFormat(One):
    formats = ("other",)

@frozen
class Static(One):
    static = True

for name in ("Asked", "ForNetwork", "ForRole", "InStack", "ForAll", "OfUser"):
    globals()[name] = frozen(type(name, (One,), {"__module__": __name__}))
"""


@pytest.fixture
def chosen(site, program):
    """Choose among installed distributions: chosen({"acme": {"Npu": "One"}}, **preferences)."""

    def choose(packages, in_stack=None, filters=(), **preferences):
        for name, executors in packages.items():
            module = f"{name}_executors"
            targets = {n: f"{module}:{target}" for n, target in executors.items()}
            site.install(name, entry_points={"voxstack.executors": targets}, **{module: EXECUTOR})
        registry = site.registry(filters=filters)
        placement = Placement(registry, ExecutorMaker(registry), Preferences(**preferences))
        network = program(None, {"x": AUDIO}, {"y": AUDIO}).network
        (executor,) = placement.choose(network, in_stack).executors
        return executor.maker.removesuffix("_executors"), type(executor).__name__

    return choose


TWO = {"zebra": {"A": "One"}, "acme": {"B": "One"}}


def test_the_only_distribution_that_can_run_a_network_is_taken(chosen):
    unable = {"early": {"A": "Absent"}, "earlier": {"A2": "OtherFormat"}}
    assert chosen({**unable, "zebra": {"Z": "One"}}) == ("zebra", "One")


def test_within_a_distribution_dynamic_executors_come_before_static_ones(chosen):
    assert chosen({"acme": {"A": "Static", "B": "One"}}) == ("acme", "One")


def test_within_a_distribution_executors_come_by_their_names(chosen):
    assert chosen({"acme": {"B": "OtherFormat", "C": "Static", "A": "Static"}}) == (
        "acme",
        "Static",
    )


def test_several_distributions_that_can_are_refused_and_listed(chosen):
    with pytest.raises(PluginError) as caught:
        chosen({**TWO, "zebra": {"A": "One", "C": "One"}})
    what, step = str(caught.value).split("; ")
    told, _, owners = what.partition(": ")
    assert told == "several installed distributions can run the voice's networks"
    assert sorted(owners.split(", ")) == ["acme", "zebra"]
    advice, _, names = step.partition(": ")
    assert advice == "name an executor, for example one of"
    assert sorted(names.split(", ")) == ["A", "B"]


@pytest.mark.parametrize("recorded", ["zebra", "acme"])
def test_the_distribution_that_the_voice_was_packed_with_wins_over_the_others(chosen, recorded):
    assert chosen(TWO, recorded=recorded) == (recorded, "One")


@pytest.mark.parametrize("recorded", ["Zebra_Fx", "zebra.fx"])
def test_the_recorded_distribution_is_compared_as_package_indexes_do(site, program, recorded):
    for name, module in (("zebra-fx", "zebra_x"), ("acme", "acme_x")):
        points = {"voxstack.executors": {name: f"{module}:One"}}
        site.install(name, entry_points=points, **{module: EXECUTOR})
    registry = site.registry()
    placement = Placement(registry, ExecutorMaker(registry), Preferences(recorded=recorded))
    (executor,) = placement.choose(program(None, {"x": AUDIO}, {"y": AUDIO}).network).executors
    assert executor.maker == "zebra_x"


def test_a_recorded_distribution_that_is_not_installed_decides_nothing(chosen):
    assert chosen({"acme": {"A": "One"}}, recorded="gone") == ("acme", "One")
    with pytest.raises(PluginError, match="several installed distributions can run"):
        chosen({"zebra": {"B": "One"}}, recorded="gone")


def test_a_recorded_distribution_that_cannot_run_here_leaves_the_only_other(chosen):
    packages = {"npu": {"Npu": "Absent"}, "acme": {"A": "One"}}
    assert chosen(packages, recorded="npu") == ("acme", "One")


def test_a_distribution_that_is_blocked_is_not_a_second_one(chosen):
    block = Filter(block=("zebra",))
    assert chosen(TWO, filters=[block]) == ("acme", "One")
    with pytest.raises(PluginError, match=r"A of zebra 1\.0: blocked by 'zebra'"):
        chosen({}, filters=[block, Filter(allow=("zebra",))])


def test_an_executor_whose_name_two_distributions_provide_is_listed_with_its_distribution(chosen):
    packages = {"zebra": {"Npu": "One"}, "acme": {"Npu": "One"}}
    with pytest.raises(PluginError, match=r"one of: (Npu@\w+), (Npu@\w+)$"):
        chosen(packages)
    assert chosen({}, recorded="acme") == ("acme", "One")


def test_the_name_of_a_distribution_gives_it_no_preference(chosen):
    with pytest.raises(PluginError, match="several installed distributions"):
        chosen({"voxstack": {"A": "One"}, "acme": {"B": "One"}})


# Who prefers ------------------------------------------------------------------------------------


NAMES = ["Asked", "ForNetwork", "ForRole", "InStack", "ForAll", "OfUser"]


def test_who_is_nearer_to_the_network_wins(chosen):
    packages = {"acme": {name: name for name in NAMES}}
    winners = []
    for first in range(len(NAMES)):
        asked, of_network, of_role, in_stack, for_all, user = (
            name if index >= first else None for index, name in enumerate(NAMES)
        )
        settings = VoiceSettings(for_all, {"net": of_network, "decoder": of_role})
        found = chosen(packages, in_stack, asked=asked, settings=settings, user=user)
        winners.append(found[1])
        packages = {}  # they are installed
    assert winners == NAMES


@pytest.mark.parametrize(
    ("preferences", "in_stack", "origin"),
    [
        ({"asked": "Nope"}, None, "the host's executor"),
        ({"settings": VoiceSettings("Nope"), "settings_from": "d.toml"}, None, "d.toml"),
        ({"settings": VoiceSettings(None, {"net": "Nope"})}, "A", "the deployment"),
        ({}, "Nope", "the stack"),
        ({"user": "Nope", "user_from": "config.toml"}, None, "config.toml"),
    ],
)
def test_an_executor_that_cannot_be_made_is_reported_with_who_named_it(
    chosen, preferences, in_stack, origin
):
    with pytest.raises(PluginError, match=f"^{origin}: the executor Nope cannot be made: "):
        chosen({"acme": {"A": "One"}}, in_stack, **preferences)
