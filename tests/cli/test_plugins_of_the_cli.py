"""What plugins add to the command line: commands, groups of them, options, kinds of files."""

import click
import pytest
from voxstack.cli import cli, main
from voxstack.plugins import read_index, scan

SHOUT = 'import click\n@click.command()\ndef shout():\n    "Be loud."\n    click.echo("HI")\n'


def test_a_command_of_a_plugin_is_one_of_ours(voxstack, install):
    install("acme-shout", {"commands.shout": "acme_shout:shout"}, SHOUT)
    assert voxstack.good("shout").out == "HI\n"
    assert "Be loud." in voxstack.good("--help").out


def test_a_command_of_a_broken_plugin_leaves_the_help_whole(voxstack, install):
    install("acme-shout", {"commands.shout": "acme_shout:shout"}, "1 / 0")
    shown = voxstack("--help")
    assert shown.code == 0
    assert "ZeroDivisionError" in shown.out
    assert "voices" in shown.out


def test_what_is_not_a_command_is_refused_with_its_owner(refused, install):
    install("acme-shout", {"commands.shout": "acme_shout:shout"}, "shout = print")
    refused("shout", says=("'shout' of acme-shout 1.0 is not a click.Command",))


def test_a_group_exists_as_soon_as_it_has_a_command(voxstack, install):
    install("acme-shout", {"commands.loud.shout": "acme_shout:shout"}, SHOUT)
    assert voxstack.good("loud", "shout").out == "HI\n"
    assert "Commands of plugins: shout." in voxstack.good("--help").out
    assert "Be loud." in voxstack.good("loud", "--help").out


def test_groups_nest_and_join_those_of_the_host(voxstack, install):
    names = ("a.b.shout", "stack.shout")
    install("acme-shout", {f"commands.{name}": "acme_shout:shout" for name in names}, SHOUT)
    assert voxstack.good("a", "b", "shout").out == "HI\n"
    assert voxstack.good("stack", "shout").out == "HI\n"
    assert "shout" in voxstack.good("stack", "--help").out


def test_a_command_that_is_blocked_says_so(refused, install):
    install("acme-shout", {"commands.loud.shout": "acme_shout:shout"}, SHOUT)
    refused(
        *("loud", "shout"),
        env={"VOXSTACK_BLOCK": "acme-*"},
        says=("'loud.shout' of acme-shout 1.0", "blocked", "VOXSTACK_BLOCK"),
    )


# What is not installed --------------------------------------------------------------------------


@pytest.mark.parametrize("entry", [e for e in read_index() if e.namespace == "command"])
def test_a_command_that_is_not_installed_says_where_it_is(entry, monkeypatch):
    monkeypatch.setattr("voxstack.plugins.registry.scan", list)
    if entry.name == "stack.check.lock":
        return  # no command of its own
    with pytest.raises(click.UsageError) as caught:
        cli.main(entry.name.split("."), "voxstack", standalone_mode=False)
    assert f"{entry.distribution} provides it: {entry.how}" in str(caught.value)


def test_a_group_without_a_command_says_where_one_is(monkeypatch):
    monkeypatch.setattr("voxstack.plugins.registry.scan", list)
    with pytest.raises(click.UsageError, match="voxstack-kit provides it"):
        cli.main(["addon", "--help"], "voxstack", standalone_mode=False)


@pytest.mark.parametrize(
    "words",
    [("say", "Hi.", "--locked", "x.lock"), ("plugins", "--timings"), ("plugins", "--timeout=3")],
)
def test_an_option_that_is_not_installed_says_where_it_is(words, monkeypatch):
    monkeypatch.setattr("voxstack.plugins.registry.scan", list)
    with pytest.raises(click.UsageError, match="voxstack-kit provides it: pip install"):
        cli.main([*words], "voxstack", standalone_mode=False)


def test_a_lock_file_says_what_checks_it(monkeypatch, capsys):
    monkeypatch.setattr("voxstack.plugins.registry.scan", list)
    with pytest.raises(SystemExit, match="2"):
        main(["stack", "check", "x.lock"])
    assert "cannot check x.lock: voxstack-kit provides it" in capsys.readouterr().err


# Options ----------------------------------------------------------------------------------------

OPTIONS = """
import click
from contextlib import contextmanager

def chosen(ctx, option, value):
    if value:
        ctx.meta["voxstack.open"] = lambda: opened(ctx, value)

@contextmanager
def opened(ctx, name):
    from voxstack import Host, InputError
    if ctx.params["sets"]:
        raise InputError("--pinned settles the stack: leave --set out")
    with Host() as host:
        yield host.voice(name)

pinned = click.Option(["--pinned"], metavar="VOICE", expose_value=False, callback=chosen,
                      help="Speak with exactly this voice.")
def more(ctx, option, value):
    if value:
        ctx.meta["voxstack.rows"] = lambda registry, found, rows, columns: (
            [{**row, "length": len(r.name)} for row, r in zip(rows, found)],
            [*columns[:-1], "length", columns[-1]],
        )
lengths = click.Option(["--lengths"], is_flag=True, expose_value=False, callback=more)
"""


@pytest.fixture
def options(install):
    """Install a package that adds options to ``say`` and ``plugins``."""
    names = {"say.pinned": "pinned", "plugins.lengths": "lengths"}
    points = {f"options.{name}": f"acme_options:{target}" for name, target in names.items()}
    install("acme-options", points, OPTIONS)


def test_an_option_of_a_plugin_chooses_how_the_voice_is_opened(voxstack, options):
    other = {"VOXSTACK_VOICE": "nope"}  # the voice that ``say`` would open by itself
    pinned = voxstack.good("say", "Hi.", "-o", "-", "--pinned", "en-us", env=other).raw
    assert pinned == voxstack.good("say", "Hi.", "-o", "-", "--voice", "en-us").raw
    assert voxstack("say", "Hi.", "-o", "-", env=other).code == 2


def test_an_option_of_a_plugin_sees_all_parameters_wherever_they_stand(refused, options):
    refused(
        *("say", "--pinned=en-us", "Hi.", "-o", "x.wav", "--set", "/sample=x"),
        says=("--pinned settles the stack",),
    )


def test_an_option_of_a_plugin_changes_the_rows_of_plugins(voxstack, options):
    rows = voxstack.good("plugins", "--lengths", "--json").json
    assert {row["name"]: row["length"] for row in rows}["Encoders"] == 8
    shown = voxstack.good("plugins", "--lengths").out.splitlines()
    assert shown[1].split()[-2:] == ["length", "reason"]


def test_help_lists_the_options_of_plugins(voxstack, options):
    told = " ".join(voxstack.good("say", "--help").out.split())
    assert "--pinned VOICE Speak with exactly this voice." in told


def test_a_misspelt_option_of_a_plugin_is_suggested(refused, options):
    refused("say", "Hi.", "--pined", "en-us", says=("no such option '--pined'", "'--pinned'"))


def test_an_option_is_imported_when_it_is_used_and_not_before(voxstack, install):
    install("acme-options", {"options.say.pinned": "acme_options:pinned"}, "1 / 0")
    voxstack.good("say", "Hi.", "-o", "-")
    used = voxstack("say", "Hi.", "-o", "-", "--pinned", "en-us")
    assert used.code == 2 and "'say.pinned' of acme-options 1.0" in used.err
    shown = voxstack("say", "--help")
    assert shown.code == 0 and "ZeroDivisionError" in " ".join(shown.out.split())


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("pinned = 3", "is not a click.Option"),
        ("pinned = click.Option(['--nailed'], expose_value=False)", "is not declared as --pinned"),
        ("pinned = click.Option(['--pinned'])", "with expose_value=False"),
        ("pinned = click.Option(['--pinned', '-o'], expose_value=False)", "own options"),
    ],
)
def test_an_option_that_does_not_fit_is_refused_with_its_owner(refused, install, code, says):
    install("acme-options", {"options.say.pinned": "acme_options:pinned"}, f"import click\n{code}")
    refused("say", "Hi.", "--pinned", "x", says=("'say.pinned' of acme-options 1.0", says))


# Kinds of files ---------------------------------------------------------------------------------


def test_a_plugin_checks_files_of_a_suffix_of_its_own(voxstack, install, home):
    code = (
        "import click\nfrom voxstack.cli import host_options, json_option, print_json\n"
        "@click.command()\n@click.argument('file')\n@click.option('--voice')\n@host_options\n"
        "@json_option\ndef check(file, sets, as_json, **rest):\n"
        "    print_json([file, sets, as_json, sorted(rest)])\n    raise SystemExit(2)\n"
    )
    install("acme-score", {"commands.stack.check.score": "acme_score:check"}, code)
    told = voxstack("stack", "check", "x.score", "--json", "--set", "/a=1")
    rest = ["allow", "block", "deploy", "executor", "voice"]
    assert (told.code, told.json) == (2, ["x.score", ["/a=1"], True, rest])
    assert "score" not in voxstack.good("stack", "--help").out


def test_no_plugin_takes_over_the_files_of_the_host(voxstack, install, home):
    install("acme-score", {"commands.stack.check.json": "acme_score:check"}, "1 / 0")
    (home / "stack.json").write_text('[{"type": "Gain"}]')
    voxstack.good("stack", "check", "stack.json")


# One scan ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [
        ("plugins", "--json"),
        ("voices", "--json"),
        ("stack", "show", "en-us", "--json"),
        ("stack", "check", "en-us.toml"),
        ("say", "--help"),
        ("no-such",),
    ],
    ids=" ".join,
)
def test_the_packages_are_scanned_once_per_command(words, monkeypatch, capsys):
    scans = []

    def counted(path=None):
        scans.append(path)
        return scan(path)

    monkeypatch.setattr("voxstack.plugins.registry.scan", counted)
    with pytest.raises(SystemExit):
        main([*words])
    assert len(scans) == 1
