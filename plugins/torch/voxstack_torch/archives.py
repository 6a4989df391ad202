"""What of a `.pt2` may reach torch: addons are data, never code.

`torch.export.load` trusts what it reads. It unpickles constants, custom objects and example inputs
(with ``weights_only=False``), evaluates the expressions of shapes and the text of guards as Python,
imports what a tree of inputs names, and writes a graph's names into source that it runs. So an
archive is read here first, with the standard library alone, and refused where it needs any of
these. What torch gets is a new archive of what was looked at: the graph, and tensors as plain
bytes.

What is left to trust are torch's own kernels, on shapes and numbers of a stranger's choice.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from typing import Any

NEVER = (1980, 1, 1, 0, 0, 0)  # the earliest time that a zip can hold
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


class UnsafeError(ValueError):
    """An archive that could run code, or that is no exported program."""


def checked(data: bytes) -> tuple[bytes, str]:
    """Give an archive that is safe to load, and the version of torch that wrote ``data``.

    Raises UnsafeError for what cannot be made so.
    """
    files = _files(data)
    model = _json(files, "models/model.json")
    try:
        version = model.pop("torch_version", "an unknown version")
        _check_model(model)
        kept = {
            "archive_format": b"pt2",
            "archive_version": files.get("archive_version", b"0"),
            "byteorder": b"little",
            ".data/version": b"6\n",
            "models/model.json": json.dumps(model | {"torch_version": ""}).encode(),
            "data/sample_inputs/model.pt": b"",
            **_tensors(files, "weights"),
            **_tensors(files, "constants"),
        }
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise UnsafeError(f"it is not built like an exported program ({error!r})") from error
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_STORED) as archive:
        for name, content in kept.items():
            archive.writestr(zipfile.ZipInfo(f"archive/{name}", NEVER), content)
    return made.getvalue(), str(version)


def _files(data: bytes) -> dict[str, bytes]:
    """Read all files, named without the folder in which all of them lie."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            if sum(entry.file_size for entry in entries) > 4 * len(data) + 2**20:
                raise UnsafeError("it unpacks to far more than its size")
            files = {e.filename.partition("/")[2]: archive.read(e) for e in entries}
    except UnsafeError:
        raise
    except Exception as error:  # a damaged zip raises many things
        raise UnsafeError(f"it is no .pt2 archive ({error})") from error
    for name in files:
        if name.startswith("data/aotinductor/"):
            raise UnsafeError(f"it holds machine code ({name})")
    if files.get("byteorder", b"little") != b"little":
        raise UnsafeError("its byte order is not little-endian")
    return files


def _json(files: dict[str, bytes], name: str) -> Any:
    if name not in files:
        raise UnsafeError(f"it has no {name}; save it again with torch.export.save")
    try:
        return json.loads(files[name])
    except (ValueError, RecursionError) as error:
        raise UnsafeError(f"{name} is no JSON ({error})") from error


def _tensors(files: dict[str, bytes], kind: str) -> dict[str, bytes]:
    """Give the tensors of a kind and their table: plain bytes, on the CPU."""
    folder, table = f"data/{kind}", f"data/{kind}/model_{kind}_config.json"
    config = _json(files, table)
    kept = {}
    for name, entry in config["config"].items():
        path = entry["path_name"]
        if entry["use_pickle"] or not re.fullmatch(r"(weight|tensor)_\d+", path, re.ASCII):
            raise UnsafeError(f"{name!r} is a pickle, which can run code")
        kept[f"{folder}/{path}"] = files[f"{folder}/{path}"]
    _check(config, "config")
    return {table: json.dumps(config).encode(), **kept}


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
    """Look at every string of a program by the key that it stands under."""
    if isinstance(value, dict):
        for inner, held in value.items():
            if not NAME.fullmatch(inner):
                raise UnsafeError(f"{inner!r} is no name")
            if inner in ("as_graph", "as_custom_obj", "as_operator") and held is not None:
                raise UnsafeError(f"it uses {inner!r}, which is not supported")
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
                raise UnsafeError(f"{value!r} is no expression of shapes")
        elif key in ("as_string", "as_strings"):
            if not WORD.fullmatch(value):
                raise UnsafeError(f"it gives an operator the text {value!r}")
        elif not NAME.fullmatch(value):
            raise UnsafeError(f"{value!r} is no name ({key})")


def _check_operator(target: str) -> None:
    found = OPERATOR.fullmatch(target)
    if not (found and found[1] not in REFUSED) and not ARITHMETIC.fullmatch(target):
        raise UnsafeError(f"it calls {target!r}; only torch's own operators (aten) are run")


def _check_tree(tree: Any) -> None:
    """Look at how inputs and outputs are arranged; torch imports the types that it names."""
    if tree["type"] not in TREES:
        raise UnsafeError(f"it takes or gives a {tree['type']!r}; only tuples, lists and dicts")
    keys = json.loads(tree["context"] or "null") or []
    if not all(isinstance(key, str) and NAME.fullmatch(key) for key in keys):
        raise UnsafeError(f"it arranges its tensors by {keys!r}")
    for child in tree["children_spec"]:
        _check_tree(child)
