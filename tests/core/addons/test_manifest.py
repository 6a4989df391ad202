"""The manifest: a valid one, broken in one way each."""

import pytest
from voxstack import ConfigError, InputError
from voxstack.addons import Control, make_addon
from voxstack.config import Document, lookup

DECODER = "/networks/decoder"
STATE = {"role": "decoder", "files": {"numpy": "networks/decoder.txt"}, "delay": 3}


def set_(pointer, value):
    def change(manifest):
        parent, _, key = pointer.rpartition("/")
        lookup(manifest, parent)[key] = value

    return change


def remove(pointer):
    def change(manifest):
        parent, _, key = pointer.rpartition("/")
        del lookup(manifest, parent)[key]

    return change


def stateful(**changes):
    spec = {"dtype": "float32", "shape": ["batch", "frames"]}
    past = {"dtype": "float32", "shape": ["batch", 5]}
    network = {
        **STATE,
        "inputs": {"x": spec, "past": past},
        "outputs": {"y": spec, "past_next": past},
        "state": {"past": "past_next"},
        **changes,
    }
    return set_("/networks/decoder", network)


def described(manifest):
    """Make an addon of a manifest whose files nobody reads."""
    return make_addon(Document(manifest), None, lambda format_: pytest.fail("a file was read"))


def problems(manifest):
    with pytest.raises(ConfigError) as caught:
        described(manifest)
    return [(p.pointer, p.message, p.suggestion) for p in caught.value.problems]


def test_the_valid_manifest_is_taken(manifest):
    addon = described(manifest)
    assert addon.name == "tiny"
    assert sorted(addon.networks) == ["decoder", "encoder", "vocoder"]
    vocoder = addon.networks["vocoder"]
    assert (vocoder.qualified_name, vocoder.frame_ratio) == ("tiny:vocoder", 4)
    assert (vocoder.look_ahead, vocoder.context.left) == (2, 1)
    assert (vocoder.consumes, vocoder.produces) == (("mel",), ("audio",))


def test_a_network_with_state_is_taken_and_its_state_is_not_a_tensor_of_others(manifest):
    stateful()(manifest)
    decoder = described(manifest).networks["decoder"]
    assert (decoder.consumes, decoder.produces) == (("x",), ("y",))
    assert decoder.look_ahead == 3


@pytest.mark.parametrize(
    ("change", "pointer", "message"),
    [
        (remove("/name"), "", "option 'name' is missing"),
        (remove("/format"), "", "option 'format' is missing"),
        (remove("/audio/hop"), "/audio", "option 'hop' is missing"),
        (set_("/voice", "x"), "/voice", "unknown option 'voice'"),
        (set_("/name", 5), "/name", "expected a string, not 5"),
        (set_("/audio/hop", "4"), "/audio/hop", 'expected a whole number, not "4"'),
        (set_("/audio/sample_rate", 10), "/audio", "sample_rate must be 1000 to 384000 Hz, not 10"),
        (set_("/audio/hop", 0), "/audio", "hop must be 1 sample or more, not 0"),
        (set_("/networks", []), "/networks", "expected an object, not []"),
        (set_("/networks/a:b", STATE | {"inputs": {}, "outputs": {}, "delay": 0}),
         "/networks/a:b", "a network's name is not empty and has none of : / \\ @"),
        (set_("/name", ""), "/name", "a name is not empty and has none of : / \\ @"),
        (set_("/name", "a:b/../c"), "/name", "a name is not empty and has none of : / \\ @"),
        (remove(f"{DECODER}/role"), DECODER, "option 'role' is missing"),
        (set_(f"{DECODER}/rol", "x"), f"{DECODER}/rol", "unknown option 'rol'"),
        (set_(f"{DECODER}/context/left", -1), f"{DECODER}/context", "must be 0 frames or more"),
        (stateful(context={"left": 1, "right": 1}), DECODER,
         "has context and state; a network has one of them"),
        (set_(f"{DECODER}/delay", 3), f"{DECODER}/delay", "delay is for networks with state"),
        (set_(f"{DECODER}/frame_ratio", 0), f"{DECODER}/frame_ratio", "must be 1 to 100000"),
        (set_(f"{DECODER}/files", {}), f"{DECODER}/files", "names no file"),
        (set_(f"{DECODER}/files/numpy", "networks/decodr.txt"), f"{DECODER}/files/numpy",
         "'networks/decodr.txt' is not in the manifest's files"),
        (set_(f"{DECODER}/inputs/encodings/dtype", "float31"),
         f"{DECODER}/inputs/encodings/dtype", "unknown dtype 'float31'"),
        (set_(f"{DECODER}/outputs/mel/dtype", "double"), f"{DECODER}/outputs/mel/dtype",
         "unknown dtype 'double'"),
        (set_(f"{DECODER}/inputs/encodings/shape", "frames"),
         f"{DECODER}/inputs/encodings/shape", 'expected a list, not "frames"'),
        (stateful(delay=-1), f"{DECODER}/delay", "must be 0 to 100000 frames"),
        (stateful(state={"pest": "past_next"}), f"{DECODER}/state",
         "state 'pest' is not an input"),
        (stateful(state={"past": "y2"}), f"{DECODER}/state/past", "'y2' is not an output"),
        (stateful(state={"x": "y"}), f"{DECODER}/inputs/x",
         "the dimensions of a state, except the batch, are numbers"),
        (set_("/symbols", "symbols.json"), "/symbols",
         "'symbols.json' is not in the manifest's files"),
        (set_("/card", "CARD.md"), "/card", "'CARD.md' is not in the manifest's files"),
        (set_("/controls/speaker/values", []), "/controls/speaker/values", "has no values"),
        (set_("/controls/speaker/default", "eve"), "/controls/speaker",
         "the default is not allowed: speaker 'eve' is not one of: ann, bob"),
        (set_("/controls/rate/default", 3), "/controls/rate",
         "the default is not allowed: rate must be 0.5 to 2, not 3"),
        (set_("/packed_with", 1), "/packed_with", "expected a string, not 1"),
        (set_("/packed_with", "x\x1b"), "/packed_with",
         "holds '\\x1b', which does more than print"),
        (set_("/files/networks~1decoder.txt/bytes", "10"), "/files/networks~1decoder.txt/bytes",
         'expected a whole number, not "10"'),
    ],
)  # fmt: skip
def test_a_manifest_broken_in_one_way_has_one_problem(manifest, change, pointer, message):
    change(manifest)
    ((where, what, _),) = problems(manifest)
    assert (where, what) == (pointer, message)


def test_near_names_are_suggested(manifest):
    set_(f"{DECODER}/files/numpy", "networks/decodr.txt")(manifest)
    assert problems(manifest)[0][2] == "did you mean 'networks/decoder.txt'?"


def test_all_problems_of_a_manifest_come_at_once(manifest):
    set_("/symbols", "s.json")(manifest)
    set_(f"{DECODER}/frame_ratio", 0)(manifest)
    set_("/controls/speaker/values", [])(manifest)
    assert {p for p, _, _ in problems(manifest)} == {
        "/symbols",
        f"{DECODER}/frame_ratio",
        "/controls/speaker/values",
    }


@pytest.mark.parametrize(
    ("value", "number"), [("ann", 0), ("bob", 1), (None, 0)]
)  # fmt: skip
def test_a_choice_becomes_its_index(value, number):
    assert Control(values=("ann", "bob")).tensor_value("speaker", value) == number


@pytest.mark.parametrize("value", ["nann", 3, True])
def test_a_choice_that_does_not_exist_lists_those_that_do(value):
    with pytest.raises(InputError, match="is not one of: ann, bob"):
        Control(values=("ann", "bob")).tensor_value("speaker", value)


@pytest.mark.parametrize("value", [0.4, 2.1, float("nan"), float("inf"), "fast", [1]])
def test_a_number_out_of_its_range_is_refused(value):
    with pytest.raises(InputError, match="rate must be"):
        Control(min=0.5, max=2.0).tensor_value("rate", value)


@pytest.mark.parametrize("value", ["1.5", True, [1.0], b"1"])
def test_a_number_is_a_number_and_nothing_like_it(value):
    with pytest.raises(InputError, match="rate must be a number, not"):
        Control(min=0.5, max=2.0).tensor_value("rate", value)


def test_a_number_that_is_not_given_is_the_default():
    assert Control(min=0.5, max=2.0).tensor_value("rate", 2) == 2.0
    assert Control().tensor_value("rate", None) == 1.0
