"""From configuration to blocks: config in, config out, all problems in one pass."""

import json

import numpy as np
import pytest
from attrs import field, fields, frozen
from attrs.validators import ge
from hypothesis import given, settings
from hypothesis import strategies as st
from stubs import Passing, Speaks
from voxstack import (
    AudioFormat,
    Chunk,
    ConfigError,
    Executor,
    Network,
    Program,
    Schedule,
    SequenceBlock,
    StreamableBlock,
    StreamablePipeline,
    StreamableStack,
    Symbols,
    Tensors,
    network,
)
from voxstack.addons import Library
from voxstack.blocks import Block
from voxstack.building import ExecutorMaker, Placement, Preferences, StackBuilder
from voxstack.config import Document, parse_json
from voxstack.hookspecs import KINDS
from voxstack.plugins import Filter
from voxstack.running import ProgramCache

GAIN = """
from attrs import frozen
from voxstack import StreamableBlock

@frozen
class Gain(StreamableBlock):
    \"\"\"Scale the audio by a constant.\"\"\"

    db: float = 0.0  # decibels

    def stream(self, sequence, upstream):
        factor = 10 ** (self.db / 20)
        for chunk in upstream:
            yield chunk.replace(audio=chunk["audio"] * factor)
"""


@frozen
class Leaf(Passing):
    """Options of every simple kind."""

    name: str = ""
    db: float = 0.0
    count: int = 1
    on: bool = False
    sizes: tuple[int, ...] = ()
    maybe: str | None = None


@frozen
class Nest(Passing):
    """Blocks as options, to any depth."""

    one: StreamableBlock | None = None
    many: tuple[StreamableBlock, ...] = ()
    grid: list[list[StreamableBlock]] = field(factory=list)
    named: dict[str, StreamableBlock] = field(factory=dict)
    any_block: Block | None = None


@frozen
class Sequence(SequenceBlock):
    number: int = 0

    def __call__(self, inputs):
        return Tensors()


@frozen
class Checked(Passing):
    threshold: float = field(default=1.0, validator=ge(0))


@frozen
class NeedsMore(Passing):
    consumes = ("audio", "mel")


@frozen
class Needs(Passing):
    consumes = ("audio",)
    produces = ("audio",)


@frozen
class Makes(Passing):
    produces = ("audio",)


@frozen
class Unresolved(Passing):
    thing: "NoSuchType" = None  # noqa: F821


BLOCKS = {
    "effects": [Leaf, Nest, Checked, Needs, Makes, Unresolved],
    "encoders": [Sequence],
}


def stack_builder(registry):
    """Return the builder of a stack alone, without an addon."""
    maker = ExecutorMaker(registry)
    placement = Placement(registry, maker, Preferences())
    return StackBuilder(registry, Library(registry), maker, placement, ProgramCache())


@pytest.fixture
def build(own_site, offer):
    """Build a stack alone: build(config) -> blocks."""

    def make(config, text=None, **kinds):
        offered = {kind: [*BLOCKS.get(kind, ()), *kinds.get(kind, ())] for kind in KINDS}
        registry = own_site.registry(plugins=[offer(**offered)])
        document = parse_json(text, "s.json") if text else Document(json.loads(json.dumps(config)))
        return stack_builder(registry).build(document).blocks

    return make


def problems(build, *blocks, **options):
    with pytest.raises(ConfigError) as caught:
        build({"stack": list(blocks)}, **options)
    return [(p.pointer, p.message, p.suggestion) for p in caught.value.problems]


# What a stranger writes -------------------------------------------------------------------------


def test_the_gain_of_the_blueprint_works_as_it_stands(own_site):
    own_site.install(
        "acme-effects",
        entry_points="[voxstack.effects]\nGain = acme_effects:Gain\n",
        acme_effects=GAIN,
    )
    builder = stack_builder(own_site.registry())
    built = builder.build(Document({"stack": [{"type": "Gain", "db": -6}, {"type": "Gain"}]}))
    gain, default = built.blocks
    assert gain.db == -6.0
    assert default == type(gain)()
    assert gain == type(gain)(db=-6)
    (chunk,) = gain.stream(Tensors(), iter([Chunk({"audio": np.ones((1, 2))}, 7, True)]))
    assert chunk["audio"] == pytest.approx(10 ** (-6 / 20))
    assert (chunk.start, chunk.last) == (7, True)


def test_the_seed_stack_is_built_as_it_is_written(build):
    @frozen
    class Upsampler(Passing):
        pass

    @frozen
    class Decoder(Passing):
        network: Program = network(role="decoder")

    @frozen
    class Vocoder(Passing):
        network: Program = network(role="vocoder")

    text = """{"stack": [
  {"type": "StreamablePipeline",
   "sequence_block": {"type": "Encoders"},
   "streamable_block": {"type": "StreamableStack",
                        "stack": [{"type": "Upsampler"}, {"type": "Decoder"}]}},
  {"type": "Vocoder"}
]}"""
    kinds = {"upsamplers": [Upsampler], "decoders": [Decoder], "vocoders": [Vocoder]}
    pipeline, vocoder = build(None, text, **kinds)
    assert isinstance(pipeline, StreamablePipeline)
    assert isinstance(pipeline.streamable_block, StreamableStack)
    assert [type(b) for b in pipeline.streamable_block.stack] == [Upsampler, Decoder]
    assert type(vocoder) is Vocoder


# Config in = config out -------------------------------------------------------------------------


def simple(type_, **options):
    keys = list(options)
    return st.dictionaries(st.sampled_from(keys), st.none(), max_size=len(keys)).flatmap(
        lambda chosen: st.fixed_dictionaries(
            {"type": st.just(type_), **{k: options[k] for k in chosen}}
        )
    )


leaves = simple(
    "Leaf",
    name=st.text(max_size=3),
    db=st.floats(allow_nan=False, allow_infinity=False) | st.integers(-99, 99),
    count=st.integers(),
    on=st.booleans(),
    sizes=st.lists(st.integers(), max_size=3),
    maybe=st.none() | st.text(max_size=3),
)
sequences = simple("Sequence", number=st.integers())


def containers(blocks):
    some = st.lists(blocks, max_size=2)
    return (
        simple(
            "Nest",
            one=st.none() | blocks,
            many=some,
            grid=st.lists(some, max_size=2),
            named=st.dictionaries(st.text(max_size=3), blocks, max_size=2),
            any_block=blocks | sequences,
        )
        | some.map(lambda stack: {"type": "StreamableStack", "stack": stack})
        | st.tuples(sequences, blocks).map(
            lambda two: {
                "type": "StreamablePipeline",
                "sequence_block": two[0],
                "streamable_block": two[1],
            }
        )
    )


def same(config, built):
    """Return whether a built value says what its configuration says."""
    if isinstance(built, Block):
        options = {f.name: getattr(built, f.name) for f in fields(type(built))}
        given = {k: v for k, v in config.items() if k != "type"}
        rest = {k: v for k, v in options.items() if k not in given}
        defaults = all(v == type(built)().__getattribute__(k) for k, v in rest.items())
        return (
            type(built).__name__ == config["type"]
            and defaults
            and all(same(value, options[name]) for name, value in given.items())
        )
    if isinstance(built, list | tuple):
        return len(config) == len(built) and all(map(same, config, built))
    if isinstance(built, dict):
        return list(config) == list(built) and all(same(config[k], built[k]) for k in built)
    return config == built


def test_config_in_is_config_out(build):
    build({"stack": [{"type": "Leaf"}]})  # the registry of the first call serves all

    @settings(max_examples=60, deadline=None)
    @given(st.lists(st.recursive(leaves, containers, max_leaves=8), min_size=1, max_size=3))
    def check(stack):
        assert same(stack, build({"stack": stack}))

    check()


def test_a_block_without_options_is_its_class_with_the_defaults(build):
    assert build({"stack": [{"type": "Leaf"}]}) == (Leaf(),)


def test_blocks_that_are_equal_are_told_apart_by_their_place(build):
    a, b = build({"stack": [{"type": "Leaf"}, {"type": "Leaf"}]})
    assert a == b
    assert a is not b


def test_building_leaves_the_configuration_as_it_was(build):
    config = {"stack": [{"type": "Nest", "one": {"type": "Leaf", "db": -6}}]}
    copy = json.dumps(config)
    build(config)
    assert json.dumps(config) == copy


def test_preset_options_of_a_component_stand_unless_the_configuration_says_otherwise(
    build, own_site
):
    own_site.install(
        "acme",
        entry_points={"voxstack": {"acme": "acme_hooks"}},
        acme_gain=GAIN,
        acme_hooks=(
            "from voxstack import Component, hookimpl\n"
            "@hookimpl\n"
            "def voxstack_effects():\n"
            "    return [Component('Quiet', 'acme_gain:Gain', {'db': -12.0})]\n"
        ),
    )
    a, b = build({"stack": [{"type": "Quiet"}, {"type": "Quiet", "db": 3}]})
    assert (a.db, b.db) == (-12.0, 3.0)


# Problems ---------------------------------------------------------------------------------------


def test_all_problems_come_in_one_pass_with_pointer_line_column_and_suggestion(build):
    text = """{"stack": [
  {"type": "StreamablePipeline",
   "sequence_block": {"type": "Encoderz"},
   "streamable_block": {"type": "StreamableStack",
                        "stack": [{"type": "Leaf", "db": "-6"}, {"type": "Leaf", "cuont": 2}]}},
  {"type": "Leef"},
  5
]}"""
    with pytest.raises(ConfigError) as caught:
        build(None, text)
    found = {p.pointer: p for p in caught.value.problems}
    sequence, row = "/stack/0/sequence_block/type", "/stack/0/streamable_block/stack"
    lines = text.split("\n")
    assert {(p.pointer, p.line, lines[p.line - 1][p.column - 1 :][:4]) for p in found.values()} == {
        (sequence, 3, '"Enc'),
        (f"{row}/0/db", 5, '"-6"'),
        (f"{row}/1/cuont", 5, "2}]}"),
        ("/stack/1/type", 6, '"Lee'),
        ("/stack/2", 7, "5"),
    }
    assert found[sequence].suggestion == "did you mean 'Encoders'?"
    assert found[f"{row}/0/db"].message == 'expected a number, not "-6"'
    assert found[f"{row}/1/cuont"].message == "unknown option 'cuont'"
    assert found[f"{row}/1/cuont"].suggestion == "did you mean 'count'?"
    assert all(p.file == "s.json" for p in caught.value.problems)


@pytest.mark.parametrize(
    ("block", "pointer", "message"),
    [
        ("Leaf", "", 'expected {"type": "NAME", ...}, not "Leaf"'),
        ([], "", 'expected {"type": "NAME", ...}, not []'),
        ({}, "", "a type is missing"),
        ({"type": 5}, "", "a type is missing"),
        ({"type": "Sequence"}, "/type",
         "'Sequence' is not a StreamableBlock, which is expected here"),
        ({"type": "os:system"}, "/type", "no block 'os:system' is installed"),
        ({"type": "Leaf", "on": 1}, "/on", "expected true or false, not 1"),
        ({"type": "Leaf", "sizes": 8}, "/sizes", "expected a list, not 8"),
        ({"type": "Nest", "many": {"type": "Leaf"}}, "/many",
         'expected a list, not {"type": "Leaf"}'),
        ({"type": "Nest", "many": [{"type": "Leaf"}, {"type": "Lief"}]}, "/many/1/type",
         "no block 'Lief' is installed"),
        ({"type": "Nest", "one": {"type": "Sequence"}}, "/one/type", "is not a StreamableBlock"),
        ({"type": "Nest", "grid": [[{"type": "Leaf"}], [{"type": "Leaf", "db": "x"}]]},
         "/grid/1/0/db", 'expected a number, not "x"'),
        ({"type": "Nest", "named": {"a/b": {"type": "Leaf", "x": 1}}}, "/named/a~1b/x",
         "unknown option 'x'"),
        ({"type": "Checked", "threshold": -1}, "/threshold", "must be >= 0, not -1"),
        ({"type": "Unresolved"}, "",
         "has an option whose type cannot be resolved: name 'NoSuchType'"),
        ({"type": "StreamablePipeline"}, "", "option 'sequence_block' is missing"),
        ({"type": "StreamableStack", "stack": [3]}, "/stack/0", 'expected {"type": "NAME"'),
        ({"type": "StreamableStack"}, "", "option 'stack' is missing"),
    ],
)  # fmt: skip
def test_a_block_that_is_wrong_is_reported_at_its_place(build, block, pointer, message):
    where, what, _ = problems(build, {"type": "Leaf"}, block)[0]
    assert where.startswith(f"/stack/1{pointer}")
    assert message in what


@pytest.mark.parametrize(
    ("options", "pointers"),
    [
        ({"streamable_block": {"type": "Leaf"}}, {"/stack/0"}),
        ({"sequence_block": {"type": "Sequence"}}, {"/stack/0"}),
        ({}, {"/stack/0"}),
        (
            {"sequence_block": [{"type": "Sequence"}] * 2, "streamable_block": {"type": "Leaf"}},
            {"/stack/0/sequence_block"},
        ),
        (
            {"sequence_block": {"type": "Sequence"}, "streamable_block": [{"type": "Leaf"}] * 2},
            {"/stack/0/streamable_block"},
        ),
        (
            {"sequence_block": {"type": "Leaf"}, "streamable_block": {"type": "Sequence"}},
            {"/stack/0/sequence_block/type", "/stack/0/streamable_block/type"},
        ),
    ],
)
def test_a_pipeline_with_none_or_two_or_the_wrong_blocks_is_refused(build, options, pointers):
    found = problems(build, {"type": "StreamablePipeline", **options})
    assert {pointer for pointer, _, _ in found} == pointers


def test_a_sequence_block_in_a_row_is_refused_with_where_it_goes(build):
    ((_, _, suggestion),) = problems(build, {"type": "Sequence"})
    assert suggestion == "a SequenceBlock goes into the sequence_block of a StreamablePipeline"


@pytest.mark.parametrize(
    ("document", "pointer", "message"),
    [
        ({}, "", "'stack' is missing"),
        ({"stack": []}, "/stack", "the stack is empty"),
        ({"stack": {"type": "Leaf"}}, "/stack", 'expected a list, not {"type": "Leaf"}'),
        ({"stack": "Leaf"}, "/stack", 'expected a list, not "Leaf"'),
        ([], "", "'stack' is missing"),
    ],
)
def test_what_is_not_a_stack_is_refused_at_its_place(build, document, pointer, message):
    with pytest.raises(ConfigError) as caught:
        build(document)
    assert [(p.pointer, p.message) for p in caught.value.problems] == [(pointer, message)]


@pytest.mark.parametrize("schedule", [[0], ["8"], 8, [True], [1.0]])
def test_a_schedule_that_is_not_one_is_refused_at_its_place(build, schedule):
    @frozen
    class Timed(Passing):
        schedule: Schedule = Schedule()

    block = {"type": "Timed", "schedule": schedule}
    ((pointer, _, _),) = problems(build, block, effects=[Timed])
    assert pointer == "/stack/0/schedule"
    (timed,) = build({"stack": [{"type": "Timed", "schedule": [8, 16]}]}, effects=[Timed])
    assert timed.schedule == Schedule((8, 16))


def test_what_the_host_provides_cannot_be_configured(build):
    @frozen
    class Provided(Passing):
        audio: AudioFormat = None
        symbols: Symbols = None

    ((pointer, message, suggestion),) = problems(
        build, {"type": "Provided", "audio": {"hop": 3}}, effects=[Provided]
    )
    assert pointer == "/stack/0/audio"
    assert "the host provides this" in message
    assert suggestion == "remove it from the configuration"


def test_a_blocked_plugin_is_reported_with_its_reason_at_its_place(own_site):
    own_site.install("acme", entry_points={"voxstack.effects": {"Gain": "acme_gain:Gain"}})
    registry = own_site.registry(filters=[Filter(block=("acme",), origin="site.toml")])
    with pytest.raises(ConfigError) as caught:
        stack_builder(registry).build(Document({"stack": [{"type": "Gain"}]}))
    (problem,) = caught.value.problems
    assert problem.pointer == "/stack/0/type"
    assert "blocked by 'acme' in site.toml" in problem.message
    assert problem.suggestion == "to use it, remove 'acme' from site.toml"


def test_sixty_levels_of_nesting_are_built(build):
    config = {"type": "Leaf"}
    for _ in range(25):
        config = {"type": "StreamableStack", "stack": [config]}
    assert build({"stack": [config]})


# Networks ---------------------------------------------------------------------------------------


@frozen
class Runs(Passing):
    network: Program = network(role="decoder")


@frozen
class Reads(Passing):
    network: Network = network(role="decoder")


@frozen
class Lists(Passing):
    networks: tuple[Program, ...] = network(role="encoder")


@frozen
class Named(Passing):
    """Programs without a role: named or not there."""

    a: Program | None = None
    table: dict[str, Program] = field(factory=dict)
    executor: Executor | None = None


NETWORK_BLOCKS = [Runs, Reads, Lists, Named, Makes, Needs, NeedsMore, Leaf]


@pytest.fixture
def voice_with(tiny_host):
    """Build (not load) the tiny voice with other blocks in place of its stack; return them."""

    def make(*blocks, change=lambda manifest: None):
        host = tiny_host(change, effects=NETWORK_BLOCKS)
        return host.voice("tiny", edits={"/stack": list(blocks)}, load=False).built.blocks

    return make


def voice_problems(voice_with, *blocks, **options):
    with pytest.raises(ConfigError) as caught:
        voice_with(*blocks, **options)
    return [(p.pointer, p.message, p.suggestion) for p in caught.value.problems]


def test_a_network_is_the_one_with_the_role_unless_named(voice_with):
    one, other = voice_with({"type": "Runs"}, {"type": "Runs", "network": "vocoder"})
    assert (one.network.network.name, other.network.network.name) == ("decoder", "vocoder")


def test_the_type_of_an_option_says_what_arrives(voice_with):
    reads, lists = voice_with({"type": "Reads"}, {"type": "Lists"})
    assert isinstance(reads.network, Network)
    assert [p.network.name for p in lists.networks] == ["encoder"]


def test_networks_in_lists_tables_and_optionals_are_resolved(voice_with):
    named = {"type": "Named", "a": "decoder", "table": {"x": "vocoder"}}
    ordered = {"type": "Lists", "networks": ["vocoder", "encoder"]}
    none, named, lists = voice_with({"type": "Named"}, named, ordered)
    assert none.a is None
    assert named.a.network.name == "decoder"
    assert named.table["x"].network.name == "vocoder"
    assert [p.network.name for p in lists.networks] == ["vocoder", "encoder"]


def test_an_executor_as_an_option_is_resolved(voice_with):
    (block,) = voice_with({"type": "Named", "executor": {"type": "Numpy", "tag": "x"}})
    assert block.executor.tag == "x"


@pytest.mark.parametrize(
    ("block", "pointer", "message"),
    [
        ({"type": "Runs", "network": "decodr"}, "/network",
         "the addon 'tiny' has no network 'decodr'"),
        ({"type": "Runs", "network": "tiny:decodr"}, "/network", "has no network 'decodr'"),
        ({"type": "Runs", "network": "nobody:decoder"}, "/network", "'nobody' is installed"),
        ({"type": "Runs", "network": 5}, "/network", "expected the name of a network"),
        ({"type": "Lists", "networks": "encoder"}, "/networks", 'expected a list, not "encoder"'),
        ({"type": "Lists", "networks": ["encodr"]}, "/networks/0", "has no network 'encodr'"),
        ({"type": "Named", "executor": "Nump"}, "/executor", "'Nump' is installed"),
    ],
)  # fmt: skip
def test_a_network_that_does_not_exist_is_reported_at_its_place(
    voice_with, block, pointer, message
):
    ((where, what, _),) = voice_problems(voice_with, block)
    assert where == f"/stack/0{pointer}"
    assert message in what


def test_a_near_name_of_a_network_is_suggested(voice_with):
    ((_, _, suggestion),) = voice_problems(voice_with, {"type": "Runs", "network": "decodr"})
    assert suggestion == "did you mean 'decoder'?"


def test_the_network_of_another_addon_is_found_by_its_qualified_name(voice_with):
    (block,) = voice_with({"type": "Runs", "network": "tiny:vocoder"})
    assert block.network.network.qualified_name == "tiny:vocoder"


@pytest.mark.parametrize(
    ("role", "message"),
    [("vocoder", "2 networks with the role 'decoder'"), (None, "no networks with the role")],
)
def test_a_role_of_none_or_two_networks_asks_for_a_name(voice_with, role, message):
    def change(manifest):
        manifest["networks"]["decoder"]["role"] = "other"
        if role:
            for name in ("decoder", "vocoder"):
                manifest["networks"][name]["role"] = "decoder"

    ((pointer, what, suggestion),) = voice_problems(voice_with, {"type": "Runs"}, change=change)
    assert pointer == "/stack/0"
    assert message in what
    assert suggestion == 'name one: "network": "NAME"'


# Audio ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("edits", "pointer", "told"),
    [
        ({"/audio/hop": 5}, "/audio/hop", "is 5, but the vocoder 'tiny:vocoder' makes 4 samples"),
        (
            {"/audio/sample_rate": 2000, "/stack/1/network": "tiny:vocoder"},
            "/audio/sample_rate",
            "is 2000 Hz, but the vocoder 'tiny:vocoder' makes 1000 Hz",
        ),
    ],
)
def test_audio_that_the_vocoder_does_not_make_is_refused(tiny_host, edits, pointer, told):
    with pytest.raises(ConfigError) as caught:
        tiny_host().voice("tiny", edits=edits, load=False)
    (problem,) = caught.value.problems
    assert problem.pointer == pointer and told in problem.message
    assert problem.suggestion.startswith("set it to ")


def test_behind_a_block_that_follows_the_vocoder_audio_may_be_any(tiny_host):
    edits = {"/audio/hop": 5, "/stack/-": {"type": "Leaf"}}
    assert tiny_host(effects=[Leaf]).voice("tiny", edits=edits, load=False)


# Wiring -----------------------------------------------------------------------------------------


def test_a_missing_tensor_names_the_block_that_makes_it_later(voice_with):
    ((pointer, message, suggestion),) = voice_problems(
        voice_with, {"type": "Needs"}, {"type": "Makes"}
    )
    assert pointer == "/stack/0"
    assert message.startswith("needs 'audio', which nothing before it produces")
    assert suggestion == "Makes at /stack/1 produces it: put that before this block"


def test_all_that_a_block_misses_is_one_problem(voice_with):
    ((pointer, message, suggestion),) = voice_problems(
        voice_with, {"type": "NeedsMore"}, {"type": "Makes"}
    )
    assert pointer == "/stack/0"
    assert message.startswith("needs 'audio' and 'mel', which nothing before it produces")
    assert suggestion == "Makes at /stack/1 produces 'audio': put that before this block"


def test_blocks_in_their_order_have_no_problem(voice_with):
    assert voice_with({"type": "Makes"}, {"type": "Needs"})


def test_what_a_block_does_not_declare_passes_through(voice_with):
    assert voice_with({"type": "Leaf"}, {"type": "Needs"})


def test_a_wrong_order_of_blocks_is_reported_before_anything_loads(tiny_host):
    host = tiny_host(lambda manifest: manifest["stack"].reverse())
    with pytest.raises(ConfigError) as caught:
        host.voice("tiny")
    (problem,) = caught.value.problems
    assert problem.pointer == "/stack/0"
    assert "needs 'mel', which nothing before it produces" in problem.message
    assert "Decode at /stack/1/streamable_block/stack/1" in problem.suggestion


def test_encoders_in_a_circle_are_reported_before_anything_loads(tiny_host):
    def circle(manifest):
        spec = {"dtype": "float64", "shape": ["batch", "text"]}
        for name, needs, makes in (("e1", "a", "b"), ("e2", "b", "a")):
            manifest["networks"][name] = {
                "role": "encoder",
                "files": {"numpy": "networks/encoder.txt"},
                "inputs": {needs: spec},
                "outputs": {makes: spec},
            }

    with pytest.raises(ConfigError) as caught:
        tiny_host(circle).voice("tiny")
    (problem,) = caught.value.problems
    assert problem.pointer == "/stack/0/sequence_block"
    assert "'e1' waits for 'a'; 'e2' waits for 'b'" in problem.message


def test_what_a_pipeline_makes_inside_does_not_satisfy_a_block_outside(tiny_host):
    def outside(manifest):
        manifest["stack"][0]["streamable_block"]["stack"].pop()
        manifest["stack"].insert(1, {"type": "Spread"})

    with pytest.raises(ConfigError) as caught:
        tiny_host(outside).voice("tiny")
    assert any(
        p.pointer == "/stack/1" and "needs 'durations'" in p.message for p in caught.value.problems
    )


def test_problems_of_the_manifest_and_of_the_stack_come_together(tiny_host):
    def twice(manifest):
        manifest["audio"]["hop"] = "4"
        manifest["stack"][1]["type"] = "Vocoed"
        manifest["frontend"] = {"type": "Plein"}

    with pytest.raises(ConfigError) as caught:
        tiny_host(twice).voice("tiny")
    assert {p.pointer for p in caught.value.problems} == {
        "/audio/hop",
        "/stack/1/type",
        "/frontend/type",
    }
    assert all(p.line for p in caught.value.problems)


# Head and tail ----------------------------------------------------------------------------------


SPEAKS, LEAF = {"type": "Speaks"}, {"type": "Leaf"}


def row(*stack):
    return {"type": "StreamableStack", "stack": list(stack)}


@pytest.mark.parametrize(
    ("stack", "head"),
    [
        ([SPEAKS], 1),
        ([LEAF, SPEAKS, LEAF], 2),
        ([SPEAKS, LEAF, SPEAKS], 1),  # the first one ends the head
        ([LEAF, LEAF], 2),  # without any, all blocks run once per sentence
        ([row(LEAF, SPEAKS, LEAF), LEAF], 1),
        ([LEAF, row(row(SPEAKS)), LEAF, LEAF], 2),
        ([{"type": "Nest", "grid": [[LEAF], [SPEAKS]]}, LEAF], 1),
        ([{"type": "Nest", "named": {"x": SPEAKS}}, LEAF], 1),
    ],
)
def test_the_head_goes_up_to_the_first_block_that_ends_the_sentence(own_site, offer, stack, head):
    registry = own_site.registry(plugins=[offer(effects=[Leaf, Speaks, Nest])])
    built = stack_builder(registry).build(Document({"stack": stack}))
    assert built.head == built.blocks[:head]
    assert len(built.behind.stack) == len(stack) - head


def test_the_kind_under_which_a_block_is_registered_does_not_end_the_sentence(own_site, offer):
    registry = own_site.registry(plugins=[offer(vocoders=[Leaf], effects=[Speaks, Nest])])
    built = stack_builder(registry).build(Document({"stack": [LEAF, {"type": "Nest"}, SPEAKS]}))
    assert len(built.head) == 3


def test_the_blocks_behind_the_vocoder_run_over_the_whole_utterance(tiny_host):
    host = tiny_host(lambda m: m["stack"].append({"type": "Leaf"}), effects=[Leaf])
    built = host.voice("tiny", load=False).built
    assert [type(b).__name__ for b in built.head] == ["StreamablePipeline", "Vocode"]
    assert [b.pointer for b in built.behind.stack] == ["/stack/2"]
    assert [type(b.block).__name__ for b in built.behind.stack] == ["Leaf"]
