"""Which executor runs which network, and the next one where it cannot."""

import attrs
import numpy as np
import pytest
from attrs import frozen
from voxstack import Buckets, ConfigError, Executor, InputError, NetworkError, VoxstackError
from voxstack.plugins import Blocked
from voxstack.plugins.registration import mark_ambiguous

PIPELINE = "/stack/0"


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
class Absent(Executor):
    formats = ("numpy",)

    def available(self):
        return "no device here"

    def load(self, network):
        raise AssertionError


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


def test_an_executor_in_the_stack_that_is_wrong_is_told_with_its_place(host):
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


def test_an_executor_that_cannot_load_is_told_once_a_host_not_once_a_network(host, capfd):
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
    assert "none of the executors named can run the networks" in str(caught.value)
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


def test_sizes_for_a_dimension_that_no_network_has_are_warned_of(tiny_host, tiny_parts, capfd):
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
def test_a_mistake_in_a_list_is_no_absent_device(host, mistaken, first):
    several = [mistaken, "Numpy"] if first else ["Numpy", mistaken]
    with pytest.raises(ConfigError, match=r"--executor: the executor .* cannot be made: /tag"):
        host().voice("tiny", executor=several)


def test_an_executor_of_a_name_that_another_brings_too_is_still_the_first_choice(
    tiny_host, tiny_parts, site
):
    twin = type("Numpy", (Absent,), {"__module__": __name__})
    host = tiny_host(executors=[*tiny_parts["executors"], Unable])
    ours = next(r for r in host.registry.registrations if r.name == "Numpy")
    theirs = attrs.evolve(ours, distribution="acme-npu", target="acme:Numpy")
    theirs.loaded = frozen(twin)
    host.registry.registrations.append(theirs)
    mark_ambiguous(host.registry.registrations)
    names = {type(p.executor).__module__ for p in host.voice("tiny", load=False).programs}
    assert names == {ours.loaded.__module__}


def test_what_keeps_all_executors_out_is_told(tiny_host, tiny_parts):
    host = tiny_host()
    for one in host.registry.registrations:
        if one.name == "Numpy":
            one.block(Blocked("blocked by 'num*' in SITE", "take 'num*' out of SITE"))
    with pytest.raises(ConfigError, match=r"Numpy of .*: blocked by 'num\*' in SITE, take 'num"):
        host.voice("tiny")
