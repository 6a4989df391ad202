"""Allow and block lists hold before anything of a plugin is imported, for every kind of thing."""

import sys

import pytest
from voxstack import Host, PluginError
from voxstack.plugins import scan

POINTS = {
    "voxstack.effects": {"EvilGain": "evil_mod:Gain"},
    "voxstack.encoders": {"EvilEncoders": "evil_mod:Encoders"},
    "voxstack.frontends": {"EvilFrontend": "evil_mod:Frontend"},
    "voxstack.executors": {"EvilExecutor": "evil_mod:Executor"},
    "voxstack.formats": {"evil-format": "evil_mod:Format"},
    "voxstack.options": {"say.evil": "evil_mod:option"},
    "voxstack.addons": {"evil-voice": "evil_voice"},
    "voxstack.commands": {"evil": "evil_mod:command", "addon.evil": "evil_mod:command"},
    "voxstack": {"dynamic": "evil_mod"},
    "voxstack.observers": {"observer": "evil_mod"},
}
NAMED = {
    "block": "EvilGain",
    "frontend": "EvilFrontend",
    "executor": "EvilExecutor",
    "format": "evil-format",
    "addon": "evil-voice",
    "command": "evil",
    "option": "say.evil",
}


@pytest.fixture
def evil(own_site, write_addon):
    """Install a package that must not be imported."""
    own_site.install("Evil_Pack", entry_points=POINTS, evil_mod="raise SystemExit('imported')")
    package = own_site.folder / "evil_voice"
    package.mkdir()
    (package / "__init__.py").write_text("raise SystemExit('imported')")
    write_addon(package)
    yield own_site
    assert not {"evil_mod", "evil_voice"} & sys.modules.keys()


def lists(monkeypatch, how):
    if how == "VOXSTACK_BLOCK":
        monkeypatch.setenv("VOXSTACK_BLOCK", "acme-*, evil-*")
    elif how == "VOXSTACK_ALLOW":
        monkeypatch.setenv("VOXSTACK_ALLOW", "voxstack-*")
    return {"block": {"block": ["evil-*"]}, "allow": {"allow": ["voxstack-*"]}}.get(how, {})


HOW = ["block", "allow", "VOXSTACK_BLOCK", "VOXSTACK_ALLOW"]


def opened(site, **options):
    return Host(packages=scan([str(site.folder)]), **options)


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("kind", NAMED)
def test_nothing_of_a_blocked_package_can_be_named(evil, monkeypatch, how, kind):
    with opened(evil, **lists(monkeypatch, how)) as host:
        with pytest.raises(
            PluginError, match=r"evil-pack .* cannot be used: .*(blocked|not allowed)"
        ):
            host.registry.load(host.registry.find(NAMED[kind], kind))
        assert {r.status for r in host.registry.registrations if r.distribution == "evil-pack"} == {
            "blocked"
        }


@pytest.mark.parametrize("how", HOW)
def test_a_blocked_voice_is_not_opened(evil, monkeypatch, how):
    with opened(evil, **lists(monkeypatch, how)) as host:
        with pytest.raises(PluginError, match="cannot be used"):
            host.addon("evil-voice")
        assert host.voices() == []


@pytest.mark.parametrize("how", HOW)
def test_blocked_modules_are_not_imported_to_find_a_name_or_to_observe(evil, monkeypatch, how):
    with opened(evil, **lists(monkeypatch, how)) as host:
        with pytest.raises(PluginError, match="no block 'Nowhere' is installed"):
            host.registry.find("Nowhere", "block")
        host.registry.announce("voxstack_voice_loaded", voice=None)


@pytest.mark.parametrize(
    "line", [["evil"], ["addon", "evil"], ["--help"], ["addon", "--help"], ["plugins"]]
)
def test_the_variables_hold_for_commands_of_plugins_too(evil, monkeypatch, line):
    from click.testing import CliRunner
    from voxstack.cli import cli

    monkeypatch.setenv("VOXSTACK_BLOCK", "evil-pack")
    result = CliRunner().invoke(cli, line)
    assert "imported" not in f"{result.output}{result.exception}"
    if line[-1] == "evil":
        assert isinstance(result.exception, PluginError)
        assert "blocked by 'evil-pack' in VOXSTACK_BLOCK" in str(result.exception)


def test_the_lists_compare_names_as_package_indexes_do(evil):
    with (
        opened(evil, block=["Evil._*"]) as host,
        pytest.raises(PluginError, match=r"blocked by 'Evil\._\*' in block of the host"),
    ):
        host.registry.find("EvilGain", "block")


def test_the_variables_hold_over_what_the_host_allows(evil, monkeypatch):
    monkeypatch.setenv("VOXSTACK_BLOCK", "evil-pack")
    with (
        opened(evil, allow=["*"]) as host,
        pytest.raises(PluginError, match="VOXSTACK_BLOCK"),
    ):
        host.registry.find("EvilGain", "block")
