"""What stays as it is: the versions of the hooks and of the addon format.

The promise in words is docs/stability.md. A plugin says what it needs by its requirement on
voxstack (``versions.satisfies``); the version of the hooks is for people to read.
"""

from __future__ import annotations

from collections.abc import Mapping

from voxstack.documents import Document
from voxstack.errors import ConfigError
from voxstack.shown import shown

HOOKS = 1  # version of the hooks: one more when a hook goes or changes what it asks for
FORMAT = 1  # the addon format that this voxstack writes, and the newest that it reads
OLDEST_FORMAT = 1  # the oldest addon format that it reads
# Addon formats that are read no more -> the last version of voxstack that reads them.
LAST_READERS: Mapping[int, str] = {}


def check_format(document: Document) -> None:
    """Check the format of an addon's manifest; ConfigError for one that is not read here.

    A manifest without one is left to the check of its keys.
    """
    value = document.value
    if not isinstance(value, dict) or "format" not in value:
        return
    version = value["format"]
    reads = f"{OLDEST_FORMAT} to {FORMAT}" if OLDEST_FORMAT < FORMAT else str(FORMAT)
    if type(version) is not int or version < 1:
        message, advice = f"expected {FORMAT}, not {shown(version)}", None
    elif version > FORMAT:
        message = f"addon format {version} is newer than this voxstack reads ({reads})"
        advice = "upgrade voxstack"
    elif version < OLDEST_FORMAT:
        message = f"addon format {version} is older than this voxstack reads ({reads})"
        advice = (
            f"ask who made the addon for a newer one; voxstack {LAST_READERS[version]} is the last "
            "that reads this one"
        )
    else:
        return
    raise ConfigError([document.problem("/format", message, advice)])
