"""What is told of getting a distribution again: pip's own record, the repository, or words."""

import json

import pytest
from voxstack_kit.checking.reinstall import AGAIN, install_again, install_newer, source_of


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Lay out what pip wrote of a distribution."""

    def put(name, direct=None, installer="pip"):
        info = tmp_path / "site" / f"{name.replace('-', '_')}-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "INSTALLER").write_text(installer)
        if direct is not None:
            (info / "direct_url.json").write_text(json.dumps(direct))
        monkeypatch.syspath_prepend(str(tmp_path / "site"))
        return name

    return put


def test_a_distribution_is_had_again_from_where_pip_got_it(installed, tmp_path):
    folder = {"url": tmp_path.as_uri(), "dir_info": {}}
    again = f"{AGAIN} {tmp_path}"
    assert install_again(installed("voxstack-a", folder)) == again
    git = {
        "url": "https://me:secret@git.example/b",
        "vcs_info": {"vcs": "git", "commit_id": "abc"},
        "subdirectory": "plugins/b",
    }
    told = install_again(installed("voxstack-b", git))
    assert "'git+https://git.example/b@abc#subdirectory=plugins/b'" in told


def test_an_editable_install_is_mended_in_its_folder(installed, tmp_path):
    name = installed("acme", {"url": tmp_path.as_uri(), "dir_info": {"editable": True}})
    for told in (install_again(name), install_newer(name)):
        assert str(tmp_path) in told and "pip install" not in told


def test_an_index_is_named_for_what_came_from_one_whatever_it_is_called(installed):
    for name in ("acme", "voxstack-acme"):
        assert install_again(installed(name)) == f"{AGAIN} {name}"
        assert install_newer(name) == f"pip install --upgrade {name}"
        assert source_of(name) is None


@pytest.mark.parametrize("direct", [{"url": "file:///gone/acme"}, {"url": "http://[", "x": []}])
def test_where_the_source_is_gone_the_words_name_no_command(installed, direct):
    told = install_again(installed("acme", direct))
    assert told == "install acme again from where you got it"
    assert install_again("acme-not-there") == "install acme-not-there again from where you got it"
