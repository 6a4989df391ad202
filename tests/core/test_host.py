"""The host: voices by name, deployment, executors, and freeing what was loaded."""

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from attrs import frozen
from stubs import Absent
from voxstack import (
    Component,
    ConfigError,
    Executor,
    Host,
    InputError,
    PluginError,
    VoxstackError,
    hookimpl,
)
from voxstack.building import (
    Deployment,
    UserFile,
    VoiceSettings,
    deployment,
    read_deployment,
    read_user_file,
    user_file_path,
)
from voxstack.errors import AddonError
from voxstack.plugins import index, scan


def programs(voice):
    return {program.network.name: program for program in voice.programs}


def opened(site, **options):
    """Open a host that sees what is installed on the site and nothing else."""
    return Host(packages=scan([str(site.folder)]), **options)


# Voices -----------------------------------------------------------------------------------------


def test_the_only_voice_needs_no_name(tiny_host):
    host = tiny_host()
    assert host.voices() == ["tiny"]
    assert host.voice().name == "tiny"


def test_a_missing_voice_is_reported_with_the_nearest_name(tiny_host):
    with pytest.raises(PluginError, match=r"no voice 'tinny' is installed .did you mean 'tiny'"):
        tiny_host().voice("tinny")


def test_no_voice_at_all_says_what_to_install(site, monkeypatch):
    entry = index.Entry("addon", "anna", "acme-anna", "pip install acme-anna")
    monkeypatch.setattr(index, "read_index", lambda: (entry,))
    with (
        opened(site) as host,
        pytest.raises(
            PluginError,
            match=r"no voice is installed; install one, for example .*: pip install acme-anna",
        ),
    ):
        host.voice()


def test_a_blocked_voice_is_reported_with_its_reason_when_none_is_named(site):
    site.install("acme-voice", entry_points={"voxstack.addons": {"en": "acme_voice"}})
    with (
        opened(site, block=["acme-*"]) as host,
        pytest.raises(
            PluginError,
            match=r"no voice can be used: en of acme-voice 1\.0: blocked by 'acme-\*' in block of "
            r"the host \(to use it, remove 'acme-\*'",
        ),
    ):
        host.voice()


def test_several_voices_ask_for_a_name(site):
    site.install("acme", entry_points={"voxstack.addons": {"en": "acme_en", "fr": "acme_fr"}})
    listed = r"several voices are installed: en, fr; name a voice \(voice of the host\)"
    with (
        opened(site) as host,
        pytest.raises(InputError, match=f"{listed}, or set VOXSTACK_VOICE"),
    ):
        host.voice()


def test_messages_name_arguments_as_the_caller_of_the_host_calls_them(site):
    site.install("acme", entry_points={"voxstack.addons": {"en": "acme_en", "fr": "acme_fr"}})
    blocking = opened(site, arguments="--{}", block=["acme"])
    with blocking, pytest.raises(PluginError, match="blocked by 'acme' in --block"):
        blocking.addon("en")
    host = opened(site, arguments="--{}")
    with host, pytest.raises(InputError, match=r"name a voice \(--voice\)"):
        host.voice()


def test_the_environment_can_name_the_voice(site, monkeypatch):
    site.install("acme", entry_points={"voxstack.addons": {"en": "acme_en", "fr": "acme_fr"}})
    monkeypatch.setenv("VOXSTACK_VOICE", "fr")
    with opened(site) as host:
        assert host.choose_voice() == "fr"
        assert host.choose_voice("en") == "en"


@pytest.mark.parametrize("who", ["VOXSTACK_VOICE", "site.toml: voice", ""])
def test_a_voice_that_nobody_provides_is_reported_with_who_asked_for_it(who, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("site.toml").write_text('voice = "nope"\n')
    monkeypatch.setenv("VOXSTACK_VOICE", "nope")
    asked = {"deploy": "site.toml"} if "toml" in who else {}
    with Host(packages=[], **asked) as host, pytest.raises(PluginError) as caught:
        host.choose_voice(None if who else "nope")
    assert str(caught.value).startswith(f"{who}: no voice 'nope'" if who else "no voice 'nope'")


def test_networks_alone_are_not_offered_as_voices(site, write_addon):
    site.install("acme", entry_points={"voxstack.addons": {"en": "acme_en", "net": "acme_net"}})
    for name in ("acme_en", "acme_net"):
        folder = write_addon(site.folder / name)
        (folder / "__init__.py").touch()
    manifest = json.loads((folder / "addon.json").read_text())
    del manifest["stack"], manifest["frontend"]
    (folder / "addon.json").write_text(json.dumps(manifest))
    with opened(site) as host:
        with pytest.raises(PluginError, match=r"no voice 'net2' is installed \(installed: en\)"):
            host.voice("net2")
        with pytest.raises(PluginError, match=r"no addon 'nett' is installed \(did you mean 'net'"):
            host.addon("nett")


@pytest.mark.parametrize("name", ["addon.json", "stack.json"])
def test_a_json_file_is_not_a_voice_and_the_message_says_what_is(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path(name).write_text("{}")
    with Host(packages=[]) as host:
        for given in (name, str(tmp_path / name)):
            with pytest.raises(AddonError, match=r"an addon is a folder that holds addon\.json"):
                host.voice(given)


def test_an_addon_without_a_stack_only_provides_networks(tiny_host, write_addon, tmp_path):
    host = tiny_host()
    folder = write_addon(tmp_path / "mine")
    manifest = json.loads((folder / "addon.json").read_text())
    del manifest["stack"], manifest["frontend"]
    (folder / "addon.json").write_text(json.dumps(manifest))
    assert host.addon(str(folder)).networks
    assert host.check(folder) == []
    with pytest.raises(InputError) as caught:
        host.voice(str(folder))
    assert "is not a voice: it only provides networks for other addons" in str(caught.value)
    assert '("tiny:encoder", "tiny:decoder", "tiny:vocoder")' in str(caught.value)
    assert "voices: tiny" in str(caught.value)


def test_a_stack_without_a_frontend_is_a_problem(tiny_host, write_addon, tmp_path):
    folder = write_addon(tmp_path / "mine")
    manifest = json.loads((folder / "addon.json").read_text())
    del manifest["frontend"]
    (folder / "addon.json").write_text(json.dumps(manifest))
    with pytest.raises(
        ConfigError, match="'frontend' is missing: a voice has a frontend and a stack"
    ):
        tiny_host().voice(str(folder))


def test_a_voice_in_a_folder_or_a_zip_is_opened_by_its_path(tiny_host, write_addon, tmp_path):
    host, expected = tiny_host(), tiny_host().voice("tiny").synthesize("Hi.").samples
    folder = write_addon(tmp_path / "mine")
    archive = shutil.make_archive(str(tmp_path / "mine"), "zip", folder)
    for path in (str(folder), archive):
        assert np.array_equal(host.voice(path).synthesize("Hi.").samples, expected)


def test_the_name_of_an_installed_voice_is_never_taken_for_a_path(
    tiny_host, write_addon, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    write_addon(tmp_path / "tiny", lambda m: m.update(version="9.9.9"))
    write_addon(tmp_path / "other", lambda m: m.update(version="9.9.9"))
    host = tiny_host()
    assert host.addon("tiny").manifest.version == "1.0.0"
    assert host.voice("tiny").addon.manifest.version == "1.0.0"
    assert host.addon("./tiny").manifest.version == "9.9.9"
    assert host.addon("other").manifest.version == "9.9.9"  # nobody provides that name


def test_a_check_of_an_installed_voice_does_not_take_its_name_for_a_path(
    tiny_host, write_addon, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    write_addon(tmp_path / "tiny", lambda m: m.update(stack=[]))
    host = tiny_host()
    assert host.check("tiny") == []
    assert [p.pointer for p in host.check("./tiny")] == ["/stack"]
    assert [p.pointer for p in host.check(tmp_path / "tiny")] == ["/stack"]


def test_a_voice_can_be_named_with_its_distribution(tiny_host):
    host = tiny_host()
    assert host.choose_voice("tiny@Tiny_Voice") == "tiny@Tiny_Voice"
    assert host.voice("tiny@Tiny_Voice").name == "tiny"
    with pytest.raises(PluginError, match=r"'tiny@acme' is installed .installed: tiny@tiny-voice"):
        host.voice("tiny@acme")


def test_a_deployment_for_a_voice_holds_when_it_is_named_with_its_distribution(deployed):
    host = deployed('[voices.tiny.controls]\nspeaker = "bob"\n')
    assert host.voice("tiny@tiny-voice").defaults == {"speaker": "bob"}


def test_a_path_that_does_not_exist_is_reported(tiny_host):
    with pytest.raises(VoxstackError, match="no such folder or zip"):
        tiny_host().voice("./nowhere")


def test_an_installed_voice_without_its_files_is_listed_as_broken(site):
    site.install("acme", entry_points={"voxstack.addons": {"en": "acme_gone"}})
    with opened(site) as host:
        with pytest.raises(VoxstackError, match=r"'acme_gone' holds no addon.json"):
            host.voice("en")
        (registration,) = host.registry.registrations
        assert registration.status == "broken"
        assert "holds no addon.json" in registration.reason


def test_the_same_arguments_give_the_same_voice(tiny_host):
    host = tiny_host()
    voice = host.voice("tiny")
    assert host.voice("tiny") is voice
    assert host.voice("tiny", edits={"/sample": "x"}) is not voice
    assert host.voice("tiny", executor={"type": "Numpy", "tag": "x"}) is not voice


def test_voices_share_the_programs_of_equal_files(tiny_host):
    host = tiny_host()
    a, b = host.voice("tiny"), host.voice("tiny", edits={"/sample": "x"})
    assert a is not b
    assert all(programs(a)[name].load() is programs(b)[name].load() for name in programs(a))
    assert len(host._cache) == 3


def test_nothing_is_loaded_when_a_configuration_is_wrong(tiny_host):
    host = tiny_host()
    with pytest.raises(ConfigError):
        host.voice("tiny", edits={"/stack/1/type": "Nope"})
    assert len(host._cache) == 0


def test_a_voice_without_loading_is_loaded_by_its_first_call(tiny_host):
    host = tiny_host()
    voice = host.voice("tiny", load=False)
    assert (voice.loaded, len(host._cache)) == (False, 0)
    voice.synthesize("Hi.")
    assert voice.loaded


def test_a_truncated_network_is_reported_when_the_voice_is_loaded(tiny_host, tmp_path):
    host = tiny_host()
    path = host.library.files("tiny").folder / "networks" / "vocoder.txt"
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(AddonError, match=r"networks/vocoder.txt has .* bytes"):
        host.voice("tiny")


def test_a_network_that_does_not_load_is_named(tiny_host):
    host = tiny_host(files={
        "networks/encoder.txt": b"lambda ids: {}",
        "networks/decoder.txt": b"lambda of python",
        "networks/vocoder.txt": b"lambda mel: {}",
    })  # fmt: skip
    with pytest.raises(VoxstackError, match="Numpy cannot load the network 'tiny:decoder'"):
        host.voice("tiny")


# Formats ----------------------------------------------------------------------------------------


def test_a_file_that_the_provider_of_its_format_refuses_never_reaches_an_executor(tiny_host):
    host = tiny_host(files={
        "networks/encoder.txt": b"lambda ids: {}",
        "networks/decoder.txt": b"print('it ran')",
        "networks/vocoder.txt": b"lambda mel: {}",
    })  # fmt: skip
    refused = "networks/decoder.txt: it is not a lambda expression; ask who made the addon"
    with pytest.raises(AddonError, match=refused):
        host.voice("tiny")


def test_a_format_that_nobody_provides_is_refused_before_a_network_is_loaded(
    tiny_host, monkeypatch
):
    entry = index.Entry("format", "numpy", "acme-numpy", "pip install acme-numpy")
    monkeypatch.setattr(index, "read_index", lambda: (entry,))
    host = tiny_host(formats=[])
    with pytest.raises(PluginError) as caught:
        host.voice("tiny")
    assert caught.value.exit_code == 2
    assert "no format 'numpy' is installed" in str(caught.value)
    assert "acme-numpy provides it: pip install acme-numpy" in str(caught.value)
    assert len(host._cache) == 0


def test_a_format_that_two_packages_provide_is_refused_with_both(tiny_host):
    class Other:
        @hookimpl
        def voxstack_formats(self):
            return [Component("numpy", "stubs:NumpyFormat")]

    host = tiny_host(plugins=[Other()])
    with pytest.raises(PluginError) as caught:
        host.voice("tiny")
    assert "Offer and Other both provide the format 'numpy'" in str(caught.value)
    assert "block all but one of these distributions" in str(caught.value)
    assert len(host._cache) == 0


def test_a_format_is_made_once_per_host(tiny_host, tiny_parts):
    host = tiny_host()
    (numpy,) = tiny_parts["formats"]
    assert host.library.format("numpy") is host.library.format("numpy")
    assert type(host.library.format("numpy")) is numpy


# Closing ----------------------------------------------------------------------------------------


def test_closing_frees_what_was_loaded_and_its_voices_cannot_speak(tiny_host):
    host = tiny_host()
    voice = host.voice("tiny")
    inner = [program.load() for program in voice.programs]
    host.close()
    assert all(program.closed for program in inner)
    with pytest.raises(VoxstackError, match="the host is closed"):
        voice.synthesize("Hi.")


def test_a_host_that_closes_while_a_voice_speaks_ends_it_with_a_clear_error(tiny_host):
    host = tiny_host()
    chunks = host.voice("tiny").stream("A long sentence to speak.", frames=(2,))
    next(chunks)
    host.close()
    with pytest.raises(VoxstackError, match="the host is closed"):
        list(chunks)


def test_a_closed_host_makes_no_voices(tiny_host):
    with tiny_host() as host:
        pass
    with pytest.raises(VoxstackError, match="the host is closed"):
        host.voice("tiny")


# Edits ------------------------------------------------------------------------------------------


@pytest.fixture
def loud(tiny_parts):
    """A decoder to swap in by one word."""
    (decode,) = tiny_parts["decoders"]

    @frozen
    class Loud(decode):
        def stream(self, sequence, upstream):
            for chunk in super().stream(sequence, upstream):
                yield chunk.replace(mel=chunk["mel"] * 2)

    return Loud


PLACE = "/stack/0/streamable_block/stack/1/type"


def test_a_block_is_swapped_by_one_word(tiny_host, loud, tiny_parts):
    host = tiny_host(decoders=[*tiny_parts["decoders"], loud])
    plain = host.voice("tiny").synthesize("Hi.").samples
    louder = host.voice("tiny", edits={PLACE: "Loud"}).synthesize("Hi.").samples
    assert np.array_equal(louder, plain * 2)


def test_a_document_has_the_edits_of_the_deployment_and_then_those_of_the_caller(tiny_host):
    site = Deployment(set={"/sample": "site", "/version": "2.0.0"})
    host = tiny_host(options={"deploy": site})
    document, _ = host.document("tiny", [("/sample", "mine", "--set /sample")])
    assert (document.value["sample"], document.value["version"]) == ("mine", "2.0.0")
    assert document.edits == {"/sample": "--set /sample", "/version": "the deployment"}
    assert host.addon("tiny").manifest.version == "1.0.0"


def test_a_wrong_edit_is_reported_with_who_made_it(tiny_host):
    with pytest.raises(ConfigError) as caught:
        tiny_host().voice("tiny", edits=[(PLACE, "Decoed", "--set")])
    (problem,) = caught.value.problems
    assert problem.pointer == PLACE
    assert problem.suggestion == "did you mean 'Decode'?"
    assert problem.message.endswith("(set by --set)")


def test_an_edit_of_a_place_that_is_not_there_is_an_input_error(tiny_host):
    with pytest.raises(InputError, match=r'nothing at "/stok" .did you mean .stack'):
        tiny_host().voice("tiny", edits={"/stok/0": 1})


# Executors --------------------------------------------------------------------------------------


@frozen
class AnotherFormat(Absent):
    formats = ("onnx",)

    def available(self):
        return None


def test_the_first_executor_that_can_run_the_network_is_chosen(tiny_host, tiny_parts):
    @frozen
    class BadProbe(Absent):
        def available(self):
            raise OSError("driver")

    others = [Absent, AnotherFormat, BadProbe]
    host = tiny_host(executors=[*others, *tiny_parts["executors"]])
    assert {type(p.executor).__name__ for p in host.voice("tiny").programs} == {"Numpy"}


def test_when_no_executor_can_run_the_networks_each_says_why_once(tiny_host):
    with pytest.raises(VoxstackError) as caught:
        tiny_host(executors=[Absent, AnotherFormat]).voice("tiny")
    assert caught.value.exit_code == 2
    message = str(caught.value)
    assert "no installed executor can run the voice's networks" in message
    for reason in ("Absent: no device here", "AnotherFormat: takes onnx, not numpy"):
        assert message.count(reason) == 1


@pytest.mark.parametrize("config", ["Numpy", {"type": "Numpy", "tag": ""}])
def test_an_executor_is_named_or_configured(tiny_host, config):
    voice = tiny_host().voice("tiny", executor=config)
    assert {p.executor.tag for p in voice.programs} == {""}


def test_an_executor_made_in_python_is_taken(tiny_host, tiny_parts):
    (numpy,) = tiny_parts["executors"]
    voice = tiny_host(options={"executor": numpy(tag="mine")}).voice("tiny")
    assert {p.executor.tag for p in voice.programs} == {"mine"}


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ("Nunpy", "did you mean 'Numpy'?"),
        ({"type": "Numpy", "tug": "x"}, "unknown option 'tug'"),
        ({"type": "Numpy", "tag": 5}, "expected a string, not 5"),
        (["Nunpy"], "did you mean 'Numpy'?"),
        ([], "none of the executors can run the networks: the list is empty"),
    ],
)
def test_a_wrong_executor_is_reported_once(tiny_host, config, message):
    with pytest.raises(ConfigError) as caught:
        tiny_host().voice("tiny", executor=config)
    (problem,) = caught.value.problems
    assert "executor" in str(problem)
    assert message in str(problem)


def test_an_executor_that_cannot_run_here_says_why(tiny_host):
    @frozen
    class Gpu(Executor):
        @classmethod
        def available(cls):
            return "no GPU found"

        def load(self, network):
            raise AssertionError

    with pytest.raises(VoxstackError, match="Gpu cannot run here: no GPU found"):
        tiny_host(executors=[Gpu]).voice("tiny", executor="Gpu")


def test_several_packages_that_can_run_the_networks_are_refused_once(tiny_host, tiny_parts):
    host = tiny_host(plugins=[SecondExecutor()])
    with pytest.raises(ConfigError) as caught:
        host.voice("tiny")
    (problem,) = caught.value.problems
    assert problem.message == (
        "several installed distributions can run the voice's networks: Offer, second; "
        "name an executor, for example one of: Numpy, Second"
    )
    assert host.voice("tiny", executor="Second").programs


def test_the_package_that_is_recorded_in_the_addon_runs_its_networks(tiny_host):
    host = tiny_host(lambda m: m.update(packed_with="second"), plugins=[SecondExecutor()])
    assert {p.executor.tag for p in host.voice("tiny").programs} == {"second"}


class SecondExecutor:
    """A plugin with an executor beside Numpy."""

    __name__ = "second"

    @hookimpl
    def voxstack_executors(self):
        return [Component("Second", "stubs:Numpy", {"tag": "second"})]


def test_an_executor_is_made_from_its_configuration(tiny_host, tiny_parts):
    (numpy,) = tiny_parts["executors"]
    host = tiny_host()
    assert host.executor("Numpy") == numpy()
    assert host.executor({"type": "Numpy", "tag": "x"}) == numpy(tag="x")
    with pytest.raises(ConfigError, match="no executor 'Nunpy' is installed"):
        host.executor("Nunpy")


def test_all_networks_of_an_addon_that_is_not_a_voice_can_be_loaded(
    tiny_host, write_addon, tmp_path
):
    folder = write_addon(tmp_path / "mine", lambda m: [m.pop(k) for k in ("stack", "frontend")])
    site = Deployment(executors={"vocoder": {"type": "Numpy", "tag": "site"}})
    host = tiny_host(options={"deploy": site})
    loaded = host.load_networks(str(folder))
    assert all(program.loaded for program in loaded)
    tags = {program.network.name: program.executor.tag for program in loaded}
    assert tags == {"encoder": "", "decoder": "", "vocoder": "site"}


# The user's file --------------------------------------------------------------------------------


@pytest.fixture
def user_file(tmp_path, monkeypatch):
    """Write ~/.config/voxstack/config.toml and return its path."""

    def write(text):
        monkeypatch.setattr(deployment, "sys", SimpleNamespace(platform="linux"))
        monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
        path = tmp_path / "config" / "voxstack" / "config.toml"
        path.parent.mkdir(parents=True)
        path.write_text(text, "utf-8")
        return path

    return write


@pytest.mark.parametrize(
    ("platform", "variable", "place"),
    [
        ("linux", "XDG_CONFIG_HOME", "there/voxstack/config.toml"),
        ("linux", None, "home/.config/voxstack/config.toml"),
        ("win32", "LOCALAPPDATA", "there/voxstack/config.toml"),
        ("darwin", None, "home/Library/Application Support/voxstack/config.toml"),
    ],
)
def test_the_users_file_lies_where_the_platform_keeps_such_files(
    platform, variable, place, tmp_path, monkeypatch
):
    monkeypatch.setattr(deployment, "sys", SimpleNamespace(platform=platform))
    for name in ("XDG_CONFIG_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    if variable:
        monkeypatch.setenv(variable, str(tmp_path / "there"))
    monkeypatch.setattr(Path, "home", lambda: tmp_path / "home")
    assert user_file_path() == tmp_path / place


def test_no_users_file_is_an_empty_one(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert read_user_file() == UserFile()


def test_the_user_names_the_voice_unless_somebody_nearer_does(site, user_file, monkeypatch):
    voices = {name: f"acme_{name}" for name in ("argument", "site", "variable", "user")}
    site.install("acme", entry_points={"voxstack.addons": voices})
    user_file('voice = "user"\n')
    site_file = Deployment(voice="site")
    assert opened(site).choose_voice() == "user"
    monkeypatch.setenv("VOXSTACK_VOICE", "variable")
    assert opened(site).choose_voice() == "variable"
    assert opened(site, deploy=site_file).choose_voice() == "site"
    assert opened(site, deploy=site_file).choose_voice("argument") == "argument"


def test_a_voice_of_the_user_that_is_not_installed_is_reported_with_the_file(site, user_file):
    path = user_file('voice = "nope"\n')
    with pytest.raises(PluginError) as caught:
        opened(site).choose_voice()
    assert str(caught.value).startswith(f"{path}: voice: no voice 'nope' is installed")


def test_the_users_executor_is_for_networks_that_nothing_else_places(tiny_host, user_file):
    user_file('executor = {type = "Numpy", tag = "user"}\n')

    def placed(manifest):
        manifest["stack"][1]["executor"] = {"type": "Numpy", "tag": "stack"}

    tags = {name: p.executor.tag for name, p in programs(tiny_host(placed).voice("tiny")).items()}
    assert tags == {"encoder": "user", "decoder": "user", "vocoder": "stack"}
    site = Deployment(executor={"type": "Numpy", "tag": "site"})
    voice = tiny_host(options={"deploy": site}).voice("tiny")
    assert {p.executor.tag for p in voice.programs} == {"site"}


def test_the_users_executor_decides_between_several_packages(tiny_host, user_file):
    user_file('executor = "Second"\n')
    host = tiny_host(plugins=[SecondExecutor()])
    assert {p.executor.tag for p in host.voice("tiny").programs} == {"second"}


def test_a_wrong_executor_of_the_user_is_reported_with_the_file(tiny_host, user_file):
    path = user_file('executor = "Nunpy"\n')
    with pytest.raises(ConfigError) as caught:
        tiny_host().voice("tiny")
    (problem,) = caught.value.problems
    assert problem.message.startswith(f"{path}: the executor Nunpy cannot be made: ")
    assert "did you mean 'Numpy'?" in problem.message


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ("voice = [", "config.toml: /: not TOML: "),
        ('exekutor = "x"', "/exekutor: unknown option 'exekutor' .did you mean 'executor'"),
        ("voice = 5", "/voice: expected a string or null, not 5"),
    ],
)
def test_a_bad_file_of_the_user_is_reported_with_its_place(user_file, toml, message):
    path = user_file(toml)
    with pytest.raises(ConfigError, match=message) as caught:
        Host(packages=[])
    assert str(path) in str(caught.value)


# The deployment file ----------------------------------------------------------------------------


@pytest.fixture
def deployed(tiny_host, tmp_path):
    def make(toml, **options):
        path = tmp_path / "deploy.toml"
        path.write_text(toml, "utf-8")
        return tiny_host(options={"deploy": path}, **options)

    return make


def test_a_deployment_sets_values_by_pointer(deployed, loud, tiny_parts, tiny_voice):
    host = deployed(f'[set]\n"{PLACE}" = "Loud"\n', decoders=[*tiny_parts["decoders"], loud])
    assert np.array_equal(
        host.voice("tiny").synthesize("Hi.").samples, tiny_voice.synthesize("Hi.").samples * 2
    )


def test_a_deployment_for_one_voice_wins_over_that_for_all(deployed):
    host = deployed(
        """
[controls]
speaker = "bob"
rate = 2.0
[voices.tiny.controls]
rate = 1.5
"""
    )
    assert dict(host.voice("tiny").defaults) == {"speaker": "bob", "rate": 1.5}


def test_controls_of_a_deployment_are_defaults(deployed, tiny_voice):
    voice = deployed('controls = {speaker = "bob"}').voice("tiny")
    bob = tiny_voice.synthesize("Hi.", speaker="bob").samples
    assert np.array_equal(voice.synthesize("Hi.").samples, bob)
    ann = voice.synthesize("Hi.", speaker="ann").samples
    assert np.array_equal(ann, tiny_voice.synthesize("Hi.").samples)


def test_a_control_of_a_deployment_that_is_not_allowed_is_refused(deployed):
    host = deployed('controls = {speaker = "eve"}')
    with pytest.raises(InputError, match=r"deploy\.toml: speaker 'eve' is not one of: ann, bob"):
        host.voice("tiny")


def test_executors_are_chosen_by_network_by_role_and_for_the_rest(deployed):
    host = deployed(
        """
executor = {type = "Numpy", tag = "rest"}
[executors]
encoder = {type = "Numpy", tag = "role"}
[voices.tiny.executors]
vocoder = {type = "Numpy", tag = "name"}
"""
    )
    tags = {name: p.executor.tag for name, p in programs(host.voice("tiny")).items()}
    assert tags == {"encoder": "role", "decoder": "rest", "vocoder": "name"}


def test_an_executor_that_is_asked_for_wins_over_the_deployment(deployed):
    host = deployed('executor = "Nope"\n[executors]\nvocoder = "Nope"\n')
    voice = host.voice("tiny", executor={"type": "Numpy", "tag": "asked"})
    assert {p.executor.tag for p in voice.programs} == {"asked"}


def test_a_deployment_names_the_voice(deployed):
    host = deployed('voice = "tiny"')
    host.registry.names = lambda namespace: ["tiny", "other"]
    assert host.choose_voice() == "tiny"


def test_a_deployment_blocks_plugins(deployed):
    host = deployed('[plugins]\nblock = ["tiny-*"]\n')
    with pytest.raises(PluginError, match=r"blocked by 'tiny-\*' in .*deploy.toml"):
        host.voice("tiny")


def test_a_deployment_allows_plugins(deployed):
    host = deployed('[plugins]\nallow = ["acme-*"]\n')
    with pytest.raises(PluginError, match=r"not allowed by \[plugins\] of .*deploy.toml"):
        host.voice("tiny")


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ("voice = \n", r"deploy.toml:1:9: /: not TOML: Invalid value$"),
        ("voice = [", r"deploy.toml: /: not TOML: Invalid value \(at end of document\)$"),
        ('voise = "x"', "/voise: unknown option 'voise' .did you mean 'voice'"),
        ("voice = 5", "/voice: expected a string or null, not 5"),
        ('[plugins]\nblock = "acme"', '/plugins/block: expected a list, not "acme"'),
        ("[voices.tiny]\nsett = {}", "/voices/tiny/sett: unknown option 'sett'"),
        ("[controls]\nrate = [1]", "/controls/rate: expected a string or a number"),
    ],
)
def test_a_bad_deployment_file_is_reported_with_its_place(tmp_path, toml, message):
    path = tmp_path / "deploy.toml"
    path.write_text(toml)
    with pytest.raises(ConfigError, match=message):
        read_deployment(path)


def test_bad_toml_has_its_line_and_column(tmp_path):
    path = tmp_path / "deploy.toml"
    path.write_text('voice = "tiny"\nexecutor = \n')
    with pytest.raises(ConfigError) as caught:
        read_deployment(path)
    (problem,) = caught.value.problems
    assert (problem.line, problem.column, problem.file) == (2, 12, str(path))


def test_the_origin_is_not_an_option_of_the_file(tmp_path):
    path = tmp_path / "deploy.toml"
    path.write_text('origin = "elsewhere"\n')
    with pytest.raises(ConfigError, match="unknown option 'origin'"):
        read_deployment(path)


def test_an_unknown_option_of_a_deployment_does_not_offer_what_is_internal(tmp_path):
    path = tmp_path / "deploy.toml"
    path.write_text("zzzzzz = 1\n")
    with pytest.raises(ConfigError) as caught:
        read_deployment(path)
    assert "origin" not in str(caught.value).replace(str(path), "")


def test_a_deployment_file_that_cannot_be_read_is_an_input_error(tmp_path):
    with pytest.raises(InputError, match="cannot read"):
        read_deployment(tmp_path / "none.toml")
    (tmp_path / "x.toml").write_bytes(b"\xff")
    with pytest.raises(InputError, match=r"not UTF-8 text \(byte 0\)"):
        read_deployment(tmp_path / "x.toml")


def test_a_deployment_can_be_made_in_python(tiny_host):
    host = tiny_host(options={"deploy": Deployment(controls={"speaker": "bob"})})
    assert host.voice("tiny").defaults == {"speaker": "bob"}


# Checking a configuration -----------------------------------------------------------------------


def check(host, tmp_path, text, **options):
    path = tmp_path / "stack.json"
    path.write_text(text, "utf-8")
    return [(p.pointer, p.line) for p in host.check(path, **options)]


def test_a_stack_alone_is_checked(tiny_host, tmp_path):
    host = tiny_host()
    assert check(host, tmp_path, '{"stack": [{"type": "Spread"}]}') == []
    assert check(host, tmp_path, '[{"type": "Spread"}]') == []
    assert check(host, tmp_path, '{"stack": [\n{"type": "Spred"}]}') == [("/stack/0/type", 2)]
    assert check(host, tmp_path, '[\n{"type": "Spred"}]') in (
        [("/stack/0/type", 2)],
        [("/0/type", 2)],
    )


def test_a_stack_alone_may_name_its_schema(tiny_host, tmp_path):
    text = '{"$schema": %s,\n "stack": [{"type": "Spread"}]}'
    assert check(tiny_host(), tmp_path, text % '"./stack.schema.json"') == []
    assert check(tiny_host(), tmp_path, text % "[]") == [("/$schema", 1)]


def test_an_addon_may_name_its_schema_and_keeps_it(tiny_host, write_addon, tmp_path):
    folder = write_addon(tmp_path / "mine", lambda m: m.update({"$schema": "./x.json"}))
    host = tiny_host()
    assert host.check(folder) == []
    assert host.addon(str(folder)).document.value["$schema"] == "./x.json"
    write_addon(folder, lambda m: m.update({"$schema": 3}))
    assert [p.pointer for p in host.check(folder)] == ["/$schema"]


def test_a_stack_alone_is_checked_against_the_networks_of_a_voice(tiny_host, tmp_path):
    text = '{"stack": [{"type": "Decode", "network": "decodr"}]}'
    assert check(tiny_host(), tmp_path, text) == []
    assert check(tiny_host(), tmp_path, text, voice="tiny") == [("/stack/0/network", 1)]


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "5", "{}", "null", '{"stack": 5}', '{"format": 1}', "[" * 10_000]
)
def test_what_is_not_a_configuration_has_problems_and_no_traceback(tiny_host, tmp_path, text):
    assert check(tiny_host(), tmp_path, text)


def test_an_addon_is_checked_where_it_lies(tiny_host, write_addon, tmp_path):
    folder = write_addon(tmp_path / "mine")
    host = tiny_host()
    assert host.check(folder) == []
    assert host.check(folder / "addon.json") == []
    write_addon(folder, lambda m: m["stack"].pop(0))
    assert [p.pointer for p in host.check(folder)] == ["/stack/0"]


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"controls": {"speaker": "cid"}}, "speaker 'cid' is not one of: ann, bob"),
        ({"voices": {"tiny": {"controls": {"sped": 1}}}}, "no control of that name"),
        ({"voices": {"tiny": {"executors": {"vocodr": "Numpy"}}}}, "no network or role of that"),
    ],
)
def test_a_check_reports_what_the_deployment_sets_and_the_voice_lacks(
    tiny_host, tmp_path, settings, told
):
    site = Deployment(
        **{k: v for k, v in settings.items() if k != "voices"},
        voices={n: VoiceSettings(**s) for n, s in settings.get("voices", {}).items()},
    )
    (problem,) = tiny_host(options={"deploy": site}).check("tiny")
    assert told in problem.message


@pytest.mark.parametrize("argument", ["allow", "block"])
def test_a_string_for_a_list_of_patterns_is_refused(argument):
    with pytest.raises(InputError, match=f"^{argument} of the host: expected a list of patterns"):
        Host(**{argument: "acme-*"})


def test_a_voice_may_be_named_by_a_path(tiny_host, write_addon, tmp_path):
    assert tiny_host().voice(write_addon(tmp_path / "mine")).name == "tiny"
