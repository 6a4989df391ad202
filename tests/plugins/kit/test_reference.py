"""The reference is what the code says, and what it describes is tested."""

import ast
import json
import re
import sys
import tomllib
from pathlib import Path

import attrs
import pytest
import voxstack
from click.testing import CliRunner
from voxstack import Component, hookimpl, hookspecs
from voxstack.cli import cli
from voxstack.errors import InputError, PluginError
from voxstack.hookspecs import KINDS
from voxstack.plugins import Registry
from voxstack_kit.describing.reference import (
    addon_page,
    component_section,
    components_page,
    facts,
    hooks_page,
    main,
)
from voxstack_kit.describing.schema import described

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "core/docs/reference"
AGAIN = "run: python -m voxstack_kit.describing.reference core/docs/reference 'voxstack-*'"
NAMED = ("frontends", "encoders", "upsamplers", "decoders", "vocoders", "effects", "blocks")


@pytest.fixture(scope="module")
def ours():
    """Our own installed components by their name."""
    projects = [ROOT / "pyproject.toml", *(ROOT / "plugins").glob("*/pyproject.toml")]
    names = {tomllib.loads(p.read_text("utf-8"))["project"]["name"] for p in projects}
    found = [c for c in described(Registry()) if c.registration.distribution in names]
    return {c.registration.name: c for c in found}


@pytest.fixture(scope="module")
def sources():
    """The tests: path -> text and tree."""
    texts = {p: p.read_text("utf-8") for p in (ROOT / "tests").rglob("*.py")}
    return {p: (text, ast.parse(text)) for p, text in texts.items() if p != Path(__file__)}


def page(name):
    return (FOLDER / name).read_text("utf-8")


# The pages --------------------------------------------------------------------------------------


def test_the_pages_of_hooks_and_of_addon_json_are_current():
    assert page("hooks.md") == hooks_page(), AGAIN
    assert page("addon.md") == addon_page(Registry()), AGAIN


def test_the_page_of_components_is_current_for_all_that_is_installed(ours):
    text = page("components.md")
    assert text.startswith(components_page([])[:-1]), AGAIN
    for component in ours.values():
        assert component_section(component) in text, AGAIN


def test_the_page_of_components_has_all_that_our_packages_announce():
    announced = set()
    for project in [ROOT / "pyproject.toml", *(ROOT / "plugins").glob("*/pyproject.toml")]:
        groups = tomllib.loads(project.read_text("utf-8"))["project"].get("entry-points", {})
        for kind in (*NAMED, "executors"):
            announced |= set(groups.get(f"voxstack.{kind}", {}))
    assert set(re.findall(r"(?m)^## (\w+)$", page("components.md"))) == announced, AGAIN


def test_it_writes_the_pages_into_a_folder(tmp_path):
    main([str(tmp_path), "voxstack"])
    assert {p.name for p in tmp_path.iterdir()} == {"hooks.md", "components.md", "addon.md"}
    assert "## Encoders" in (tmp_path / "components.md").read_text("utf-8")
    assert "## Gain" not in (tmp_path / "components.md").read_text("utf-8")


# What must be documented and tested -------------------------------------------------------------


def hooks():
    return [name for name in dir(hookspecs) if name.startswith("voxstack_")]


def test_each_hook_has_its_signature_and_a_text():
    text = page("hooks.md")
    for name in hooks():
        assert getattr(hookspecs, name).__doc__, name
        assert f"def {name}(" in text


def implemented(sources):
    for _, tree in sources.values():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef) and any(
                isinstance(d, ast.Name) and d.id == "hookimpl" for d in node.decorator_list
            ):
                yield node.name


def test_each_hook_of_the_life_cycle_is_implemented_in_some_test(sources):
    """Those that announce components are tested one by one below."""
    life_cycle = set(hooks()) - {kind.hook for kind in KINDS.values()}
    assert life_cycle - set(implemented(sources)) == set()


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_has_a_hook_whose_components_are_found(kind):
    target = "acme_parts" if kind == "addons" else "acme_parts:Part"

    def hook(self):
        return [Component("AcmePart", target)]

    plugin = type("Plugin", (), {KINDS[kind].hook: hookimpl(specname=KINDS[kind].hook)(hook)})()
    found = Registry(plugins=[plugin]).find("AcmePart", KINDS[kind].namespace)
    assert (found.kind, found.target, found.distribution) == (kind, target, "Plugin")


def used_in(tree):
    """Yield the names that are keywords, keys of a dict, or in a JSON text."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield from (k.arg for k in node.keywords if k.arg)
        elif isinstance(node, ast.Dict):
            yield from (k.value for k in node.keys if isinstance(k, ast.Constant))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from re.findall(r'"(\w+)":', node.value)
            yield from re.findall(r"/(\w+)\b", node.value)


def family(component):
    """Return the names of the classes that share options with a component."""
    return [c.__name__ for c in component.cls.__mro__ if attrs.has(c)]


def test_each_option_is_described_and_used_in_a_test_of_its_component(ours, sources):
    used = [(text, set(used_in(tree))) for text, tree in sources.values()]
    missing = []
    for name, component in ours.items():
        for option in facts(component)["options"]:
            names = family(component)
            if not option["description"]:
                missing.append(f"{name}.{option['name']} has no description")
            if not any(option["name"] in u and any(n in text for n in names) for text, u in used):
                missing.append(f"{name}.{option['name']} is in no test of {' or '.join(names)}")
    assert missing == []


def test_each_public_name_is_in_a_test(sources):
    everything = "\n".join(text for text, _ in sources.values())
    assert [n for n in voxstack.__all__ if not re.search(rf"\b{n}\b", everything)] == []


# The command ------------------------------------------------------------------------------------


def run(*arguments):
    result = CliRunner().invoke(cli, ["components", *arguments])
    if result.exception is not None:
        raise result.exception
    return result.stdout


def test_a_table_of_all_and_the_options_of_one():
    assert re.search(r"Encoders +encoders +voxstack +ok +Run every encoder", run())
    told = run("StreamablePipeline")
    assert "sequence_block     SequenceBlock     required" in re.sub(r" {6,}", " " * 5, told)


def test_marks_for_code_are_single_and_many_are_many():
    pytest.importorskip("voxstack_standard")
    assert "Add `noise` [1, hop" in run() and "``" not in run()
    assert "list of strings" in run("Upsampler") and "list of whole numbers" in run("Upsampler")


def test_json_of_one_has_types_defaults_and_bounds():
    pytest.importorskip("voxstack_standard")
    (gain,) = json.loads(run("Gain", "--json"))
    assert (gain["kind"], gain["consumes"], gain["produces"]) == ("effects", ["audio"], ["audio"])
    (db,) = gain["options"]
    assert (db["type"], db["required"], db["default"]) == ("number", False, 0.0)
    (option,) = [o for o in json.loads(run("Upsampler", "--json"))[0]["options"] if o["bounds"]]
    assert (option["name"], option["bounds"]) == ("minimum", "0 or more")


def test_markdown_of_one_is_its_section(ours):
    assert run("Encoders", "--markdown") == component_section(ours["Encoders"])


def test_an_unknown_name_gets_the_nearest():
    with pytest.raises(InputError, match=r"'Encodrs' \(did you mean 'Encoders'"):
        run("Encodrs")
    with pytest.raises(InputError, match="'Encoders@acme'"):
        run("Encoders@acme")


@pytest.fixture
def acme(tmp_path, monkeypatch):
    info = tmp_path / "acme_fx-1.0.dist-info"
    info.mkdir()
    entry_points = "[voxstack.effects]\nAcmeFade = acme_fx:Fade\nAcmeBroken = acme_fx:Missing\n"
    (info / "entry_points.txt").write_text(entry_points)
    code = (
        "from attrs import frozen\nfrom voxstack import StreamableBlock\n\n\n"
        '@frozen\nclass Fade(StreamableBlock):\n    """Fade in."""\n\n'
        "    seconds: float = 0.1  # how long\n\n"
        "    def stream(self, sequence, upstream):\n        yield from upstream\n"
    )
    (tmp_path / "acme_fx.py").write_text(code)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield
    sys.modules.pop("acme_fx", None)


def test_a_third_party_component_is_described_in_the_same_way(acme):
    told = run("AcmeFade")
    assert told.startswith("AcmeFade: effects of acme-fx 1.0\n\nFade in.\n")
    assert re.search(r"seconds +number +0.1 +how long", told)


def test_one_that_cannot_be_imported_is_listed_with_its_reason(acme):
    row = next(line for line in run().splitlines() if "AcmeBroken" in line)
    assert "broken" in row
    assert "has no attribute 'Missing'" in row
    with pytest.raises(PluginError, match="has no attribute 'Missing'"):
        run("AcmeBroken")
