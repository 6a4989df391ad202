"""Advice is true: the folders that it names bring what it says, and nothing is left out."""

import tomllib
from pathlib import Path

import pytest
from voxstack.advice import FOLDERS, INSTALL_A_VOICE, INSTALL_AN_EXECUTOR, where_to_get
from voxstack.components import CONFORMANCE_GROUP, KINDS

REPOSITORY = Path(__file__).parents[2]


def brought():
    """Give (namespace, name, folder) of all that the repository's other packages announce."""
    for folder in (*REPOSITORY.glob("plugins/*"), REPOSITORY / "addon_template"):
        project = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))["project"]
        for group, points in project.get("entry-points", {}).items():
            if group == CONFORMANCE_GROUP:
                continue  # suites, which nobody names
            kind = KINDS[group.removeprefix("voxstack.")]
            for name in points:
                yield kind.namespace, name, folder.relative_to(REPOSITORY).as_posix()


def test_every_name_that_the_repository_brings_is_told_with_its_folder():
    told = {(space, name, folder) for space in FOLDERS for name, folder in FOLDERS[space].items()}
    assert told == set(brought())


@pytest.mark.parametrize("text", [INSTALL_A_VOICE, INSTALL_AN_EXECUTOR])
def test_the_folders_of_general_advice_are_there(text):
    (folder,) = (word for word in text.split() if word.startswith("plugins/"))
    assert (REPOSITORY / folder / "pyproject.toml").is_file()


def test_nothing_is_advised_for_a_name_that_nobody_knows():
    assert where_to_get("AcmeGain", "block") is None
    assert where_to_get("OnnxRuntime", "block") is None
