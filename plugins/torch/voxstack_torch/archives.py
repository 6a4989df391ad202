"""Read a `.pt2` without torch, and refuse what is not data.

`torch.export.load` trusts what it reads. It unpickles constants, custom objects and example inputs
(with ``weights_only=False``), evaluates the expressions of shapes and the text of guards as Python,
imports what a tree of inputs names, and writes a graph's names into source that it runs. So an
archive is read here first, with the standard library alone, and refused where it needs any of
these. What torch gets is a new archive of what was checked: the graph, and tensors as plain bytes.

What is left to trust are torch's own kernels, on shapes and numbers of a stranger's choice.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any, final

from attrs import frozen
from voxstack import FormatError

NEVER = (1980, 1, 1, 0, 0, 0)  # the earliest time that a zip can hold
MODEL = "models/model.json"
CPU = {"type": "cpu", "index": None}

NAME = re.compile(r"[\w.-]*", re.ASCII)  # of tensors, parameters, dtypes; numbers as text
EXPRESSION = re.compile(r"[\w\s+*/%(),<>=!&|~-]*", re.ASCII)  # no dot, quote or bracket
SYMBOL = re.compile(r"[suz][a-z]{0,3}\d+|\d+", re.ASCII)
WRITTEN_OUT = re.compile(  # Symbol('s0', positive=True, integer=True)
    r"Symbol\('([suz][a-z]{0,3}\d+)'(, (positive|nonnegative|integer)=(True|False))*\)", re.ASCII
)
FUNCTION = re.compile(
    "Max|Min|Mod|Add|Mul|Pow|Abs|Eq|Ne|Ge|Gt|Le|Lt|And|Or|Not|True|False|floor|ceiling|oo|int_oo"
    "|Integer|Equality|Unequality|GreaterThan|StrictGreaterThan|LessThan|StrictLessThan|Identity"
    "|FloorDiv|ModularIndexing|Where|PythonMod|CleanDiv|CeilToInt|FloorToInt|CeilDiv|ToFloat"
    "|PowByNatural|FloatPow|FloatTrueDiv|IntTrueDiv|TruncToFloat|TruncToInt|RoundToInt"
)
OPERATOR = re.compile(r"torch\.ops\.aten\.(_?[a-z]\w*)\.[A-Za-z]\w*", re.ASCII)
REFUSED = {"from_file", "save", "load", "print", "warn"}  # they touch files, or show text
ARITHMETIC = re.compile(
    r"torch\.sym_[a-z]\w*|_operator\.(add|and_|eq|floordiv|ge|getitem|gt|le|lt|mod|mul|ne|neg|not_"
    r"|or_|pow|sub|truediv)|math\.(ceil|floor|sqrt|trunc)",
    re.ASCII,
)
WORD = re.compile(  # text that an operator may be given: modes, never paths
    "none|tanh|floor|trunc|mean|sum|prod|amax|amin|max|min|constant|reflect|replicate|circular"
    "|left|right|linear|nearest|bilinear|bicubic|ij|xy|valid|same"
)
TREES = {None, "builtins.tuple", "builtins.list", "builtins.dict"}


@final
@frozen
class Archive:
    """An exported program that is safe to load."""

    model: Mapping[str, Any]  # the graph, as torch serializes it
    tensors: Mapping[str, bytes]  # weights, constants and their tables, by path
    metas: Sequence[Mapping[str, Any]]  # dtype, sizes and strides of each of them
    version: str  # of the torch that wrote it
    archive_version: bytes

    def packed(self) -> bytes:
        """Return it as a new archive, for torch to load."""
        files = {
            "archive_format": b"pt2",
            "archive_version": self.archive_version,
            "byteorder": b"little",
            ".data/version": b"6\n",
            "models/model.json": json.dumps({**self.model, "torch_version": ""}).encode(),
            "data/sample_inputs/model.pt": b"",
            **self.tensors,
        }
        made = io.BytesIO()
        with zipfile.ZipFile(made, "w", zipfile.ZIP_STORED) as archive:
            for name, content in files.items():
                archive.writestr(zipfile.ZipInfo(f"archive/{name}", NEVER), content)
        return made.getvalue()


def checked(data: bytes) -> Archive:
    """Return what of an archive is safe to load; FormatError if the program needs more."""
    files = _files(data)
    model = _json(files, MODEL)
    try:
        version = str(model.pop("torch_version", "an unknown version"))
        _check_model(model)
        tensors: dict[str, bytes] = {}
        metas: list[Mapping[str, Any]] = []
        for kind in ("weights", "constants"):
            _read_tensors(files, kind, tensors, metas)
    except FormatError:
        raise
    except (LookupError, TypeError, AttributeError, ValueError, RecursionError) as error:
        raise FormatError(f"it is not built like an exported program ({error!r})") from error
    return Archive(model, tensors, metas, version, files.get("archive_version", b"0"))


def _files(data: bytes) -> dict[str, bytes]:
    """Read all files, named without the folder in which all of them lie."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            if sum(entry.file_size for entry in entries) > 4 * len(data) + 2**20:
                raise FormatError("it unpacks to far more than its size")
            files = {e.filename.partition("/")[2]: archive.read(e) for e in entries}
    except FormatError:
        raise
    except Exception as error:  # a damaged zip raises many things
        raise FormatError(f"it is not a .pt2 archive ({error})") from error
    for name in files:
        if name.startswith("data/aotinductor/"):
            raise FormatError(f"it holds machine code ({name})")
    if files.get("byteorder", b"little") != b"little":
        raise FormatError("its byte order is not little-endian")
    return files


def _json(files: dict[str, bytes], name: str) -> Any:
    if name not in files:
        if any(file.endswith("data.pkl") for file in files):
            raise FormatError(
                "it is not a .pt2 archive but a pickle of PyTorch (torch.save), which runs code "
                "when it is opened; addons hold data only"
            )
        raise FormatError(f"it has no {name}; save it again with torch.export.save")
    try:
        return json.loads(files[name])
    except (ValueError, RecursionError) as error:
        raise FormatError(f"{name} is not JSON ({error})") from error


def _read_tensors(
    files: dict[str, bytes], kind: str, tensors: dict[str, bytes], metas: list[Mapping[str, Any]]
) -> None:
    """Add the tensors of a kind and their table: plain bytes, on the CPU."""
    folder, table = f"data/{kind}", f"data/{kind}/model_{kind}_config.json"
    config = _json(files, table)
    for name, entry in config["config"].items():
        path = entry["path_name"]
        if entry["use_pickle"] or not re.fullmatch(r"(weight|tensor)_\d+", path, re.ASCII):
            raise FormatError(f"{name!r} is a pickle, which can run code; addons hold data only")
        tensors[f"{folder}/{path}"] = files[f"{folder}/{path}"]
        metas.append(entry["tensor_meta"])
    _check(config, "config")
    tensors[table] = json.dumps(config).encode()


def _check_model(model: dict[str, Any]) -> None:
    """Refuse what torch would evaluate, import or look up; drop what only people read."""
    module = model["graph_module"]
    model["guards_code"] = []
    module["metadata"] = {}
    module["module_call_graph"] = module["module_call_graph"][:1]  # the program itself
    for node in module["graph"]["nodes"]:
        node["metadata"] = {}
    _check(model, "program")


def _check(value: Any, key: str) -> None:
    """Check every string of a program by its key."""
    if isinstance(value, dict):
        for inner, held in value.items():
            if not NAME.fullmatch(inner):
                raise FormatError(f"{inner!r} is not a name")
            if inner in ("as_graph", "as_custom_obj", "as_operator") and held is not None:
                raise FormatError(f"it uses {inner!r}, which is not supported")
            if inner in ("device", "as_device") and held.keys() == CPU.keys():
                value[inner] = dict(CPU)  # it is moved to its device once it is loaded
            _check(held, inner)
    elif isinstance(value, list):
        for held in value:
            _check(held, key)
    elif isinstance(value, str):
        if key == "target":
            _check_operator(value)
        elif key in ("in_spec", "out_spec"):
            _check_tree(json.loads(value)[1])
        elif key == "expr_str":
            bare = WRITTEN_OUT.sub(r"\1", value)
            names = re.findall(r"\w+", bare)
            known = all(FUNCTION.fullmatch(n) or SYMBOL.fullmatch(n) for n in names)
            if not (known and EXPRESSION.fullmatch(bare)):
                raise FormatError(f"{value!r} is not an expression of shapes")
        elif key in ("as_string", "as_strings"):
            if not WORD.fullmatch(value):
                raise FormatError(f"it gives an operator the text {value!r}")
        elif not NAME.fullmatch(value):
            raise FormatError(f"{value!r} is not a name ({key})")


def _check_operator(target: str) -> None:
    found = OPERATOR.fullmatch(target)
    if not (found and found[1] not in REFUSED) and not ARITHMETIC.fullmatch(target):
        raise FormatError(f"it calls {target!r}; only torch's own operators (aten) are run")


def _check_tree(tree: Any) -> None:
    """Check how inputs and outputs are arranged; torch imports the types that it names."""
    if tree["type"] not in TREES:
        raise FormatError(
            f"it arranges its tensors in a {tree['type']!r}; only tuples, lists and dicts are read"
        )
    keys = json.loads(tree["context"] or "null") or []
    if not all(isinstance(key, str) and NAME.fullmatch(key) for key in keys):
        raise FormatError(f"it arranges its tensors by {keys!r}")
    for child in tree["children_spec"]:
        _check_tree(child)
