"""The format of addons is checked, and the public API is documented."""

import pytest
import voxstack
from voxstack import Addon, ConfigError, Stream
from voxstack.addons import make_addon
from voxstack.config import Document, parse_json


def refused(format_):
    document = parse_json(f'{{"format": {format_}}}', "addon.json")
    with pytest.raises(ConfigError) as caught:
        make_addon(document, None, None)
    (problem,) = caught.value.problems
    return str(problem)


def test_a_newer_format_has_its_place_and_says_to_upgrade():
    assert refused(2) == (
        "addon.json:1:12: /format: addon format 2 is newer than this voxstack reads (1) "
        "(upgrade voxstack)"
    )


def test_stack_check_of_an_addon_json_refuses_another_format(tiny_host, write_addon, tmp_path):
    folder = write_addon(tmp_path / "addon", lambda manifest: manifest.update(format=2))
    problems = tiny_host().check(folder / "addon.json")
    (problem,) = [p for p in problems if p.pointer == "/format"]
    assert (problem.line, "upgrade voxstack") == (2, problem.suggestion)


def test_an_edit_cannot_change_the_format_unseen(manifest):
    with pytest.raises(ConfigError, match="newer"):
        make_addon(Document({**manifest, "format": 2}), None, None)


def test_each_public_name_is_documented():
    names = [n for n in voxstack.__all__ if n != "__version__"]
    assert not [n for n in names if not getattr(voxstack, n).__doc__]


def test_what_a_host_gives_is_of_the_public_types(tiny_host):
    host = tiny_host()
    assert isinstance(host.addon("tiny"), Addon)
    with host.voice("tiny").stream("Hi.") as stream:
        assert isinstance(stream, Stream)
