"""Kinds of components, and a component as a plugin announces it: a name and a lazy target."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, final

import pluggy
from attrs import field, frozen

hookspec = pluggy.HookspecMarker("voxstack")
hookimpl = pluggy.HookimplMarker("voxstack")


@final
@frozen
class Kind:
    """One kind of component."""

    name: str  # "encoders"
    namespace: str  # names are unique within it; all blocks share one
    base: str | None = None  # what a target must extend, "module:Class"

    @property
    def group(self) -> str:
        """The entry-point group."""
        return f"voxstack.{self.name}"

    @property
    def hook(self) -> str:
        """The hook that asks plugins for components of this kind."""
        return f"voxstack_{self.name}"


_SEQUENCE, _STREAMABLE = "voxstack.blocks:SequenceBlock", "voxstack.blocks:StreamableBlock"
_BLOCK = "voxstack.blocks:Block"

KINDS = {
    kind.name: kind
    for kind in (
        Kind("frontends", "frontend", "voxstack.blocks:Frontend"),
        Kind("encoders", "block", _SEQUENCE),
        Kind("upsamplers", "block", _STREAMABLE),
        Kind("decoders", "block", _STREAMABLE),
        Kind("vocoders", "block", _STREAMABLE),
        Kind("effects", "block", _STREAMABLE),
        Kind("blocks", "block", _BLOCK),
        Kind("executors", "executor", "voxstack.executors:Executor"),
        Kind("formats", "format", "voxstack.formats:Format"),
        Kind("addons", "addon"),
        Kind("commands", "command"),
        Kind("options", "option"),
    )
}
MODULES_GROUP = "voxstack"  # modules with hooks, imported when a name is not found otherwise
LISTENERS_GROUP = "voxstack.listeners"  # modules with life-cycle hooks, imported with a voice
CONFORMANCE_GROUP = "voxstack.conformance"  # modules with suites of a package's own
GROUPS = (MODULES_GROUP, LISTENERS_GROUP, CONFORMANCE_GROUP, *(k.group for k in KINDS.values()))


@final
@frozen
class Component:
    """A type name and where it is to be found; nothing is imported until a stack names it."""

    name: str  # what a configuration says: {"type": NAME}
    target: str  # "package.module:Class", or the top-level package of an addon
    options: Mapping[str, Any] = field(factory=dict)  # preset options: one class, many devices
    distribution: str = ""  # filled in by the host
