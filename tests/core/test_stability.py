"""What goes away keeps working and is told of; what is promised is kept."""

import ast
import re
import tomllib
import warnings
from pathlib import Path

import pytest
import voxstack
from attrs import field, frozen
from voxstack import (
    Addon,
    ConfigError,
    Deprecation,
    Stream,
    StreamableBlock,
    VoxstackDeprecationWarning,
    deprecations,
    hookspecs,
    stability,
)
from voxstack.addon import make_addon
from voxstack.components import hookspec
from voxstack.deprecations import notices
from voxstack.documents import Document, parse_json
from voxstack.structure import Structurer, structure

ROOT = Path(__file__).parents[2]
GOES = Deprecation(since="1.2", removed_in="2.0", instead="use 'db'")

HOOKS = """
from voxstack import Component, hookimpl

@hookimpl
def voxstack_effects():
    return [Component("Soft", "acme_parts:Soft")]

@hookimpl
def voxstack_old(voice):
    return []
"""
PART = """
from attrs import frozen
from voxstack import StreamableBlock

@frozen
class Soft(StreamableBlock):
    def stream(self, sequence, upstream):
        yield from upstream
"""


@pytest.fixture(autouse=True)
def nothing_told(monkeypatch):
    monkeypatch.setattr(deprecations, "_told", {})


@frozen
class Louder(StreamableBlock):
    """Scales the audio."""

    deprecated_names = {"Louder": Deprecation(since="3.0", removed_in="4.0", instead="use 'Loud'")}

    db: float = field(default=0.0, metadata=GOES.renames("volume"))
    curve: str = field(default="", metadata=GOES.option())

    def stream(self, sequence, upstream):
        for chunk in upstream:
            yield chunk.replace(audio=chunk["audio"] * 10 ** (self.db / 20))


@pytest.fixture
def louder(tiny_host):
    """The built Louder behind the tiny voice's stack."""

    def make(**options):
        def change(manifest):
            manifest["stack"].append({"type": "Louder", **options})

        host = tiny_host(change, effects=[Louder])
        return host.voice("tiny").built.tail[0]

    return make


# Options and names ------------------------------------------------------------------------------


def test_the_old_name_of_an_option_works_and_is_told_once_with_place_and_versions(louder, capfd):
    assert louder(volume=3.0).db == 3.0
    (line,) = [n for n in map(str, notices()) if "'volume'" in n]
    assert re.search(
        r"addon.json:\d+:\d+: /stack/2/volume: the option 'volume' of Louder \(Offer\) is "
        r"deprecated since Offer 1.2 and removed in Offer 2.0: use 'db'",
        line,
    )
    assert capfd.readouterr().err.count("'volume'") == 1


def test_an_option_that_goes_works_and_is_told(louder):
    assert louder(curve="flat").curve == "flat"
    assert any("/stack/2/curve: the option 'curve' of Louder" in str(n) for n in notices())


def test_what_is_not_used_is_not_told(louder):
    louder(db=3.0)
    assert not [n for n in notices() if "option" in n.what]


def test_a_name_that_goes_resolves_and_is_told(louder):
    louder()
    assert [str(n).partition("/stack")[2] for n in notices()] == [
        "/2/type: the block 'Louder' (Offer) is deprecated since Offer 3.0 and removed in "
        "Offer 4.0: use 'Loud'"
    ]


def test_both_names_of_an_option_are_one_too_many(louder):
    with pytest.raises(ConfigError, match="is given twice: 'volume' is now 'db'") as caught:
        louder(volume=3.0, db=3.0)
    assert [p.pointer for p in caught.value.problems] == ["/stack/2/volume"]


def test_an_old_name_with_a_bad_value_has_its_place(louder):
    with pytest.raises(ConfigError, match="/stack/2/volume: expected a number"):
        louder(volume="loud")


def test_a_key_of_a_manifest_is_renamed_by_the_same_means():
    @frozen
    class Paper:
        title: str = field(metadata=GOES.renames("name"))

    document = parse_json('{"name": "x"}', "paper.json")
    assert structure(Structurer(), document, "", Paper) == Paper("x")
    assert str(notices()[0]).startswith("paper.json:1:10: /name: the option 'name' of Paper is")
    assert "since voxstack 1.2" in str(notices()[0])


# Hooks, groups and functions --------------------------------------------------------------------


@pytest.fixture
def old_hook(monkeypatch):
    def declare(**how):
        def voxstack_old(voice):
            """Does nothing."""

        monkeypatch.setattr(hookspecs, "voxstack_old", hookspec(**how)(voxstack_old), raising=False)

    return declare


def soft(site):
    site.install(
        "acme", "1.5", {"voxstack": {"hooks": "acme_hooks"}}, acme_hooks=HOOKS, acme_parts=PART
    )
    registry = site.registry()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        registry.find("Soft", "block")
    return [w for w in caught if issubclass(w.category, VoxstackDeprecationWarning)]


def test_a_hook_that_goes_is_told_with_the_plugin_and_python_points_at_it(site, old_hook):
    old_hook(warn_on_impl=GOES.warning("the hook voxstack_old"))
    (warning,) = soft(site)
    assert Path(warning.filename).name == "acme_hooks.py"
    assert list(map(str, notices())) == [
        "acme 1.5, acme_hooks: the hook voxstack_old is deprecated since voxstack 1.2 and removed "
        "in voxstack 2.0: use 'db'"
    ]


def test_an_argument_of_a_hook_that_goes_is_told(site, old_hook):
    old_hook(warn_on_impl_args={"voice": GOES.warning("the argument voice of voxstack_old")})
    assert len(soft(site)) == 1
    assert [(n.who, n.what) for n in notices()] == [
        ("acme 1.5", "the argument voice of voxstack_old")
    ]


def test_an_entry_point_in_a_renamed_group_is_found_and_told_when_it_is_used(site, monkeypatch):
    monkeypatch.setitem(deprecations.RENAMED_GROUPS, "voxstack.fx", ("voxstack.effects", GOES))
    site.install("acme", "1.5", {"voxstack.fx": {"Soft": "acme_parts:Soft"}}, acme_parts=PART)
    registry = site.registry()
    assert notices() == []
    assert registry.find("Soft", "block").kind == "effects"
    assert registry.find("Soft", "block").kind == "effects"
    (notice,) = notices()
    assert str(notice).startswith(
        "acme 1.5, Soft = acme_parts:Soft: the entry-point group 'voxstack.fx' is deprecated"
    )


def test_a_function_that_goes_works_and_its_caller_is_told_once():
    @GOES.function
    def twice(x):
        return 2 * x

    with pytest.warns(VoxstackDeprecationWarning, match="twice.* is deprecated") as caught:
        assert [twice(1), twice(2)] == [2, 4]
    assert caught[0].filename == __file__
    assert len(notices()) == 1
    assert __file__ in str(notices()[0])


# Formats ----------------------------------------------------------------------------------------


def refused(format_):
    document = parse_json(f'{{"format": {format_}}}', "addon.json")
    with pytest.raises(ConfigError) as caught:
        make_addon(document, None)
    (problem,) = caught.value.problems
    return str(problem)


def test_a_newer_format_has_its_place_and_says_to_upgrade():
    assert refused(2) == (
        "addon.json:1:12: /format: addon format 2 is newer than this voxstack reads (1) "
        "(upgrade voxstack)"
    )


def test_a_format_that_is_no_longer_read_names_the_voxstack_that_did(monkeypatch):
    monkeypatch.setattr(stability, "OLDEST_FORMAT", 2)
    monkeypatch.setattr(stability, "FORMAT", 3)
    monkeypatch.setattr(stability, "LAST_READERS", {1: "2.4"})
    assert "addon format 1 is older than this voxstack reads (2 to 3)" in refused(1)
    assert "voxstack 2.4 is the last that reads this one" in refused(1)
    assert "newer than this voxstack reads (2 to 3)" in refused(4)


def test_stack_check_of_an_addon_json_refuses_another_format(tiny_host, write_addon, tmp_path):
    folder = write_addon(tmp_path / "addon", lambda manifest: manifest.update(format=2))
    problems = tiny_host().check(folder / "addon.json")
    (problem,) = [p for p in problems if p.pointer == "/format"]
    assert (problem.line, "upgrade voxstack") == (2, problem.suggestion)


def test_each_format_that_is_read_no_more_names_its_last_reader():
    assert set(stability.LAST_READERS) == set(range(1, stability.OLDEST_FORMAT))


def test_an_edit_cannot_change_the_format_unseen(manifest):
    with pytest.raises(ConfigError, match="newer"):
        make_addon(Document({**manifest, "format": 2}), None)


# The promise ------------------------------------------------------------------------------------


def numbers(version):
    return tuple(int(n) for n in version.split(".")[:2])


def declared(source):
    """The deprecations that a module declares."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Deprecation":
            yield {k.arg: ast.literal_eval(k.value) for k in node.keywords}


def broken_promises(source, version):
    """What is overdue, or was given too short a time: two minor releases, or a major from 1.0."""
    for d in declared(source):
        since, removed = numbers(d["since"]), numbers(d["removed_in"])
        if numbers(version) >= removed:
            yield f"overdue in {version}: {d}"
        if since[0] == removed[0] and (since[0] > 0 or removed[1] < since[1] + 2):
            yield f"too soon: {d}"


def test_what_is_overdue_or_too_soon_is_found():
    text = 'X = Deprecation(since="{}", removed_in="{}", instead="use Y")'
    assert not [*broken_promises(text.format("0.2", "0.4"), "0.3.9")]
    assert "overdue" in next(broken_promises(text.format("0.2", "0.4"), "0.4.0"))
    assert "too soon" in next(broken_promises(text.format("0.2", "0.3"), "0.2"))
    assert "too soon" in next(broken_promises(text.format("1.2", "1.6"), "1.2"))
    assert not [*broken_promises(text.format("1.2", "2.0"), "1.9")]


def test_nothing_of_ours_is_overdue_and_nothing_goes_too_soon():
    sources = [(p, voxstack.__version__) for p in (ROOT / "core/voxstack").rglob("*.py")]
    for project in (ROOT / "plugins").glob("*/pyproject.toml"):
        version = tomllib.loads(project.read_text("utf-8"))["project"]["version"]
        sources += [(p, version) for p in project.parent.rglob("voxstack_*/**/*.py")]
    assert len(sources) > 100
    for path, version in sources:
        assert not [*broken_promises(path.read_text("utf-8"), version)], path


def test_each_public_name_is_documented():
    names = [n for n in voxstack.__all__ if n != "__version__"]
    assert not [n for n in names if not getattr(voxstack, n).__doc__]


def test_what_a_host_gives_is_of_the_public_types(tiny_host):
    host = tiny_host()
    assert isinstance(host.addon("tiny"), Addon)
    with host.voice("tiny").stream("Hi.") as stream:
        assert isinstance(stream, Stream)


def test_the_example_of_the_page_works_as_it_says(tiny_host, monkeypatch):
    page = (ROOT / "core/docs/stability.md").read_text("utf-8")
    names: dict = {"__name__": "acme_example"}
    exec(re.search(r"```python\n(.*?)```", page, re.DOTALL)[1], names)

    def change(manifest):
        manifest["stack"].append({"type": "Loud", "volume": 3.0, "factor": 2.0})

    built = tiny_host(change, effects=[names["Loud"]]).voice("tiny").built.tail[0]
    assert (built.db, built.factor) == (3.0, 2.0)
    assert [n.what.split(" of ")[0] for n in notices()] == [
        "the option 'volume'",
        "the option 'factor'",
    ]
