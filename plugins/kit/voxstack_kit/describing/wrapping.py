"""Executors that wrap another executor, such as one that batches calls."""

from __future__ import annotations

from typing import Any, cast

import attrs
from voxstack import Executor


def wraps(executor: type) -> bool:
    """Return whether a class of executors requires another executor as its option."""
    fields = attrs.fields_dict(attrs.resolve_types(cast(Any, executor)))
    within = fields.get("executor")
    return within is not None and within.type is Executor and within.default is attrs.NOTHING
