"""The process as it was before anything of a component was imported: import this module first.

A module that changes the working directory or the environment also changes them for the process
that runs the suites and its children: the check of imports restores them in its child.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

FOLDER = ""  # the working directory; "" where it is gone
with contextlib.suppress(OSError):
    FOLDER = str(Path.cwd())
VARIABLES = dict(os.environ)
