"""The peak memory of a child process."""

from __future__ import annotations

import subprocess
import sys

from voxstack import VoxstackError

# A process inherits its parent's peak when it starts: a small parent keeps it out of the figure.
_LAUNCHER = """
import os, sys
pid = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ)
_, status, usage = os.wait4(pid, 0)
print(usage.ru_maxrss)
sys.exit(os.waitstatus_to_exitcode(status))
"""


def peak_mb(command: list[str]) -> float:
    """Run a command that prints nothing; return its peak memory in MB.

    VoxstackError if it fails.
    """
    launched = [sys.executable, "-S", "-c", _LAUNCHER, *command]
    done = subprocess.run(launched, capture_output=True, check=False, text=True)
    if done.returncode:
        printed = done.stderr.strip()[-400:]
        raise VoxstackError(f"{command[:4]} failed with exit code {done.returncode}: {printed}")
    return int(done.stdout) / (1 << 20 if sys.platform == "darwin" else 1 << 10)
