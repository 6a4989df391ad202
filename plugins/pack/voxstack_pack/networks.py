"""Pack one network: name it, find its form, measure its manifest values, and check it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal, final

import numpy as np
import onnx
from attrs import evolve, field, frozen
from voxstack import VoxstackError
from voxstack.inspection import MASK

from voxstack_pack.addons import declared
from voxstack_pack.errors import ExportError
from voxstack_pack.examples import dimension, length, padded, resized, timed_inputs, twice
from voxstack_pack.graphs import STATE, export, quiet, reason
from voxstack_pack.measures import measure_context, measure_delay, measure_frame_ratio
from voxstack_pack.proof import Figures, Proof
from voxstack_pack.running import Arrays, Call, Program, eager
from voxstack_pack.runtimes import Runtime, loaded, runtimes
from voxstack_pack.strip import strip

Form = Literal["whole", "windows", "delayed", "stepped"]
UNSEEN = (53, 151)  # frames of the examples that are made from the first
UNSEEN_TEXT = (19, 83)


@final
@frozen
class Spec:
    """The author's description of a network."""

    name: str
    role: str
    time: str = "frames"  # the dimension along which the network runs
    form: Form | None = None  # None: chosen by what the network contains
    outputs: Mapping[str, str] = field(factory=dict)  # name -> its last dimension; "": fixed
    inputs: Mapping[str, str] = field(factory=dict)  # those whose last dimension is not ``time``
    state: Mapping[str, str] | None = None  # None: next_state_x follows state_x
    frame_ratio: int | None = None  # None: measured
    delay: int | None = None  # of a stepped network without a whole form
    formats: tuple[str, ...] = ("onnx",)


@final
@frozen
class Packed:
    """A network as it is written into an addon."""

    name: str
    form: Form
    entry: Mapping[str, Any]  # of the manifest
    graph: onnx.ModelProto
    files: Mapping[str, bytes]  # path in the addon -> bytes
    figures: tuple[Figures, ...]  # one per executor
    note: str = ""  # why a better form was not possible


def pack_module(
    spec: Spec,
    module: Any,
    examples: Sequence[Arrays],
    whole: Callable[..., object] | None = None,
    executors: Sequence[str] = (),
) -> Packed:
    """Pack a torch.nn.Module.

    ``examples`` are inputs of batch 1 in the order of ``forward``: the first is traced, the others
    have lengths that tracing never sees (made from the first if there are none). A stepped
    module's states are among them, ``state_...``, as zeros; ``whole`` is its whole-utterance form,
    called without them. ExportError names what cannot be exported or differs.
    """
    with _of_network(spec.name):
        _, *unseen = examples = completed(spec, examples)
        model = export(module, twice(examples[0]), spec.outputs, spec.time, spec.inputs)

        def reference(inputs: Arrays) -> Arrays:
            states = () if whole is None else [n for n in examples[0] if n.startswith(STATE)]
            given = {n: inputs[n] for n in examples[0] if n not in states}  # in forward's order
            names = [value.name for value in model.graph.output]
            return dict(zip(names, eager(whole or module, given), strict=False))

    return pack_graph(spec, model, reference, unseen, executors, whole is not None, module)


def pack_graph(
    spec: Spec,
    model: onnx.ModelProto,
    reference: Call,
    examples: Sequence[Arrays],
    executors: Sequence[str] = (),
    has_whole: bool = False,
    module: Any = None,
) -> Packed:
    """Pack an ONNX graph whose inputs, outputs and dimensions are already named.

    ``reference`` is the original, called on whole utterances (``has_whole``: also for a graph with
    states); ``module`` is what it was exported from, for the format "pt2".
    """
    with _of_network(spec.name):
        made, reference = _formed(spec, model, reference, examples, has_whole)
        files = {f"networks/{spec.name}.onnx": made.graph.SerializeToString(deterministic=True)}
        entry = dict(made.entry)
        if "pt2" in spec.formats:
            files |= _pt2(spec, made, module, examples[0])
            entry["files"] = {path.rpartition(".")[2]: path for path in files}
        made = evolve(made, entry=entry, files=files)
        return evolve(made, figures=_proved(spec, made, reference, examples, executors))


@contextlib.contextmanager
def _of_network(name: str) -> Iterator[None]:
    """Add the network's name to an ExportError."""
    try:
        yield
    except ExportError as error:
        raise error.of(name) from error.__cause__


def completed(spec: Spec, examples: Sequence[Arrays]) -> list[Arrays]:
    """Return at least three examples of different lengths: those given, and more from the first."""
    if not examples:
        raise ExportError("there is no example to trace it with; add one to the examples")
    made = list(examples)
    first = made[0]
    shapes: dict[str, tuple[int | str, ...]] = {}
    for name, value in first.items():
        free = value.ndim > 1 and not name.startswith("state_") and name not in (spec.state or ())
        time = spec.inputs.get(name, spec.time)
        shapes[name] = (*value.shape[:-1], time) if free and time else value.shape
    for number in range(len(made), 3):
        longer = first
        for time in {d for shape in shapes.values() if (d := dimension(shape))}:
            there = length(first, shapes, time)
            count = (UNSEEN_TEXT if time == "text" else UNSEEN)[number % 2]
            longer = resized(longer, shapes, time, count + (count == there), number)
        made.append(longer)
    return made


# Forms ------------------------------------------------------------------------------------------


def _formed(
    spec: Spec, model: onnx.ModelProto, reference: Call, examples: Sequence[Arrays], whole: bool
) -> tuple[Packed, Call]:
    """Return the network in its form, not checked yet, and the reference to compare it with."""
    program = Program(model, spec.state)
    if program.state:
        return _stepped(spec, model, program, reference, examples, whole)
    if spec.form == "stepped":
        raise ExportError('has no state, but form = "stepped" needs one; name its state inputs')
    if spec.form == "whole" or (spec.form is None and spec.time == "text"):
        return _packed(spec, "whole", model), reference
    return _streamed(spec, model, program, examples[0]), reference


def _packed(spec: Spec, form: Form, model: onnx.ModelProto, **facts: Any) -> Packed:
    entry = declared(spec.name, spec.role, model, **facts)
    return Packed(spec.name, form, entry, model, {}, ())


def _ratio(spec: Spec, measured: int) -> dict[str, int]:
    """Return the frame ratio for the manifest; ExportError if the author declares another."""
    if spec.frame_ratio not in (None, measured):
        raise ExportError(f"frame_ratio is {measured} as measured, not {spec.frame_ratio}")
    return {"frame_ratio": measured} if measured != 1 else {}


def _streamed(spec: Spec, model: onnx.ModelProto, program: Program, example: Arrays) -> Packed:
    """Measure the network, and choose between windows and the delayed form."""
    for value in model.graph.output:
        if dimension([d.dim_param or 1 for d in value.type.tensor_type.shape.dim]) is None:
            raise ExportError(
                f"output {value.name!r} has no time dimension, so it cannot be streamed; use "
                'form = "whole" for networks that run once per sentence'
            )
    ratio = measure_frame_ratio(program, example, spec.time)
    facts: dict[str, Any] = _ratio(spec, ratio)
    if ratio != 1:
        _name_samples(model, spec.time)
    context = measure_context(program, example, spec.time, ratio)
    if context is None:
        raise ExportError(
            f"every position of {spec.time} affects all others, so it cannot be streamed; make it "
            'causal or local, or use form = "whole" to run it once per sentence'
        )
    windows = _packed(spec, "windows", model, context=context, **facts)
    if spec.form == "windows" or not any(context.values()):
        return windows
    if "pt2" in spec.formats:
        why = 'no delayed form: that exists as ONNX only, and formats includes "pt2"'
        if spec.form == "delayed":
            raise ExportError(f'has {why}; remove "pt2", or use form = "windows"')
        return evolve(windows, note=f'{why}; formats = ["onnx"] allows it')
    from voxstack_pack.delayed import DelayedError, delayed

    try:
        made = delayed(model, time=spec.time)
    except DelayedError as error:
        if spec.form == "delayed":
            raise ExportError(f"has no delayed form: {error}") from error
        return evolve(windows, note=f"no delayed form: {error}")
    if made.frame_ratio != ratio:
        raise ExportError(f"its frame ratio is {made.frame_ratio} when stepped, {ratio} as a whole")
    strip(made.model)
    late = {"delay": made.delay} if made.delay else {}
    return _packed(spec, "delayed", made.model, state=made.state, **late, **facts)


def _name_samples(model: onnx.ModelProto, time: str) -> None:
    """Rename the time of the outputs, because its rate differs from the inputs'."""
    for value in model.graph.output:
        last = value.type.tensor_type.shape.dim[-1]
        if last.dim_param == time:
            last.dim_param = "samples"


def _stepped(
    spec: Spec,
    model: onnx.ModelProto,
    program: Program,
    reference: Call,
    examples: Sequence[Arrays],
    whole: bool,
) -> tuple[Packed, Call]:
    if spec.form not in (None, "stepped"):
        raise ExportError(f'has state, so its form is "stepped", not {spec.form!r}')
    given = {n: shape for n, shape in program.inputs.items() if n not in program.state}
    if not timed_inputs(given, spec.time):  # it feeds itself: there is no delay
        return _packed(spec, "stepped", model, state=program.state), reference
    zeros = {n: examples[0][n] for n in program.state if n in examples[0]}
    example = {**examples[0], **zeros}
    ratio = measure_frame_ratio(program, example, spec.time)
    facts = _ratio(spec, ratio)
    if ratio != 1:
        _name_samples(model, spec.time)
    delay = spec.delay or 0
    if whole:
        delays = set()
        for inputs in examples:
            expected = next(iter(reference(inputs).values()))
            delays.add(measure_delay(program, inputs, expected, ratio, spec.time))
        if len(delays) != 1:
            raise ExportError(f"its delay depends on the input: {sorted(delays)}")
        (delay,) = delays
    else:
        reference = _flushed(reference, program, spec.time, delay, ratio)
    late = {"delay": delay} if delay else {}
    return _packed(spec, "stepped", model, state=program.state, **late, **facts), reference


def _flushed(step: Call, program: Program, time: str, delay: int, ratio: int) -> Call:
    """Return a whole form of a stepped network: one step over all frames, the delay removed."""
    given = {n: shape for n, shape in program.inputs.items() if n not in program.state}
    zeros = {
        name: np.zeros((1, *program.inputs[name][1:]), np.float32)  # the host's initial states
        for name in program.state
    }
    after = set(program.state.values())

    def whole(inputs: Arrays) -> Arrays:
        outputs = step(padded(inputs, given, time, delay) | zeros)
        return {n: v[..., delay * ratio :] for n, v in outputs.items() if n not in after}

    return whole


# Formats and executors --------------------------------------------------------------------------


def _pt2(spec: Spec, made: Packed, module: Any, example: Arrays) -> dict[str, bytes]:
    if module is None:
        raise ExportError('was read from an ONNX file, but "pt2" requires a PyTorch module')
    try:
        from voxstack_torch.exporting import export_pt2
    except ModuleNotFoundError:
        raise ExportError(
            "cannot be exported to pt2: voxstack-torch is not installed (install it, or leave "
            '"pt2" out of formats)'
        ) from None

    shapes = {name: spec["shape"] for name, spec in made.entry["inputs"].items()}
    inputs = {name: value for name, value in twice(example).items() if name in shapes}
    with quiet():
        try:
            data = export_pt2(module, inputs, shapes)
        except Exception as error:  # torch raises exceptions of many types here
            raise ExportError(f"cannot be exported to pt2: {reason(error)}") from error
    return {f"networks/{spec.name}.pt2": data}


def _proved(
    spec: Spec, made: Packed, reference: Call, examples: Sequence[Arrays], only: Sequence[str]
) -> tuple[Figures, ...]:
    """Compare on every usable executor; ExportError if none runs the network, or one differs."""
    usable, reasons = runtimes(only)
    figures = [Figures(name, {}, reason) for name, reason in reasons.items()]
    shapes = {name: spec["shape"] for name, spec in made.entry["inputs"].items()}
    examples = [_masked(inputs, shapes, spec.time) for inputs in examples]
    for runtime in usable:
        if not {*runtime.formats} & {*made.entry["files"]}:
            said = f"only accepts {', '.join(runtime.formats)}"
            figures.append(Figures(runtime.name, {}, said))
            continue
        figures.append(_on(runtime, spec, made, shapes, reference, examples))
    if all(one.skipped for one in figures):
        said = "; ".join(f"{one.executor}: {one.skipped}" for one in figures)
        raise ExportError(f"no executor here runs it ({said or 'none is installed'})")
    return tuple(sorted(figures, key=lambda one: one.executor))


def _on(
    runtime: Runtime,
    spec: Spec,
    made: Packed,
    shapes: Mapping[str, Sequence[int | str]],
    reference: Call,
    examples: Sequence[Arrays],
) -> Figures:
    constant = {d for shape in shapes.values() if (d := dimension(shape))}
    if made.form != "whole":
        constant.discard(spec.time)  # the host chooses it, by windows or steps
    fixed = {time: max(length(one, shapes, time) for one in examples) for time in constant}
    with contextlib.ExitStack() as stack:
        try:
            program = stack.enter_context(loaded(runtime, spec.name, made.entry, made.files, fixed))
        except VoxstackError as error:
            return Figures(runtime.name, {}, f"cannot load it: {error}")
        try:
            proof = Proof(spec.name, runtime.name, runtime.static, program, spec.time)
            return proof.figures(reference, examples)
        except ExportError:
            raise
        except VoxstackError as error:
            raise ExportError(f"fails on {runtime.name}: {error}") from error


def _masked(inputs: Arrays, shapes: Mapping[str, Sequence[int | str]], time: str) -> Arrays:
    """Add the mask, if the delayed form has one and the original has not."""
    if MASK not in shapes or MASK in inputs:
        return inputs
    there = {name: shape for name, shape in shapes.items() if name in inputs}
    return {**inputs, MASK: np.ones((1, length(inputs, there, time)), np.float32)}
