"""The three containers."""

import re
import threading
from contextvars import copy_context

import numpy as np
import pytest
from attrs import field, fields, frozen
from attrs.validators import instance_of
from voxstack import (
    BlockError,
    Chunk,
    Encoders,
    Schedule,
    SequenceBlock,
    StreamableBlock,
    StreamablePipeline,
    StreamableStack,
    Tensors,
)
from voxstack.containers import located, locating
from voxstack.errors import InputError, MissingTensorError
from voxstack.utterance import Stopped, Utterance, set_current


@frozen
class Count(StreamableBlock):
    """Yields numbered chunks of one frame; says what happens to it in ``log``."""

    frames: int
    log: list

    def stream(self, sequence, upstream):
        self.log.append("open source")
        try:
            for index in range(self.frames):
                self.log.append(f"make {index}")
                yield Chunk({"x": np.full((1, 1), float(index))}, index, index == self.frames - 1)
        finally:
            self.log.append("close source")


@frozen
class Pass(StreamableBlock):
    name: str
    log: list

    def stream(self, sequence, upstream):
        try:
            for chunk in upstream:
                self.log.append(f"{self.name} {chunk.start}")
                yield chunk
        finally:
            self.log.append(f"close {self.name}")


@frozen
class Scale(StreamableBlock):
    """Multiplies by a sequence tensor."""

    by: str = "factor"

    def stream(self, sequence, upstream):
        for chunk in upstream:
            yield chunk.replace(x=chunk["x"] * sequence[self.by])


@frozen
class Give(SequenceBlock):
    name: str
    value: float

    def __call__(self, inputs):
        return Tensors({self.name: np.array([self.value + sum(v[0] for v in inputs.values())])})


@frozen
class Bad(StreamableBlock):
    """Fails at its n-th chunk, or when its generator is made."""

    at: int = 0
    error: Exception | None = None

    def stream(self, sequence, upstream):
        if self.at < 0:
            raise self.error or RuntimeError("boom")
        return self._stream(upstream)

    def _stream(self, upstream):
        for chunk in upstream or ():
            if chunk.start == self.at:
                raise self.error or RuntimeError("boom")
            yield chunk


def stack(*blocks):
    return StreamableStack(blocks)


def run(block, sequence=None, upstream=None):
    """Stream a block as a planned stack does: every block in it is guarded at its place."""
    return located(block, "").stream(Tensors() if sequence is None else sequence, upstream)


def values(chunks):
    return [chunk["x"][0, 0] for chunk in chunks]


def test_a_stack_is_pulled_lazily_one_chunk_at_a_time():
    log = []
    chunks = run(stack(Count(9, log), Pass("a", log)))
    assert log == []
    next(chunks)
    assert log == ["open source", "make 0", "a 0"]
    next(chunks)
    assert log[3:] == ["make 1", "a 1"]


def test_closing_closes_all_generators_the_last_one_first():
    log = []
    chunks = run(stack(Count(9, log), Pass("a", log), Pass("b", log)))
    next(chunks)
    chunks.close()
    assert [line for line in log if line.startswith("close")] == [
        "close b",
        "close a",
        "close source",
    ]


def test_closing_reaches_into_nested_pipelines():
    log = []
    inner = StreamablePipeline(Give("g", 1.0), stack(Count(9, log), Pass("a", log)))
    outer = stack(StreamablePipeline(Give("h", 1.0), stack(inner, Pass("b", log))), Pass("c", log))
    chunks = run(outer)
    next(chunks)
    chunks.close()
    assert [line for line in log if line.startswith("close")] == [
        "close c",
        "close b",
        "close a",
        "close source",
    ]


def test_an_error_closes_all_generators_too():
    log = []
    chunks = run(stack(Count(9, log), Pass("a", log), Bad(1), Pass("b", log)))
    with pytest.raises(BlockError):
        list(chunks)
    assert {line for line in log if line.startswith("close")} == {
        "close a",
        "close b",
        "close source",
    }


def test_an_empty_stack_passes_upstream_on():
    upstream = Count(3, []).stream(Tensors(), None)
    assert values(run(stack(), Tensors(), upstream)) == [0, 1, 2]


# Pointers ---------------------------------------------------------------------------------------


def pointer_of(block, upstream=None):
    with pytest.raises(BlockError) as caught:
        list(run(block, Tensors(), upstream))
    return caught.value.pointer


@pytest.mark.parametrize("index", [1, 2, 3])
@pytest.mark.parametrize("at", [-1, 0, 2])
def test_an_error_names_its_own_block_and_not_those_downstream(index, at):
    blocks = [Pass(name, []) for name in "abc"]
    blocks.insert(index - 1, Bad(at))
    assert pointer_of(stack(Count(9, []), *blocks)) == f"/stack/{index}"


def test_an_error_in_the_first_block_of_a_nested_stack_shows_its_own_pointer():
    nested = stack(Pass("a", []), stack(Bad(0), Pass("b", [])), Pass("c", []))
    assert pointer_of(stack(Count(9, []), nested, Pass("d", []))) == "/stack/1/stack/1/stack/0"


def test_an_error_upstream_of_a_nested_stack_shows_its_own_pointer():
    nested = stack(Pass("a", []), stack(Pass("b", [])))
    assert pointer_of(stack(Count(9, []), Bad(1), nested, nested)) == "/stack/1"


def test_an_error_within_a_pipeline_names_the_side_of_it():
    inner = stack(Count(9, []), Bad(1), Pass("a", []))
    pipeline = StreamablePipeline(Give("g", 1.0), inner)
    assert pointer_of(stack(pipeline, Pass("b", []))) == "/stack/0/streamable_block/stack/1"


def test_an_error_upstream_of_a_pipeline_shows_its_own_pointer():
    pipeline = StreamablePipeline(Give("g", 1.0), stack(Pass("a", [])))
    assert pointer_of(stack(Count(9, []), Bad(0), pipeline)) == "/stack/1"


def test_an_error_of_the_sequence_block_names_it():
    @frozen
    class Broken(SequenceBlock):
        def __call__(self, inputs):
            return inputs["ids"]

    pipeline = StreamablePipeline(Broken(), Count(9, []))
    with pytest.raises(BlockError) as caught:
        list(run(stack(pipeline), Tensors({"id": 1})))
    assert caught.value.pointer == "/stack/0/sequence_block"
    assert "no tensor 'ids' in the sequence tensors, which has: 'id'" in str(caught.value)


@pytest.mark.parametrize("at", [-1, 0])
def test_an_error_of_the_streamable_block_itself_names_it(at):
    pipeline = StreamablePipeline(Give("g", 1.0), Bad(at))
    upstream = Count(3, []).stream(Tensors(), None)
    assert pointer_of(pipeline, upstream) == "/streamable_block"


def test_the_error_says_what_failed_and_has_it_as_its_cause():
    cause = ValueError("three")
    with pytest.raises(BlockError, match="/stack/1: Bad failed: ValueError: three") as caught:
        list(run(stack(Count(3, []), Bad(0, cause))))
    assert caught.value.__cause__ is cause
    assert re.search(r"ValueError: three \(\S*test_containers.py:\d+\)$", str(caught.value))


def test_a_block_that_keeps_state_is_refused_with_where_state_belongs():
    @frozen
    class Keeps(StreamableBlock):
        last: int = 0

        def stream(self, sequence, upstream):
            for chunk in upstream:
                self.last = chunk.start
                yield chunk

    with pytest.raises(BlockError, match="a block is frozen: keep what changes in local"):
        list(run(stack(Count(3, []), Keeps())))


def test_a_missing_tensor_has_the_pointer_of_the_block_that_asked():
    with pytest.raises(MissingTensorError) as caught:
        list(run(stack(Count(3, []), Scale("factr")), Tensors({"factor": 2})))
    assert str(caught.value) == (
        "/stack/1: no tensor 'factr' in the sequence tensors, which has: 'factor' "
        "(did you mean 'factor'?)"
    )


def test_an_error_of_the_user_is_passed_on_as_it_is():
    error = InputError("no such speaker")
    with pytest.raises(InputError) as caught:
        list(run(stack(Count(3, []), Bad(0, error))))
    assert caught.value is error


@pytest.mark.parametrize("thing", [None, 5, {"audio": 1}])
def test_a_block_that_yields_another_thing_is_an_error_with_its_pointer(thing):
    @frozen
    class Odd(StreamableBlock):
        def stream(self, sequence, upstream):
            yield thing

    with pytest.raises(BlockError, match=f"/stack/0: yielded {type(thing).__name__}, expected"):
        list(run(stack(Odd(), Pass("a", []))))


@pytest.mark.parametrize("thing", [None, 5])
def test_a_block_that_does_not_return_an_iterator_is_an_error_with_its_pointer(thing):
    @frozen
    class Odd(StreamableBlock):
        def stream(self, sequence, upstream):
            return thing

    assert pointer_of(stack(Odd())) == "/stack/0"


def test_a_generator_that_raises_stop_iteration_is_an_error_and_not_an_end():
    @frozen
    class Odd(StreamableBlock):
        def stream(self, sequence, upstream):
            yield next(iter(()))

    assert pointer_of(stack(Odd())) == "/stack/0"


@frozen
class Around(StreamableBlock):
    """A container of a package: runs its blocks one after the other, none of them guarded."""

    first: StreamableBlock
    others: tuple[StreamableBlock, ...] = ()
    named: dict[str, StreamableBlock] = field(factory=dict)

    def stream(self, sequence, upstream):
        upstream = self.first.stream(sequence, upstream)
        for block in (*self.others, *self.named.values()):
            upstream = block.stream(sequence, upstream)
        yield from upstream


@pytest.mark.parametrize(
    ("block", "pointer"),
    [
        (Around(Bad(0)), "/stack/1/first"),
        (Around(Pass("a", []), (Pass("b", []), Bad(1))), "/stack/1/others/1"),
        (Around(stack(Pass("a", []), Around(Bad(2)))), "/stack/1/first/stack/1/first"),
        (Around(Pass("a", []), named={"b/c": Bad(1)}), "/stack/1/named/b~1c"),
    ],
)
def test_an_error_in_a_block_of_a_container_of_a_package_names_that_block(block, pointer):
    assert pointer_of(stack(Count(9, []), block)) == pointer


def test_every_block_is_guarded_once():
    block = located(stack(Count(3, []), Around(Pass("a", []), (Pass("b", []),))), "/x")
    places = []

    def visit(block):
        places.append(block.pointer)
        for option in fields(type(block.block)):
            value = getattr(block.block, option.name)
            for inner in value if isinstance(value, tuple) else [value]:
                if isinstance(inner, StreamableBlock):
                    visit(inner)

    for guarded in block.stack:
        visit(guarded)
    assert places == ["/x/stack/0", "/x/stack/1", "/x/stack/1/first", "/x/stack/1/others/0"]


def test_a_block_reads_the_options_of_a_block_within_it_as_they_were_built():
    @frozen
    class Reads(StreamableBlock):
        inner: Scale

        def stream(self, sequence, upstream):
            assert isinstance(self.inner, Scale)
            for chunk in upstream:
                yield chunk.replace(x=chunk["x"] * sequence[self.inner.by])

    assert values(run(stack(Count(2, []), Reads(Scale("two"))), Tensors({"two": 2}))) == [0, 2]


def test_an_option_that_is_validated_by_its_class_takes_the_block_in_its_place():
    @frozen
    class Strict(StreamableBlock):
        inner: Scale = field(validator=instance_of(Scale))

        def stream(self, sequence, upstream):
            return self.inner.stream(sequence, upstream)

    assert values(run(stack(Count(2, []), Strict(Scale("two"))), Tensors({"two": 2}))) == [0, 2]


def test_one_call_is_located():
    failed = r"^/frontend: Give failed: ZeroDivisionError"
    with pytest.raises(BlockError, match=failed) as caught, locating("/frontend", Give("g", 1.0)):
        _ = 1 / 0
    assert caught.value.pointer == "/frontend"


def test_an_error_that_has_a_place_keeps_it():
    inner = BlockError("wrong", "/stack/0/inner")
    with pytest.raises(BlockError) as caught, locating("/stack/0", Give("g", 1.0)):
        raise inner
    assert caught.value is inner
    assert caught.value.pointer == "/stack/0/inner"


def test_a_block_may_return_a_list_of_chunks():
    @frozen
    class Listed(StreamableBlock):
        def stream(self, sequence, upstream):
            return [Chunk({"x": np.ones((1, 1))}, 0, True)]

    assert values(run(stack(Listed()))) == [1]


# Pipelines --------------------------------------------------------------------------------------


def test_a_nested_pipeline_equals_its_flat_twin():
    sequence = Tensors({"factor": np.array([3.0])})
    flat = stack(Count(5, []), Scale(), Scale("factor"))
    nested = stack(
        StreamablePipeline(Give("other", 1.0), stack(Count(5, []), Scale())),
        StreamablePipeline(Give("another", 1.0), Scale("factor")),
    )
    assert values(run(nested, sequence)) == values(run(flat, sequence))
    assert values(run(flat, sequence)) == [0, 9, 18, 27, 36]


def test_a_pipeline_reads_the_enclosing_tensors_and_feeds_its_streamable_block():
    pipeline = StreamablePipeline(Give("factor", 10.0), stack(Count(3, []), Scale()))
    sequence = Tensors({"base": np.array([2.0])})
    assert values(run(pipeline, sequence)) == [0, 12, 24]


def test_what_a_pipeline_makes_is_not_seen_outside():
    pipeline = StreamablePipeline(Give("factor", 10.0), stack(Count(3, []), Scale()))
    sequence = Tensors()
    assert pointer_of(stack(pipeline, Scale())) == "/stack/1"
    list(run(pipeline, sequence))
    assert dict(sequence) == {}


def test_the_marks_of_the_sentence_are_kept_inside_a_pipeline():
    seen = []

    @frozen
    class Look(StreamableBlock):
        def stream(self, sequence, upstream):
            seen.append(sequence.marks)
            yield Chunk({}, last=True)

    list(run(StreamablePipeline(Give("g", 1.0), Look()), Tensors({}, ("mark",))))
    assert seen == [("mark",)]


def test_a_pipeline_runs_its_sequence_block_once_and_not_before_the_first_pull():
    calls = []

    @frozen
    class Counted(SequenceBlock):
        def __call__(self, inputs):
            calls.append(1)
            return Tensors()

    chunks = run(StreamablePipeline(Counted(), Count(4, [])))
    assert calls == []
    assert len(list(chunks)) == 4
    assert calls == [1]


def test_planning_reaches_through_pipelines_and_stacks(convolution):
    @frozen
    class Planned(StreamableBlock):
        schedule: Schedule = Schedule()

        def stream(self, sequence, upstream):
            return upstream

    nested = stack(StreamablePipeline(Give("g", 1.0), stack(Planned())))
    planned, _ = nested.planned(Schedule((3, 4)))
    assert planned.stack[0].streamable_block.stack[0].schedule.sizes == (3, 4)


# Stopping ---------------------------------------------------------------------------------------


def test_a_stop_from_another_thread_ends_within_one_chunk():
    utterance, log = Utterance("tiny"), []
    context = copy_context()
    context.run(set_current, utterance)
    chunks = run(stack(Count(99, log), Pass("a", log)))
    context.run(next, chunks)
    thread = threading.Thread(target=utterance.stop)
    thread.start()
    thread.join()
    made = sum(line.startswith("make") for line in log)
    with pytest.raises(Stopped):
        context.run(next, chunks)
    assert sum(line.startswith("make") for line in log) == made
    assert log[-2:] == ["close a", "close source"]


# Encoders ---------------------------------------------------------------------------------------


@pytest.fixture
def encoder(program):
    """An encoder that adds its inputs: encoder("b", "a", "ids") makes b of a and ids."""
    ran = []

    def make(made, *needed):
        def add(**inputs):
            ran.append(made)
            return {made: sum(inputs.values()) + 1}

        shapes = {name: ["batch", "text"] for name in needed}
        return program(add, shapes, {made: ["batch", "text"]}, name=made, role="encoder")

    make.ran = ran
    return make


IDS = Tensors({"ids": np.zeros((1, 3))})


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_encoders_run_by_need_whatever_the_order_of_their_declaration(encoder, order):
    programs = [encoder("a", "ids"), encoder("b", "a"), encoder("c", "a", "b")]
    made = Encoders(networks=tuple(programs[i] for i in order))(IDS)
    assert encoder.ran == ["a", "b", "c"]
    assert {name: value[0, 0] for name, value in made.items()} == {"a": 1, "b": 2, "c": 4}


def test_encoders_give_what_they_made_and_leave_their_inputs(encoder):
    made = Encoders(networks=(encoder("a", "ids"),))(IDS)
    assert set(made) == {"a"}
    assert set(IDS) == {"ids"}


def test_encoders_declare_what_they_do_not_make_for_each_other(encoder):
    encoders = Encoders(networks=(encoder("b", "a", "speaker"), encoder("a", "ids")))
    assert set(encoders.consumes) == {"ids", "speaker"}
    assert set(encoders.produces) == {"a", "b"}


def test_encoders_without_a_tensor_say_which(encoder):
    with pytest.raises(MissingTensorError, match=r"no tensor 'speaker'.*which has: 'ids'"):
        Encoders(networks=(encoder("a", "ids", "speaker"),))(IDS)


def test_encoders_in_a_circle_are_reported_with_what_they_wait_for(encoder):
    encoders = Encoders(
        networks=(encoder("a", "b"), encoder("b", "a"), encoder("c", "ids"), encoder("d", "a"))
    )
    (problem,) = encoders.problems(["ids"])
    assert "wired in a circle" in problem
    assert "'a' waits for 'b'" in problem
    assert "'b' waits for 'a'" in problem
    assert "'c'" not in problem


def test_no_encoders_make_nothing():
    assert Encoders(networks=())(IDS) == {}


def test_a_block_that_returns_a_chunk_is_refused_with_the_advice_to_yield_it():
    @frozen
    class Returns(StreamableBlock):
        def stream(self, sequence, upstream):
            return next(upstream)

    with pytest.raises(BlockError, match="returned a Chunk, expected an iterator; yield the chunk"):
        list(run(stack(Count(3, []), Returns())))


def test_a_block_that_fails_when_it_is_closed_is_named_and_the_one_before_is_closed():
    closed = []

    @frozen
    class First(StreamableBlock):
        def stream(self, sequence, upstream):
            try:
                yield Chunk({"x": np.zeros((1, 1))}, 0)
            finally:
                closed.append("first")

    @frozen
    class Unclean(StreamableBlock):
        def stream(self, sequence, upstream):
            try:
                yield from upstream
            finally:
                raise OSError("disk full")

    chunks = located(StreamableStack((First(), Unclean())), "").stream(Tensors(), None)
    next(chunks)
    with pytest.raises(BlockError, match=r"^/stack/1: Unclean failed: OSError: disk full"):
        chunks.close()
    assert closed == ["first"]
