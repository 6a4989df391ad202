"""The process as it was before anything of a component was imported: import this one first.

A module that changes them does so in the process that runs the suites too, and whatever that starts
inherits the change: the check of imports puts them back in its child, to see it.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

FOLDER = ""  # the working directory; "" where it is gone
with contextlib.suppress(OSError):
    FOLDER = str(Path.cwd())
VARIABLES = dict(os.environ)
