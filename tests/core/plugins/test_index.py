"""The index tells the truth: its packages provide what it says, and nothing is left out."""

import tomllib
from pathlib import Path

import pytest
from voxstack.hookspecs import KINDS
from voxstack.plugins import install_one, read_index, where_to_get

REPOSITORY = Path(__file__).parents[3]


def projects():
    """Yield (folder, project) of the repository's packages beside the host."""
    for folder in (*REPOSITORY.glob("plugins/*"), REPOSITORY / "addon_template"):
        text = (folder / "pyproject.toml").read_text("utf-8")
        yield folder, tomllib.loads(text)["project"]


def announced():
    """Yield (namespace, name, distribution) of all that these packages provide."""
    for _, project in projects():
        for group, points in project.get("entry-points", {}).items():
            kind = KINDS.get(group.removeprefix("voxstack."))
            for name in points if kind else ():
                yield kind.namespace, name, project["name"]


def test_every_name_that_the_repository_provides_is_in_the_index():
    assert set(announced()) <= {(e.namespace, e.name, e.distribution) for e in read_index()}


def test_the_packages_of_the_index_are_where_it_says():
    folders = {p["name"]: folder.relative_to(REPOSITORY).as_posix() for folder, p in projects()}
    told = {e.distribution: e.how for e in read_index() if e.distribution in folders}
    assert told == {
        name: f"pip install ./{folders[name]} in voxstack's repository" for name in told
    }


def test_a_name_is_told_with_its_package_and_how_to_get_that():
    told = where_to_get("Torch", "executor")
    assert told.startswith("voxstack-torch provides it: pip install ./plugins/torch")
    assert where_to_get("onnx", "format").startswith("voxstack-onnx provides it")


def test_a_distribution_is_told_with_how_to_get_it():
    assert where_to_get("voxstack", "distribution") == "pip install . in voxstack's repository"
    assert where_to_get("voxstack-pack", "distribution").startswith("pip install ./plugins/pack ")
    assert where_to_get("acme-pack", "distribution") is None


def test_nothing_is_told_of_an_unknown_name():
    assert where_to_get("AcmeGain", "block") is None
    assert where_to_get("OnnxRuntime", "block") is None


@pytest.mark.parametrize("namespace", ["addon", "executor"])
def test_the_first_of_a_namespace_is_the_example(namespace):
    first = next(e for e in read_index() if e.namespace == namespace)
    assert install_one(namespace) == f"install one, for example {first.distribution}: {first.how}"


def test_a_line_of_a_third_party_is_one_more_place(tmp_path, monkeypatch):
    (tmp_path / "index.txt").write_text(
        "# a comment\n\nexecutor\tCuda\tacme-cuda\tpip install acme-cuda\n"
        "executor  Cuda  other-cuda  see https://example.org/cuda\n"
    )
    monkeypatch.setattr("importlib.resources.files", lambda package: tmp_path)
    read_index.cache_clear()
    try:
        assert where_to_get("Cuda", "executor") == (
            "acme-cuda provides it: pip install acme-cuda or "
            "other-cuda provides it: see https://example.org/cuda"
        )
    finally:
        read_index.cache_clear()
