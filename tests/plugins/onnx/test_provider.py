"""The format is found by its entry point, and needs nothing but the core."""

import subprocess
import sys
from importlib.metadata import entry_points

from voxstack_onnx import Onnx


def test_it_is_the_entry_point_of_its_name():
    (point,) = entry_points(group="voxstack.formats", name="onnx")
    assert point.load() is Onnx
    assert (Onnx.name, Onnx.kind) == ("onnx", "model")


def test_neither_a_runtime_nor_the_package_onnx_is_imported():
    code = (
        "import sys; from voxstack_onnx import Onnx; Onnx().describe(b'\\x08\\x08\\x3a\\x00');"
        "print(*{'onnx', 'onnxruntime', 'numpy'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
