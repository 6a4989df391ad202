"""The rules of the house: sizes, and which way imports point."""

import ast
import io
import re
import tokenize
from pathlib import Path

import pytest
import voxstack

HOST = Path(voxstack.__file__).parent
ROOMS = ("plugins", "config", "addons", "running", "building")
# From the ground up: a module imports what stands before it, or in its own place.
FLOORS = (
    ("lazy", "errors", "logs", "schedule"),
    ("tensors", "networks", "utterance"),
    ("executors", "formats"),
    ("blocks",),
    ("containers", "hookspecs"),
    ("plugins",),
    ("config",),
    ("addons",),
    ("running",),
    ("building",),
    ("host",),
    ("inspection",),
    ("cli",),
    ("__main__",),
)
MODULES = sorted(HOST.rglob("*.py"))
SKIPPED = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
}


def name_of(path):
    parts = path.relative_to(HOST).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(path, typing_too=False):
    """Return the modules of voxstack that a module imports, as "room.module" or "module"."""
    tree = ast.parse(path.read_text("utf-8"))
    found = set()
    waiting = list(tree.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test) and not typing_too:
            continue
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("voxstack."):
            found.add(node.module.removeprefix("voxstack."))
        elif isinstance(node, ast.ImportFrom) and node.module == "voxstack":
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names if alias.name.startswith("voxstack.")]
            found |= {name.removeprefix("voxstack.") for name in names}
        waiting += ast.iter_child_nodes(node)
    return found


def all_imports(path):
    """Return every top-level package that a module imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and not node.level:
            found.add(node.module.partition(".")[0])
        elif isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
    return found


def code_lines(path):
    """Count lines of code: no blank lines, comments or docstrings."""
    text = path.read_text("utf-8")
    docs = set()
    for node in ast.walk(ast.parse(text)):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and isinstance(body[0], ast.Expr):
            value = body[0].value
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                docs.update(range(body[0].lineno, body[0].end_lineno + 1))
    lines = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in SKIPPED:
            lines.update(range(token.start[0], token.end[0] + 1))
    return len(lines - docs)


def floor_of(name):
    top = name.partition(".")[0]
    return next(i for i, modules in enumerate(FLOORS) if top in modules)


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_imports_point_down(path):
    name = name_of(path)
    for other in imports_of(path) if name else ():
        same_room = other.partition(".")[0] == name.partition(".")[0]
        assert same_room or floor_of(other) < floor_of(name) or other == "__version__", other


@pytest.mark.parametrize("room", [*ROOMS, "contracts"])
def test_no_circle_within_a_room(room):
    if room == "contracts":
        inside = {name_of(p): p for p in HOST.glob("*.py") if name_of(p)}
    else:
        inside = {name_of(p): p for p in (HOST / room).rglob("*.py") if p.stem != "__init__"}
    waiting = {
        name: imports_of(path, True) & inside.keys() - {name} for name, path in inside.items()
    }
    if room == "contracts":  # a hook is typed by what a later room makes
        waiting["hookspecs"] -= {"utterance"}
    while ready := [name for name, needs in waiting.items() if not needs]:
        for name in ready:
            del waiting[name]
        waiting = {name: needs - set(ready) for name, needs in waiting.items()}
    assert waiting == {}


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_room_is_entered_by_its_face(path):
    own = name_of(path).partition(".")[0]
    entered = {other for other in imports_of(path, True) if other.partition(".")[0] in ROOMS}
    assert {other for other in entered if "." in other and other.partition(".")[0] != own} == set()


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_the_host_imports_no_plugin_and_no_kit(path):
    assert [name for name in all_imports(path) if name.startswith("voxstack_")] == []
    if "cli" not in path.relative_to(HOST).parts:
        assert all_imports(path) & {"click", "rich", "pytest"} == set()


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_flags_and_commands_are_named_in_the_command_line_alone(path):
    if "cli" in path.relative_to(HOST).parts:
        return
    text = path.read_text("utf-8")
    assert re.findall(r"(?<![\w-])--[a-z][\w-]*", text) == []
    assert re.findall(r"voxstack (?:say|voices|plugins|stack|addon|doctor|bench)\b", text) == []


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_no_plugin_is_known_by_its_name(path):
    names = "standard|onnx|onnxruntime|openvino|torch|english|kit|pack|train|template|voice|vocoder"
    assert re.findall(rf"voxstack[-_](?:{names})\\b", path.read_text("utf-8")) == []


@pytest.mark.parametrize("room", ["", *ROOMS, "cli", "inspection"])
def test_every_exported_name_exists_where_the_stub_says(room):
    module = __import__(".".join(filter(None, ("voxstack", room))), fromlist=["*"])
    assert module.__all__
    assert all(getattr(module, name) is not None for name in module.__all__)


def test_the_host_keeps_its_budget_of_lines():
    host = [p for p in MODULES if "cli" not in p.relative_to(HOST).parts]
    assert len(list(HOST.glob("*.py"))) <= 16
    assert sum(map(code_lines, host)) <= 4620
    assert sum(map(code_lines, (HOST / "cli").rglob("*.py"))) <= 1100


def test_the_evening_path_is_short():
    contracts = "errors tensors networks schedule blocks containers executors formats utterance"
    files = [HOST / f"{name}.py" for name in f"{contracts} hookspecs logs host".split()]
    assert sum(map(code_lines, [*files, *(HOST / "plugins").rglob("*.py")])) <= 2500


@pytest.mark.parametrize("room", ["", *ROOMS, "cli"])
def test_no_exported_name_is_that_of_a_module(room):
    """Importing the module would replace the name in its package."""
    folder = HOST / room
    modules = {path.stem for path in folder.iterdir()}
    module = __import__(".".join(filter(None, ("voxstack", room))), fromlist=["*"])
    assert modules & {*module.__all__} == set()
