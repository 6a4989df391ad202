"""What is imported, and when: nothing before it is needed."""

import json
import subprocess
import sys

import pytest

HEAVY = {"torch", "onnxruntime", "onnx", "numpy", "cattrs", "rich", "structlog"}
PLUGINS = {
    "voxstack_standard",
    "voxstack_english",
    "voxstack_onnxruntime",
    "voxstack_voice_en_us",
}
RUNTIMES = {"torch", "onnxruntime", "onnx"}


def imported_by(code, folder, *arguments):
    """Run ``code`` in a fresh Python and give the top-level modules that it imported."""
    told = folder / "imported.json"  # not stdout, which a command may keep to itself
    at_exit = (
        "import atexit, json, pathlib, sys\n"
        f"told = pathlib.Path({str(told)!r})\n"
        "atexit.register(lambda: told.write_text(json.dumps(sorted(sys.modules))))\n"
    )
    subprocess.run(
        [sys.executable, "-c", at_exit + code, *arguments],
        capture_output=True,
        text=True,
        cwd=folder,
        timeout=60,
        check=True,
    )
    modules = set(json.loads(told.read_text()))
    return modules, {name.partition(".")[0] for name in modules}


def command(*words):
    return f"import sys\nsys.argv = ['voxstack', *{words!r}]\nimport voxstack.__main__"


def test_importing_the_library_imports_neither_runtime_nor_plugin(tmp_path):
    modules, tops = imported_by("import voxstack", tmp_path)
    assert tops & (HEAVY | PLUGINS) == set()
    assert [m for m in modules if m.startswith("voxstack.")] == ["voxstack.lazy"]


@pytest.mark.parametrize("words", [("plugins", "--json"), ("--version",), ("plugins", "--help")])
def test_listing_imports_neither_runtime_nor_plugin(tmp_path, words):
    _, tops = imported_by(command(*words), tmp_path)
    assert tops & (HEAVY | PLUGINS) == set()


def test_the_table_of_plugins_imports_no_plugin(tmp_path):
    _, tops = imported_by(command("plugins"), tmp_path)
    assert tops & (HEAVY | PLUGINS) == set()


def test_listing_voices_imports_neither_runtime_nor_plugin(tmp_path):
    _, tops = imported_by(command("voices", "--json"), tmp_path)
    assert tops & (RUNTIMES | PLUGINS) == set()


def test_looking_at_a_voice_imports_no_runtime(tmp_path):
    _, tops = imported_by(command("stack", "show", "en-us", "--json"), tmp_path)
    assert tops & RUNTIMES == set()


def test_a_built_voice_imports_the_runtime_when_a_network_is_loaded(tmp_path):
    build = "import voxstack, sys\nvoice = voxstack.Host().voice('en-us', load=False)\n"
    _, before = imported_by(build, tmp_path)
    assert before & RUNTIMES == set()
    assert "voxstack_onnxruntime" in before
    _, after = imported_by(build + "voice.load()", tmp_path)
    assert after & RUNTIMES == {"onnxruntime"}


def test_no_module_of_a_component_imports_a_runtime(tmp_path):
    code = (
        "import importlib\nfrom voxstack.plugins import Registry\n"
        "for r in Registry().registrations:\n"
        "    if r.distribution.startswith('voxstack'):\n"
        "        importlib.import_module(r.target.partition(':')[0])\n"
    )
    _, tops = imported_by(code, tmp_path)
    assert tops >= PLUGINS - {"voxstack_voice_en_us"}
    assert tops & RUNTIMES == set()


def test_the_library_never_imports_the_command_line(tmp_path):
    code = (
        "import voxstack, pkgutil, importlib\n"
        "for name in voxstack.__all__: getattr(voxstack, name)\n"
        "for module in pkgutil.walk_packages(voxstack.__path__, 'voxstack.'):\n"
        "    if not module.name.startswith(('voxstack.cli', 'voxstack.__main__')):\n"
        "        importlib.import_module(module.name)\n"
        "voxstack.Host().voice('en-us').synthesize('Yes.')\n"
    )
    modules, tops = imported_by(code, tmp_path)
    assert not [m for m in modules if m.startswith("voxstack.cli.")]
    assert tops & {"click", "rich", "torch"} == set()


def test_the_package_of_a_voice_is_located_and_never_imported(tmp_path):
    _, tops = imported_by(
        "import voxstack\nvoxstack.Host().voice('en-us').synthesize('Yes.')", tmp_path
    )
    assert "voxstack_voice_en_us" not in tops


def test_saying_something_imports_no_log(tmp_path):
    _, tops = imported_by(command("say", "Yes.", "-o", "yes.wav"), tmp_path)
    assert tops & {"torch", "onnx", "rich", "structlog"} == set()
