"""Errors name the thing, the place and the next step, and say whether the user can correct them."""

from pathlib import Path

import pytest
import voxstack
from voxstack import BlockError, ConfigError, InputError, PluginError, Problem, VoxstackError
from voxstack.errors import AddonError, MissingTensorError, NetworkError, did_you_mean


@pytest.mark.parametrize("error", [InputError, PluginError, AddonError])
def test_what_the_user_can_correct_exits_with_2(error):
    assert error("x").exit_code == 2
    assert isinstance(error("x"), VoxstackError)


@pytest.mark.parametrize("error", [VoxstackError, BlockError, NetworkError])
def test_a_fault_exits_with_1(error):
    assert error("x").exit_code == 1


def test_a_problem_shows_file_line_column_pointer_and_suggestion():
    problem = Problem("/stack/0/db", "expected a number", "try -6", 3, 7, "addon.json")
    assert str(problem) == "addon.json:3:7: /stack/0/db: expected a number (try -6)"


def test_a_problem_without_a_place_shows_what_it_knows():
    assert str(Problem("", "the stack is empty")) == "the stack is empty"
    assert str(Problem("/a", "wrong", file="x.json")) == "x.json: /a: wrong"


def test_a_problem_is_plain_data_for_json():
    assert Problem("/a", "wrong", None, 1, 2).as_dict() == {
        "pointer": "/a",
        "message": "wrong",
        "suggestion": None,
        "line": 1,
        "column": 2,
        "file": None,
        "count": 1,
    }


def test_a_config_error_carries_all_its_problems_and_shows_a_line_for_each():
    error = ConfigError([Problem("/a", "one"), Problem("/b", "two")])
    assert [p.pointer for p in error.problems] == ["/a", "/b"]
    assert str(error).splitlines() == ["/a: one", "/b: two"]
    assert error.exit_code == 2


def test_a_missing_tensor_names_what_is_there_and_the_nearest_name():
    error = MissingTensorError("audoi", ["audio", "mel"])
    assert str(error) == (
        "no tensor 'audoi' in the chunk, which has: 'audio', 'mel' (did you mean 'audio'?)"
    )
    assert isinstance(error, KeyError)
    assert isinstance(error, BlockError)
    assert (error.name, error.available) == ("audoi", ("audio", "mel"))


def test_a_missing_tensor_among_none_says_what_to_do():
    assert str(MissingTensorError("audio", [])) == (
        "no tensor 'audio' in the chunk, which has: none; "
        "add a block before this one that produces it"
    )


def test_a_block_error_puts_its_pointer_in_front():
    assert str(BlockError("boom", "/stack/1")) == "/stack/1: boom"
    assert str(BlockError("boom")) == "boom"


def test_a_plugin_error_carries_the_registration():
    thing = object()
    assert PluginError("x", thing).component is thing


def test_did_you_mean_ignores_case_and_keeps_silent_when_nothing_is_near():
    assert did_you_mean("upsampler", ["Upsampler", "Vocoder"]) == "did you mean 'Upsampler'?"
    assert did_you_mean("xyz", ["Upsampler"]) is None
    assert did_you_mean("xyz", []) is None


def test_everything_that_is_exported_can_be_imported_and_is_documented():
    for name in voxstack.__all__:
        value = getattr(voxstack, name)
        assert name in dir(voxstack)
        assert name in ("__version__", "hookimpl") or value.__doc__, name


def test_an_unknown_attribute_of_the_package_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'Hots'"):
        voxstack.Hots  # noqa: B018


def test_no_message_advises_a_package_that_no_index_has():
    core = Path(voxstack.__file__).parent
    told = [p for p in core.rglob("*.py") if "pip install voxstack-voice" in p.read_text("utf-8")]
    assert told == []
