"""Write an addon (networks, symbols, card and manifest) completely or not at all."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, final

import onnx
from attrs import field, frozen

from voxstack_pack.errors import ExportError
from voxstack_pack.strip import require_private

MANIFEST = "addon.json"


@final
@frozen
class Draft:
    """The content of an addon before it is written."""

    manifest: Mapping[str, Any]  # everything but networks and files
    networks: Mapping[str, Mapping[str, Any]] = field(factory=dict)  # as declared() returns them
    graphs: Mapping[str, onnx.ModelProto] = field(factory=dict)  # name of a network -> ONNX
    texts: Mapping[str, str] = field(factory=dict)  # path in the addon -> text
    others: Mapping[str, bytes] = field(factory=dict)  # path in the addon -> bytes


def declared(
    name: str,
    role: str,
    model: onnx.ModelProto,
    *,
    state: Mapping[str, str] | None = None,
    **rest: Any,
) -> dict[str, Any]:
    """Return the manifest entry of a network, read from its graph.

    ``state`` maps each state input to the output that holds its next value (default:
    ``next_state_x`` follows ``state_x``); ``rest`` is context, delay and frame_ratio.
    """

    def specs(values: Iterable[onnx.ValueInfoProto]) -> dict[str, Any]:
        return {
            value.name: {
                "dtype": _dtype(value),
                "shape": [d.dim_param or d.dim_value for d in value.type.tensor_type.shape.dim],
            }
            for value in values
        }

    inputs, outputs = specs(model.graph.input), specs(model.graph.output)
    if state is None:
        state = {name: f"next_{name}" for name in inputs if name.startswith("state_")}
    return {
        "role": role,
        "files": {"onnx": f"networks/{name}.onnx"},
        "inputs": inputs,
        "outputs": outputs,
        **({"state": dict(state)} if state else {}),
        **rest,
    }


def _dtype(value: onnx.ValueInfoProto) -> str:
    from voxstack.inspection import DTYPES

    name = str(onnx.helper.tensor_dtype_to_np_dtype(value.type.tensor_type.elem_type))
    if name not in DTYPES:
        raise ExportError(
            f"tensor {value.name!r} has the dtype {name}; expected one of {', '.join(DTYPES)}"
        )
    return name


def files_of(draft: Draft) -> dict[str, bytes]:
    """Return every data file but the manifest; ExportError for a graph that contains paths."""
    files: dict[str, bytes] = {}
    for name, graph in draft.graphs.items():
        require_private(f"{name}.onnx", graph)
        files[f"networks/{name}.onnx"] = graph.SerializeToString(deterministic=True)
    return files | dict(draft.others) | {p: text.encode() for p, text in draft.texts.items()}


def write(draft: Draft, folder: Path) -> int:
    """Write an addon's data files into a folder that may hold other files; return their size.

    Either all of them are written or none. Networks of an addon that was in the folder before
    are removed if this addon does not have them.
    """
    files = files_of(draft)
    partial = folder / ".partial"
    text = _manifest(draft, files)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        old = _listed(folder)
        shutil.rmtree(partial, ignore_errors=True)
        for path, data in files.items():
            target = partial / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
        for path in files:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (partial / path).replace(folder / path)
        write_text(folder / MANIFEST, text)
        for path in old - files.keys():
            (folder / path).unlink(missing_ok=True)
    except OSError as error:
        raise ExportError(f"{folder}: cannot write: {error.strerror or error}") from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return sum(map(len, files.values())) + len(text)


def _listed(folder: Path) -> set[str]:
    """Return the network files of the addon in a folder, none if there is no addon."""
    try:
        files = json.loads((folder / MANIFEST).read_text("utf-8"))["files"]
        return {p for p in files if p.startswith("networks/") and ".." not in p.split("/")}
    except (OSError, ValueError, LookupError, TypeError):
        return set()


def _manifest(draft: Draft, files: Mapping[str, bytes]) -> str:
    entries = {path: file_entry(data) for path, data in files.items()}
    whole = {**draft.manifest, "networks": draft.networks, "files": entries}
    # People read the stack more often than the networks' tensors, so it comes first.
    if "stack" in whole:
        whole = {k: v for k, v in whole.items() if k not in ("networks", "stack", "files")} | {
            k: whole[k] for k in ("stack", "networks", "files")
        }
    return pretty(whole) + "\n"


def file_entry(data: bytes) -> dict[str, Any]:
    """Return the manifest entry of a file."""
    return {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}


def write_text(path: Path, text: str) -> None:
    """Write a text file completely or not at all."""
    partial = path.with_name(path.name + ".part")
    partial.write_text(text, encoding="utf-8", newline="\n")
    partial.replace(path)


def pretty(value: Any, indent: int = 0) -> str:
    """Return JSON with every value that fits on a line of its own, so that a tensor is one line."""
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
