"""Installing a distribution again from its source, as pip recorded it.

An index is advised only for what came from one: elsewhere the name may belong to a stranger.
"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import final

from attrs import frozen
from voxstack.inspection import where_to_get

from voxstack_kit.checking.provenance import (
    direct_url,
    distribution_of,
    is_editable,
    requirement,
)

AGAIN = "pip install --force-reinstall --no-deps"


@final
@frozen
class _Source:
    """Where a distribution was installed from."""

    given: str  # as pip takes it
    editable: bool = False  # its files are those of that folder


def install_again(name: str) -> str:
    """Return how to restore the files of a distribution."""
    source = _source(name)
    if source and source.editable:
        return f"restore its files in {source.given}, the folder that it is installed from"
    if source:
        return f"{AGAIN} {source.given}"
    return f"install {name} again from where you got it"


def install_newer(name: str) -> str:
    """Return how to get a newer version of a distribution, or one that is not installed."""
    source = _source(name)
    if source and source.editable:
        return f"fix or update {name} in {source.given}, the folder that it is installed from"
    if source and source.given == name:
        return f"pip install --upgrade {name}"
    if source is None and (step := where_to_get(name, "distribution")):
        return step
    return f"install a newer version of {name} from where you got it"


def install_version(
    name: str, version: str, again: bool = False, editable: bool | None = None
) -> str:
    """Return how to get a version of a distribution, from the source of the installed one.

    ``again``: over the same version, whose files have changed; ``editable``: None means as it is
    installed here.
    """
    how, found = AGAIN if again else "pip install", distribution_of(name)
    if found is not None:
        direct = direct_url(found)
        if where := requirement(direct, is_editable(direct) if editable is None else editable):
            return f"{how} {where}" if again else f"{how} {where}, once it is {version} there"
    if found is None:
        if step := where_to_get(name, "distribution"):
            return step
        return f"pip install {name}=={version}, if it came from a package index"
    return f"{how} {name}=={version}"


def source_of(name: str) -> str | None:
    """Return how to get another version of a distribution that is not from an index, or None."""
    if distribution_of(name) is None:
        return where_to_get(name, "distribution")
    source = _source(name)
    return None if source and source.given == name else install_newer(name)


def _source(name: str) -> _Source | None:
    """Return where a distribution came from; None if that is unknown or gone."""
    found = distribution_of(name)
    if found is None:
        return None
    direct = direct_url(found)
    if where := requirement(direct):
        (place,) = shlex.split(where)
        there = "://" in place or Path(place).exists()
        return _Source(where, is_editable(direct)) if there else None
    if direct:
        return None
    return _Source(name) if found.read_text("INSTALLER") else None
