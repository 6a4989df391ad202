"""``voxstack executors``: what can run networks here, and why one cannot."""

import json

EXECUTOR = """
from attrs import frozen
from voxstack import Executor
@frozen
class {name}(Executor):
    formats = ("onnx", "acme")
    static = True
    {option}
    def available(self):
        {probe}
    @classmethod
    def devices(cls):
        {devices}
    def load(self, network):
        raise AssertionError
"""


def executor(option="", probe="return None", devices='return ("NPU.0",)', name="Npu"):
    return EXECUTOR.format(name=name, option=option, probe=probe, devices=devices)


def listed(voxstack, name):
    rows = json.loads(voxstack.good("executors", "--json").out)
    (row,) = (row for row in rows if row["name"] == name)
    return row


def test_an_executor_is_listed_with_its_formats_and_devices(voxstack):
    row = listed(voxstack, "OnnxRuntime")
    assert row["distribution"] == "voxstack-onnxruntime"
    assert (row["formats"], row["static"], row["available"]) == (["onnx"], False, True)
    assert "CPUExecutionProvider" in row["devices"] and row["reason"] is None


def test_an_executor_that_cannot_run_here_is_listed_with_its_reason(voxstack, install):
    source = executor(probe='return "no NPU found; install its driver"')
    install("acme-npu", {"executors.Npu": "acme_npu:Npu"}, source)
    row = listed(voxstack, "Npu")
    assert (row["available"], row["reason"]) == (False, "no NPU found; install its driver")
    assert (row["static"], row["formats"]) == (True, ["onnx", "acme"])


def test_a_probe_or_a_list_of_devices_that_fails_is_a_reason(voxstack, install):
    source = executor(probe="raise OSError('driver')")
    source += executor(devices="raise OSError('bus')", name="Gpu")
    entry_points = {"executors.Npu": "acme_npu:Npu", "executors.Gpu": "acme_npu:Gpu"}
    install("acme-npu", entry_points, source)
    assert listed(voxstack, "Npu")["reason"] == "its probe failed: OSError: driver"
    assert "cannot be listed: OSError: bus" in listed(voxstack, "Gpu")["reason"]


def test_an_executor_that_needs_options_says_which(voxstack, install):
    install("acme-npu", {"executors.Npu": "acme_npu:Npu"}, executor(option="core: int"))
    assert "needs options: option 'core' is missing" in listed(voxstack, "Npu")["reason"]


def test_an_executor_that_cannot_be_imported_is_listed(voxstack, install):
    install("acme-npu", {"executors.Npu": "acme_npu:Npu"}, "import nothing_here\n")
    row = listed(voxstack, "Npu")
    assert not row["available"] and "nothing_here" in row["reason"]


def test_a_plugin_adds_a_subcommand_to_a_group(voxstack, install):
    source = "import click\n@click.command()\ndef wrap():\n    'Wrap it.'\n    click.echo('done')\n"
    install("acme-wrap", {"commands.addon.wrap": "acme_wrap:wrap"}, source)
    assert voxstack.good("addon", "wrap").out == "done\n"
    assert "Wrap it." in voxstack.good("addon", "--help").out
    assert "addon.wrap" not in voxstack.good("--help").out
