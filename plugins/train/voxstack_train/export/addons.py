"""Writing an addon: networks, symbols, card and manifest, whole or not at all."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, final

import onnx
from attrs import field, frozen

from voxstack_train.export.running import ExportError

DTYPES = {onnx.TensorProto.INT64: "int64", onnx.TensorProto.FLOAT: "float32"}
PRIVATE = re.compile(rb"/(work|root|home|tmp|usr|opt|Users)/|\.py\b|Traceback")
EVALUATION = "<!-- evaluation -->"  # where a card's table goes


@final
@frozen
class Draft:
    """An addon that is to be written."""

    manifest: Mapping[str, Any]  # all but networks and files
    networks: Mapping[str, Mapping[str, Any]] = field(factory=dict)
    graphs: Mapping[str, onnx.ModelProto] = field(factory=dict)
    texts: Mapping[str, str] = field(factory=dict)  # path in the addon -> text


def declared(name: str, role: str, model: onnx.ModelProto, **rest: Any) -> dict[str, Any]:
    """Give the manifest entry of a network, read off its graph."""

    def specs(values: Iterable[onnx.ValueInfoProto]) -> dict[str, Any]:
        return {
            value.name: {
                "dtype": DTYPES[value.type.tensor_type.elem_type],
                "shape": [d.dim_param or d.dim_value for d in value.type.tensor_type.shape.dim],
            }
            for value in values
        }

    inputs, outputs = specs(model.graph.input), specs(model.graph.output)
    states = {name: f"next_{name}" for name in inputs if name.startswith("state_")}
    return {
        "role": role,
        "files": {"onnx": f"networks/{name}.onnx"},
        "inputs": inputs,
        "outputs": outputs,
        **({"state": states} if states else {}),
        **rest,
    }


def write(draft: Draft, folder: Path) -> int:
    """Write an addon's data files into a folder that may hold other files; gives their bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / ".partial"
    shutil.rmtree(partial, ignore_errors=True)
    files: dict[str, bytes] = {}
    for name, graph in draft.graphs.items():
        if found := PRIVATE.search(_words(graph)):
            raise ExportError(f"{name}.onnx still carries {found.group()!r}")
        files[f"networks/{name}.onnx"] = graph.SerializeToString(deterministic=True)
    files |= {path: text.encode("utf-8") for path, text in draft.texts.items()}
    try:
        for path, data in files.items():
            target = partial / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
        text = _manifest(draft, files)
        for path in files:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (partial / path).replace(folder / path)
        _write_text(folder / "addon.json", text)
    except OSError as error:
        raise ExportError(f"{folder}: cannot be written: {error}") from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return sum(map(len, files.values())) + len(text)


def _words(graph: onnx.ModelProto) -> bytes:
    """Give all of a graph but its weights, whose bytes spell anything."""
    bare = onnx.ModelProto()
    bare.CopyFrom(graph)
    for tensor in bare.graph.initializer:
        tensor.ClearField("raw_data")
    return bare.SerializeToString()


def _manifest(draft: Draft, files: Mapping[str, bytes]) -> str:
    entries = {path: _entry(data) for path, data in files.items()}
    whole = {**draft.manifest, "networks": draft.networks, "files": entries}
    # The stack is read more often than the networks' tensors: what a person wants comes first.
    if "stack" in whole:
        whole = {k: v for k, v in whole.items() if k not in ("networks", "stack", "files")} | {
            k: whole[k] for k in ("stack", "networks", "files")
        }
    return pretty(whole) + "\n"


def _entry(data: bytes) -> dict[str, Any]:
    return {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}


def _write_text(path: Path, text: str) -> None:
    partial = path.with_name(path.name + ".part")
    partial.write_text(text, encoding="utf-8", newline="\n")
    partial.replace(path)


def fill_card(folder: Path, table: str) -> None:
    """Put a table of figures into an addon's card, and the card's new hash into the manifest."""
    manifest = json.loads((folder / "addon.json").read_text("utf-8"))
    card = folder / manifest["card"]
    before, mark, after = card.read_text("utf-8").partition(EVALUATION)
    if not mark:
        raise ExportError(f"{card}: has no line {EVALUATION}, where its figures go")
    # What stood there before ends at the next heading.
    rest = after[after.find("\n## ") :] if "\n## " in after else "\n"
    text = f"{before}{EVALUATION}\n\n{table.strip()}\n{rest}"
    manifest["files"][manifest["card"]] = _entry(text.encode("utf-8"))
    _write_text(card, text)
    _write_text(folder / "addon.json", pretty(manifest) + "\n")


def pretty(value: Any, indent: int = 0) -> str:
    """JSON with whatever fits on a line of its own, so that a tensor is one line."""
    line = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, dict | list) or len(line) + indent <= 76:
        return line
    inner = " " * (indent + 2)
    if isinstance(value, dict):
        items = [f"{json.dumps(k)}: {pretty(v, indent + 2)}" for k, v in value.items()]
    else:
        items = [pretty(item, indent + 2) for item in value]
    start, end = "{}" if isinstance(value, dict) else "[]"
    return f"{start}\n{inner}" + f",\n{inner}".join(items) + f"\n{' ' * indent}{end}"
