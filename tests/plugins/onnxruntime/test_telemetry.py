"""No telemetry is sent; official builds of ONNX Runtime do, unless it is switched off."""

import os
import subprocess
import sys

LOAD = """
import os
from voxstack import Host
with Host() as host:
    host.voice("en-us")
print(os.environ["ORT_DISABLE_TELEMETRY"])
"""


def switch_after_loading(**env):
    clean = {k: v for k, v in os.environ.items() if k not in ("ORT_DISABLE_TELEMETRY", "CI")}
    done = subprocess.run(
        [sys.executable, "-c", LOAD], env={**clean, **env}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_telemetry_of_the_runtime_is_off_before_it_is_imported():
    assert switch_after_loading() == "1"


def test_a_user_who_decided_keeps_the_decision():
    assert switch_after_loading(ORT_DISABLE_TELEMETRY="0") == "0"
