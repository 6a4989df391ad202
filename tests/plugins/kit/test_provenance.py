"""Where a distribution comes from, by what its installer wrote."""

import base64
import hashlib
import json

import pytest
from importlib_metadata import PathDistribution
from voxstack_kit.checking.provenance import origin_of
from voxstack_kit.checking.reinstall import install_version


@pytest.fixture
def install(site):
    """Write a distribution: install(direct_url, RECORD's lines)."""

    def make(direct=None, record="", installer="pip\n"):
        info = site.install("acme-voice")
        (info / "INSTALLER").write_text(installer)
        (info / "RECORD").write_text(record)
        if direct is not None:
            (info / "direct_url.json").write_text(
                direct if isinstance(direct, str) else json.dumps(direct)
            )
        return origin_of("acme-voice", "1.0", PathDistribution(info))

    return make


def line(folder, name, data):
    (folder / name).write_bytes(data)
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
    return f"{name},sha256={digest},{len(data)}\n"


def test_files_with_their_recorded_hashes_are_as_they_were_installed(install, site):
    origin = install(record=line(site.folder, "net.onnx", b"net") + "acme.dist-info/RECORD,,\n")
    assert (origin.recorded, origin.changed) == (1, ())
    assert "installed by pip" in str(origin)
    assert "its 1 recorded files are as they were installed" in str(origin)


def test_a_file_that_changed_or_went_is_named(install, site):
    record = line(site.folder, "net.onnx", b"net") + line(site.folder, "gone.onnx", b"x")
    (site.folder / "net.onnx").write_bytes(b"NET")
    (site.folder / "gone.onnx").unlink()
    origin = install(record=record)
    assert origin.changed == ("net.onnx", "gone.onnx")
    assert "2 of its 2 recorded files changed: net.onnx, gone.onnx" in str(origin)


@pytest.mark.parametrize(
    ("direct", "says"),
    [
        ({"url": "file:///src", "dir_info": {"editable": True}}, "editable, from file:///src"),
        ({"url": "file:///src", "dir_info": {}}, "from file:///src; "),
        (
            {"url": "https://h/x.git", "vcs_info": {"vcs": "git", "commit_id": "abc"}},
            "from https://h/x.git at commit abc",
        ),
        ({"url": "https://user:secret@h/x.whl"}, "from https://h/x.whl"),
        (None, "from a package index"),
        ("{broken", "from a package index"),
        ("[]", "from a package index"),
        ({"url": 5, "dir_info": 5}, "from a package index"),
    ],
)
def test_the_source_is_told_without_secrets(install, direct, says):
    text = str(install(direct))
    assert says in text
    assert "secret" not in text


def test_an_installer_that_wrote_nothing_is_not_guessed(install):
    origin = install(installer="")
    assert origin.installer is None
    assert str(origin).startswith("acme-voice 1.0, installed from a package index")
    assert "no hashes of its files were recorded" in str(origin)


@pytest.mark.parametrize(
    ("direct", "step"),
    [
        ({"url": "file:///a/b%20c", "dir_info": {}}, "'/a/b c'"),
        ({"url": "file:///a/b", "dir_info": {"editable": True}}, "-e /a/b"),
        ({"url": "https://user:secret@h/x.whl", "archive_info": {}}, "https://h/x.whl"),
        (
            {
                "url": "https://h/x.git",
                "vcs_info": {"vcs": "git", "commit_id": "abc"},
                "subdirectory": "plugins/x",
            },
            "'git+https://h/x.git@abc#subdirectory=plugins/x'",
        ),
        (None, "acme-voice==1.0"),
        ({"url": 5}, "acme-voice==1.0"),
    ],
)
def test_it_is_installed_again_from_where_it_came(install, direct, step):
    install(direct)
    again = install_version("acme-voice", "1.0", again=True)
    assert again == f"pip install --force-reinstall --no-deps {step}"


def test_what_is_not_installed_is_advised_from_an_index_only_with_a_condition():
    told = install_version("voxstack-absent", "1.0")
    assert told == "pip install voxstack-absent==1.0, if it came from a package index"
