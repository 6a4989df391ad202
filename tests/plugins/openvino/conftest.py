"""These tests need OpenVINO and its plugin."""

from importlib.util import find_spec

if not (find_spec("openvino") and find_spec("voxstack_openvino")):
    collect_ignore_glob = ["test_*.py"]
