"""The kit uses the host by its faces alone, and its rooms import one another one way."""

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import voxstack_kit

FOLDER = Path(voxstack_kit.__file__).parent
FACES = {"voxstack", "voxstack.inspection", "voxstack.cli"}


def imports():
    """Yield (room, module) of every import in the kit."""
    for path in FOLDER.rglob("*.py"):
        room = path.relative_to(FOLDER).parts[0]
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module:
                yield room, node.module
            elif isinstance(node, ast.Import):
                yield from ((room, alias.name) for alias in node.names)


def test_it_imports_nothing_of_the_host_but_its_faces():
    used = {module for _, module in imports() if module.partition(".")[0] == "voxstack"}
    assert used <= FACES


def test_its_rooms_import_one_another_without_a_circle():
    rooms: dict[str, set[str]] = {}
    for room, module in imports():
        if module.startswith("voxstack_kit.") and (other := module.split(".")[1]) != room:
            rooms.setdefault(room, set()).add(other)
    assert [*TopologicalSorter(rooms).static_order()]
