"""Pack an addon from its recipe: every network, then the manifest, then the folder."""

from __future__ import annotations

import json
import math
import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, final

from attrs import evolve, frozen
from voxstack import ConfigError, Host, InputError, VoxstackError
from voxstack.inspection import did_you_mean

from voxstack_pack import loading, onnxfile
from voxstack_pack.addons import MANIFEST, Draft, write
from voxstack_pack.errors import ExportError
from voxstack_pack.networks import Packed, Spec, completed, pack_graph, pack_module
from voxstack_pack.recipe import NetworkRecipe, ReadRecipe, TensorRecipe
from voxstack_pack.running import Arrays, Program
from voxstack_pack.runtimes import recorded
from voxstack_pack.sizes import text_sizes
from voxstack_pack.strip import strip

Progress = Callable[[str], None]


@final
@frozen
class PackedAddon:
    """The result of packing."""

    folder: Path
    size: int  # bytes
    networks: tuple[Packed, ...]


def pack(
    read: ReadRecipe,
    folder: Path,
    *,
    force: bool = False,
    executors: Sequence[str] = (),
    progress: Progress = lambda text: None,
) -> PackedAddon:
    """Pack an addon into ``folder``; nothing is written unless every check passes.

    ``force`` writes into a folder that holds something else than an addon; ``executors`` are those
    to check on (default: all). ConfigError for a problem of the recipe, ExportError for a network
    that cannot be packed or fails a check.
    """
    _require_place(folder, force)
    texts, others = _files(read)
    packed = []
    for name in read.recipe.networks:
        progress(f"{name}: packing")
        packed.append(_network(read, name, executors))
    formats = [name for one in packed for name in one.entry["files"]]
    draft = Draft(
        {**_manifest(read), **recorded(formats, executors)},
        {one.name: one.entry for one in packed},
        {one.name: one.graph for one in packed},
        texts,
        others | {p: data for one in packed for p, data in one.files.items() if p[-5:] != ".onnx"},
    )
    _require_hop(read, draft.networks)
    progress("checking the addon")
    draft = _checked(read, draft)
    return PackedAddon(folder, write(draft, folder), tuple(packed))


def _require_place(folder: Path, force: bool) -> None:
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder}: not a folder; choose another one")
    other = folder.is_dir() and any(folder.iterdir()) and not (folder / MANIFEST).is_file()
    if other and not force:
        raise InputError(
            f"{folder}: holds something else than an addon; choose another folder, or use --force"
        )
    near = next(p for p in [folder, *folder.absolute().parents] if p.exists())
    try:
        with tempfile.TemporaryFile(dir=near):
            pass
    except OSError as error:
        raise InputError(f"{folder}: cannot write: {error.strerror or error}") from None


# Everything but the networks --------------------------------------------------------------------


def _manifest(read: ReadRecipe) -> dict[str, Any]:
    recipe = read.recipe
    stack = recipe.stack
    if isinstance(stack, str):
        try:
            stack = json.loads(read.read("/stack", stack))
        except ValueError as error:
            raise read.refuse("/stack", f"{recipe.stack}: not JSON: {error}") from None
    return {
        "format": 1,
        **read.given("name", "version", "language", "license", "author", "homepage", "datasets"),
        **read.given("description"),
        **({"card": Path(recipe.card).name} if recipe.card else {}),
        **read.given("sample", "audio", "frontend"),
        **({"symbols": "symbols.json"} if recipe.symbols else {}),
        **read.given("controls", "sizes"),
        **({"stack": stack} if stack is not None else {}),
    }


def _files(read: ReadRecipe) -> tuple[dict[str, str], dict[str, bytes]]:
    recipe, texts, others = read.recipe, {}, {}
    named = {"card": recipe.card, "symbols": recipe.symbols}
    for option, path in named.items():
        if path is None:
            continue
        name = "symbols.json" if option == "symbols" else Path(path).name
        try:
            texts[name] = read.read(f"/{option}", path).decode("utf-8")
        except UnicodeDecodeError:
            raise read.refuse(f"/{option}", f"{path}: not UTF-8 text") from None
    for index, path in enumerate(recipe.files):
        name = Path(path).name
        if name in texts or name in others or name == MANIFEST:
            raise read.refuse(f"/files/{index}", f"{name!r} is already in the addon")
        others[name] = read.read(f"/files/{index}", path)
    return texts, others


def _require_hop(read: ReadRecipe, networks: dict[str, dict[str, Any]]) -> None:
    """Compare the hop with the vocoder's measured frame ratio: Phase and Noise rely on the hop."""
    decoders = [n.get("frame_ratio", 1) for n in networks.values() if n["role"] == "decoder"]
    for name, network in networks.items():
        samples, hop = network.get("frame_ratio", 1), read.recipe.audio.hop
        # The ratio of a vocoder from samples to samples does not depend on frames.
        if network["role"] != "vocoder" or samples == 1:
            continue
        if hop not in (samples, samples * math.prod(decoders)):
            raise read.refuse(
                "/audio/hop",
                f"is {hop}, but the vocoder {name!r} makes {samples} samples per frame",
                f"audio = {{ ..., hop = {samples} }}",
            )


def _checked(read: ReadRecipe, draft: Draft) -> Draft:
    """Open the addon as a host does before it is written to its folder; count its texts."""
    place = Path(tempfile.mkdtemp(prefix="voxstack-pack-"))
    try:
        write(draft, place)
        with Host() as host:
            if problems := host.check(place):
                raise ConfigError([evolve(p, file=MANIFEST) for p in problems])
            if read.recipe.texts is None:
                return draft
            lines = read.read("/texts", read.recipe.texts).decode("utf-8", "replace").splitlines()
            inputs = [
                name
                for network in draft.networks.values()
                for name, spec in network["inputs"].items()
                if spec["shape"][-1] == "text" and not name.endswith("mask")
            ]
            try:
                sizes = text_sizes(host.voice(str(place), load=False), lines, inputs)
            except VoxstackError as error:
                raise read.refuse("/texts", f"{read.recipe.texts}: {error}") from error
            return evolve(draft, manifest={**draft.manifest, "sizes": {"text": sizes}})
    finally:
        shutil.rmtree(place, ignore_errors=True)


# Networks ---------------------------------------------------------------------------------------


def _network(read: ReadRecipe, name: str, executors: Sequence[str]) -> Packed:
    recipe = read.recipe.networks[name]
    try:
        if recipe.module is not None:
            return _from_module(read, name, recipe, executors)
        return _from_onnx(read, name, recipe, executors)
    except ExportError as error:
        text = str(error.of(name))
        raise read.refuse(f"/networks/{name}", text) from error


def _spec(read: ReadRecipe, name: str, recipe: NetworkRecipe, **facts: Any) -> Spec:
    return Spec(
        name,
        recipe.role,
        recipe.along,
        recipe.form,
        state=recipe.state or None,
        frame_ratio=recipe.frame_ratio,
        delay=recipe.delay,
        formats=read.recipe.formats,
        **facts,
    )


def _times(tensors: dict[str, TensorRecipe], along: str) -> dict[str, str]:
    return {n: along if tensor.time is None else tensor.time for n, tensor in tensors.items()}


def _from_module(
    read: ReadRecipe, name: str, recipe: NetworkRecipe, executors: Sequence[str]
) -> Packed:
    inputs, outputs = recipe.tensors("inputs"), recipe.tensors("outputs")
    made = loading.load_module(str(recipe.module), read.folder, list(inputs))
    _require_known(inputs, made.examples[0], "the factory's examples have no input")
    spec = _spec(
        read,
        name,
        recipe,
        outputs=_times(outputs, recipe.along),
        inputs=_times(inputs, recipe.along),
    )
    return pack_module(spec, made.module, made.examples, made.whole, executors)


def _require_known(given: Any, there: Any, message: str) -> None:
    for name in given:
        if name not in there:
            hint = did_you_mean(name, there) or f"there: {', '.join(there)}"
            raise ExportError(f"{message} {name!r} ({hint})")


def _from_onnx(
    read: ReadRecipe, name: str, recipe: NetworkRecipe, executors: Sequence[str]
) -> Packed:
    path = read.folder / str(recipe.onnx)
    model = onnxfile.read_onnx(path)
    original = onnxfile.read_onnx(path)
    inputs, outputs = recipe.tensors("inputs"), recipe.tensors("outputs")
    called = {n: tensor.called or n for n, tensor in {**inputs, **outputs}.items()}
    onnxfile.rename(model, called)
    _drop_outputs(model, outputs)
    along = recipe.along
    onnxfile.name_inputs(model, along, {n: tensor.time for n, tensor in inputs.items()})
    spec = _spec(read, name, recipe, inputs=_times(inputs, along))
    examples = _examples(read, recipe, model, spec)
    state = spec.state or {}
    program = Program(model, state if spec.state else None)
    made = [onnxfile.run_example(program, example) for example in examples[:2]]
    onnxfile.name_outputs(model, made, along, {n: t.time for n, t in outputs.items()})
    strip(model)
    whole = Program(original, {})
    names = {name: called.get(name, name) for name in [*program.inputs, *program.outputs]}

    def reference(given: Arrays) -> Arrays:
        outputs = whole({names[n]: value for n, value in given.items() if n in program.inputs})
        return {name: outputs[names[name]] for name in program.outputs}

    return pack_graph(spec, model, reference, examples[1:], executors)


def _drop_outputs(model: Any, outputs: dict[str, TensorRecipe]) -> None:
    """Keep only the outputs that the recipe names, if it names any."""
    if outputs:
        kept = [value for value in model.graph.output if value.name in outputs]
        after = [v for v in model.graph.output if v.name.startswith("next_state_")]
        del model.graph.output[:]
        model.graph.output.extend([*kept, *(v for v in after if v not in kept)])


def _examples(read: ReadRecipe, recipe: NetworkRecipe, model: Any, spec: Spec) -> list[Arrays]:
    given = recipe.examples
    if given is None:
        examples: Sequence[Arrays] = [onnxfile.random_example(model)]
    elif ":" in given:
        examples = loading.as_arrays(given, loading.call(given, read.folder))
    else:
        examples = loading.as_arrays(given, onnxfile.read_npz(read.folder / given))
    fixed = {
        value.name: ""
        for value in model.graph.input
        if value.type.tensor_type.shape.dim[-1].dim_value
    }
    return completed(evolve(spec, inputs={**spec.inputs, **fixed}), examples)
