"""JSON Schema of what users write: it says what the host says."""

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from voxstack import Host
from voxstack_kit.describing.schema import schema

ADDONS = ("voice_en_us", "voice_en_us_attention", "vocoder_16k", "vocoder_mel_16k")
TONE = """
from enum import Enum
from typing import Literal
from attrs import field, frozen
from voxstack import Buckets, Executor, StreamableBlock

class Colour(Enum):
    RED = "red"

@frozen
class Part:
    size: int

@frozen
class Tone(StreamableBlock):
    "Add a tone."

    level: float | None = None  # decibels
    # hertz,
    # in pairs
    bands: tuple[tuple[int, float], ...] = ()
    shape: Literal["sine", "saw"] = "sine"
    colour: Colour = Colour.RED
    parts: dict[str, Part] = field(factory=dict)
    inner: StreamableBlock | None = None

    def stream(self, sequence, upstream):
        yield from upstream
"""


def manifest(name: str) -> Path:
    folder = Path(__file__).parents[4] / "plugins" / name.replace("_", "-")
    return folder / f"voxstack_{name}" / "addon.json"


@pytest.fixture(scope="module")
def host():
    with Host() as host:
        yield host


@pytest.fixture(scope="module")
def addons(host) -> Draft202012Validator:
    return Draft202012Validator(schema(host.registry, "addon"))


@pytest.fixture(scope="module")
def stacks(host) -> Draft202012Validator:
    return Draft202012Validator(schema(host.registry, "stack"))


@pytest.mark.parametrize("what", ["addon", "stack", "deployment"])
def test_it_is_a_schema(host, what):
    Draft202012Validator.check_schema(schema(host.registry, what))


@pytest.mark.parametrize("name", ADDONS)
def test_the_shipped_addons_are_accepted(addons, name):
    addons.validate(json.loads(manifest(name).read_text()))


BROKEN = {
    "an unknown option": lambda a: a["stack"][1].update(netwrk="x"),
    "an unknown block": lambda a: a["stack"][1].update(type="Vocodr"),
    "a block without a type": lambda a: a["stack"][1].pop("type"),
    "a block in another's place": lambda a: a["stack"][0].update(
        sequence_block={"type": "Upsampler"}
    ),
    "a pipeline with one block": lambda a: a["stack"][0].pop("sequence_block"),
    "a string for a number": lambda a: a["stack"].append({"type": "Gain", "db": "-6"}),
    "true for a number": lambda a: a["stack"].append({"type": "Gain", "db": True}),
    "a frame size of 0": lambda a: a["stack"][1].update(schedule=[0]),
    "a word that is none of": lambda a: a["stack"].append({"type": "Noise", "distribution": "x"}),
    "what the host provides": lambda a: a["stack"].append(
        {"type": "Noise", "audio": {"sample_rate": 16000, "hop": 200}}
    ),
    "an unknown executor": lambda a: a["stack"][1].update(executor="Onx"),
    "an executor without its own": lambda a: a["stack"][1].update(executor="Batching"),
    "an executor's bad option": lambda a: a["stack"][1].update(
        executor={"type": "OnnxRuntime", "threads": 0}
    ),
    "no stack beside a frontend": lambda a: a.pop("stack"),
    "an empty stack": lambda a: a.update(stack=[]),
    "a bad frontend": lambda a: a["frontend"].update(max_words="40"),
    "no networks": lambda a: a.pop("networks"),
    "a misspelt key": lambda a: a.update(licence="MIT"),
    "an input without its shape": lambda a: a["networks"]["decoder"]["inputs"]["mask"].pop("shape"),
    "an unknown dtype": lambda a: a["networks"]["decoder"]["inputs"]["mask"].update(dtype="f32"),
    "a size below 0": lambda a: a["networks"]["decoder"]["inputs"]["mask"].update(shape=[-1]),
    "a delay below 0": lambda a: a["networks"]["decoder"].update(delay=-1),
    "no frame for one": lambda a: a["networks"]["decoder"].update(frame_ratio=0),
    "a network without a file": lambda a: a["networks"]["decoder"].update(files={}),
    "a network's name with a colon": lambda a: a["networks"].update(
        {"a:b": a["networks"].pop("decoder")}
    ),
    "a context below 0": lambda a: a["networks"]["prosody"].update(context={"left": -1}),
    "a hash of two letters": lambda a: a["files"]["symbols.json"].update(sha256="zz"),
    "a file of -1 bytes": lambda a: a["files"]["symbols.json"].update(bytes=-1),
    "an hour a sample": lambda a: a["audio"].update(sample_rate=1),
    "an hour a frame": lambda a: a["audio"].update(hop=1 << 30),
    "a homepage that is none": lambda a: a.update(homepage="javascript:alert(1)"),
    "a line that is a book": lambda a: a.update(description="x" * 2001),
    "a control without a choice": lambda a: a["controls"].update(mood={"values": []}),
    "a size with no share": lambda a: a.update(sizes={"text": [[24, 0]]}),
}


@pytest.mark.parametrize("what", BROKEN)
def test_what_the_host_refuses_is_underlined(host, addons, tmp_path, what):
    broken = json.loads(manifest("voice_en_us").read_text())
    BROKEN[what](broken)
    (tmp_path / "addon.json").write_text(json.dumps(broken))
    assert host.check(tmp_path / "addon.json")
    assert not addons.is_valid(broken)


WRONG = {
    "an executor's option": (
        {"type": "Vocoder", "executor": {"type": "OnnxRuntime", "threds": 2}},
        ["executor"],
        "threds",
    ),
    "an executor's executor": (
        {"type": "Vocoder", "executor": {"type": "Batching", "executor": {"type": "Nope"}}},
        ["executor", "executor", "type"],
        "Nope",
    ),
    "an executor's name": ({"type": "Vocoder", "executor": "Nope"}, ["executor"], "Nope"),
    "a block's option": ({"type": "Gain", "db": "-6"}, ["db"], "-6"),
}


@pytest.mark.parametrize("what", WRONG)
def test_the_wrong_place_itself_is_underlined(stacks, what):
    block, place, named = WRONG[what]
    for document, before in (([block], []), ({"stack": [block]}, ["stack"])):
        (error,) = stacks.iter_errors(document)
        assert [*error.absolute_path] == [*before, 0, *place]
        assert named in error.message


def test_the_wrong_option_of_a_frontend_is_underlined(addons):
    broken = json.loads(manifest("voice_en_us").read_text())
    broken["frontend"]["max_words"] = "40"
    assert [[*e.absolute_path] for e in addons.iter_errors(broken)] == [["frontend", "max_words"]]


@pytest.mark.parametrize("what", ["addon", "stack", "deployment"])
def test_a_document_may_name_its_schema_by_a_string(host, what):
    voice = json.loads(manifest("voice_en_us").read_text())
    made = Draft202012Validator(schema(host.registry, what))
    document = {"addon": voice, "stack": {"stack": voice["stack"]}, "deployment": {}}[what]
    made.validate({**document, "$schema": "./voxstack.schema.json"})
    (error,) = made.iter_errors({**document, "$schema": 1})
    assert [*error.absolute_path] == ["$schema"]


EXECUTORS = st.sampled_from(
    ["OnnxRuntime", "Batching", "Nothing", None, 3, ["Nothing", "Torch"], [], {"type": "Torch"}]
    + [{"type": "Batching", "executor": "Torch", "largest": n} for n in (0, 1, 2.5)]
)
VALUES = st.sampled_from([None, True, 0, -1, 1.5, 2.0, "x", "uniform", [], [8], [True], {}, "a:b"])
OPTIONS = ("db", "network", "schedule", "distribution", "minimum", "audio", "typo", "stall")
TYPES = ("Gain", "Vocoder@VoxStack_standard", "Noise", "Upsampler", "Encoders", "Tap", "Nope", 3)
LEAVES = st.builds(
    lambda type_, options, executor: {"type": type_, **options, **executor},
    st.sampled_from(TYPES),
    st.dictionaries(st.sampled_from(OPTIONS), VALUES, max_size=1),
    st.dictionaries(st.just("executor"), EXECUTORS, max_size=1),
)
BLOCKS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(lambda row: {"type": "StreamableStack", "stack": row}, st.lists(inner)),
        st.builds(
            lambda one: {
                "type": "StreamablePipeline",
                "sequence_block": {"type": "Encoders"},
                "streamable_block": one,
            },
            inner,
        ),
    ),
    max_leaves=3,
)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(stack=st.lists(BLOCKS, max_size=2), held=st.booleans())
def test_what_the_host_accepts_the_schema_accepts(host, stacks, tmp_path, stack, held):
    document = {"stack": stack, "note": 1} if held else stack
    (tmp_path / "stack.json").write_text(json.dumps(document))
    if not host.check(tmp_path / "stack.json"):
        stacks.validate(document)


def test_options_come_with_their_defaults_and_the_comments_of_the_source(voxstack, install):
    install("acme-tone", {"effects.Tone": "acme_tone:Tone"}, TONE)
    made = voxstack.good("schema", "--what", "stack").json
    tone = made["$defs"]["block.Tone"]
    options = tone["properties"]
    assert tone["description"] == "Add a tone."
    assert (options["level"]["description"], options["level"]["default"]) == ("decibels", None)
    assert options["bands"]["description"] == "hertz, in pairs"
    good = {"level": -3, "bands": [[100, 0.5]], "colour": "red", "parts": {"a": {"size": 1}}}
    stacks = Draft202012Validator(made)
    stacks.validate([{"type": "Tone", **good, "inner": {"type": "Gain"}, "executor": ["Nope"]}])
    for bad in (
        {"level": "3"},
        {"bands": [[100]]},
        {"shape": "cosine"},
        {"colour": "RED"},
        {"parts": {"a": {}}},
        {"inner": {"type": "Encoders"}},
    ):
        assert not stacks.is_valid([{"type": "Tone", **bad}]), bad


def test_what_cannot_be_imported_is_left_out_and_named(voxstack, install):
    install("acme-bad", {"effects.Bad": "acme_bad:Bad"}, "print('hello')\n1 / 0\n")
    result = voxstack.good("schema")
    assert "Bad of acme-bad" in result.json["$comment"]
    assert "ZeroDivisionError" in result.json["$comment"]
    assert "block.Bad" not in result.json["$defs"] and "block.Gain" in result.json["$defs"]


def test_a_name_that_two_bring_must_be_told_apart(voxstack, install):
    install("acme-tone", {"effects.Gain": "acme_tone:Tone"}, TONE)
    stacks = Draft202012Validator(voxstack.good("schema", "--what", "stack").json)
    assert stacks.is_valid([{"type": "Gain@acme-tone", "shape": "saw"}])
    assert stacks.is_valid([{"type": "Gain@voxstack-standard", "db": 1}])
    assert not stacks.is_valid([{"type": "Gain@acme-tone", "db": 1}])
    assert not stacks.is_valid([{"type": "Gain"}])


def test_a_deployment_file(host):
    deployments = Draft202012Validator(schema(host.registry, "deployment"))
    good = {
        "voice": "en-us",
        "executor": ["Torch", "OnnxRuntime"],
        "executors": {"vocoder": {"type": "OnnxRuntime", "threads": 2}},
        "set": {"/stack/-": {"type": "Gain"}},
        "voices": {"en-us": {"controls": {"speaker": "slt", "rate": 1.2}}},
        "plugins": {"block": ["acme-*"]},
    }
    deployments.validate(good)
    for bad in ({"voices": {"a": {"voice": "b"}}}, {"executor": "Nope"}, {"set": {"stack": 1}}):
        assert not deployments.is_valid({**good, **bad}), bad


SET = {  # what an edit of a deployment sets, and where it is wrong
    "a type": ({"type": "Gian"}, ["type"]),
    "an option": ({"type": "Gain", "dB": 3}, ["dB"]),
    "an executor's option": ({"type": "OnnxRuntime", "threads": 0}, ["threads"]),
    "a block within": ([{"type": "StreamableStack", "stack": [{"type": "No"}]}], [0, "stack", 0]),
    "no component": ({"sizes": [1, {"a": "b"}]}, None),
    "a frontend": ({"type": "English", "max_words": 20}, None),
}


@pytest.mark.parametrize("what", SET)
def test_what_an_edit_of_a_deployment_sets_is_checked(host, what):
    value, place = SET[what]
    deployments = Draft202012Validator(schema(host.registry, "deployment"))
    errors = [[*e.absolute_path] for e in deployments.iter_errors({"set": {"/stack/-": value}})]
    if place is None:
        assert errors == []
    else:
        (error,) = errors
        assert error[: 2 + len(place)] == ["set", "/stack/-", *place]


def test_an_unknown_key_of_a_deployment_is_underlined_itself_and_told_the_others(host):
    deployments = Draft202012Validator(schema(host.registry, "deployment"))
    wrong = {"voise": "x", "executor": {"type": "OnnxRuntime", "threds": 1}}
    told = {e.absolute_path[-1]: e.message for e in deployments.iter_errors(wrong)}
    assert "known keys: executor, executors" in told["voise"]
    assert "known keys: type, threads" in told["threds"]


def test_it_is_written_to_a_file_whole(voxstack, home):
    assert voxstack.good("schema", "-o", "addon.schema.json").out == ""
    written = json.loads((home / "addon.schema.json").read_text())
    assert written == voxstack.good("schema").json
