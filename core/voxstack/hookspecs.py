"""The hooks of plugins, the kinds of components, and a component as a plugin announces it.

Most packages need no hook: an entry point in the group of its kind is enough. A module in the
entry-point group ``voxstack`` announces components by the hooks of their kinds, for packages that
decide at run time what they provide. It is imported when a configuration names what no entry
point provides, and each of its hooks is then called once. A module in the group
``voxstack.observers`` implements the hooks of the life cycle; it is imported with the first voice.
A hook receives those arguments that it names, in any order.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, final

import pluggy
from attrs import field, frozen

if TYPE_CHECKING:
    from voxstack.running import Voice
    from voxstack.utterance import Utterance, UtteranceReport

HOOKS = 1  # version of the hooks: incremented when a hook is removed or changes its arguments

hookspec = pluggy.HookspecMarker("voxstack")
hookimpl = pluggy.HookimplMarker("voxstack")


@final
@frozen
class Component:
    """A name and where to find what it stands for; nothing is imported until a stack names it."""

    name: str  # what a configuration says: {"type": NAME}
    target: str  # "package.module:Class", or the top-level package of an addon
    options: Mapping[str, Any] = field(factory=dict)  # preset options: one class, many devices


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

KINDS = {
    kind.name: kind
    for kind in (
        Kind("frontends", "frontend", "voxstack.blocks:Frontend"),
        Kind("encoders", "block", _SEQUENCE),
        Kind("upsamplers", "block", _STREAMABLE),
        Kind("decoders", "block", _STREAMABLE),
        Kind("vocoders", "block", _STREAMABLE),
        Kind("effects", "block", _STREAMABLE),
        Kind("blocks", "block", "voxstack.blocks:Block"),
        Kind("executors", "executor", "voxstack.executors:Executor"),
        Kind("formats", "format", "voxstack.formats:Format"),
        Kind("addons", "addon"),
        Kind("commands", "command"),
        Kind("options", "option"),
    )
}
PREFIX = "voxstack."  # of every entry-point group but the first
MODULES_GROUP = "voxstack"  # modules with hooks that announce components
OBSERVERS_GROUP = "voxstack.observers"  # modules with hooks of the life cycle
GROUPS_GROUP = "voxstack.groups"  # names of groups that a package defines for its own use
GROUPS = (MODULES_GROUP, OBSERVERS_GROUP, GROUPS_GROUP, *(kind.group for kind in KINDS.values()))


# Hooks that announce components -----------------------------------------------------------------


@hookspec
def voxstack_frontends() -> Iterable[Component]:  # type: ignore[empty-body]
    """Return the frontends of this plugin: text to symbol ids and marks."""


@hookspec
def voxstack_encoders() -> Iterable[Component]:  # type: ignore[empty-body]
    """Return the encoders of this plugin: SequenceBlocks."""


@hookspec
def voxstack_upsamplers() -> Iterable[Component]:  # type: ignore[empty-body]
    """Return the upsamplers of this plugin: text rate to frame rate."""


@hookspec
def voxstack_decoders() -> Iterable[Component]:  # type: ignore[empty-body]
    """Return the decoders of this plugin: frames to acoustic features."""


@hookspec
def voxstack_vocoders() -> Iterable[Component]:  # type: ignore[empty-body]
    """Return the vocoders of this plugin: acoustic features to waveform."""


@hookspec
def voxstack_effects() -> Iterable[Component]:  # type: ignore[empty-body]
    """Return the effects of this plugin: waveform to waveform."""


@hookspec
def voxstack_blocks() -> Iterable[Component]:  # type: ignore[empty-body]
    """Return the containers of this plugin and what fits no other kind."""


@hookspec
def voxstack_executors() -> Iterable[Component]:  # type: ignore[empty-body]
    """Return the executors of this plugin, for example one per device that it finds."""


@hookspec
def voxstack_formats() -> Iterable[Component]:  # type: ignore[empty-body]
    """Return the formats of network files that this plugin reads."""


@hookspec
def voxstack_addons() -> Iterable[Component]:  # type: ignore[empty-body]
    """Return the addons of this plugin; a target is a top-level package that holds addon.json."""


@hookspec
def voxstack_commands() -> Iterable[Component]:  # type: ignore[empty-body]
    """Return subcommands of the command line; a target is a click command."""


@hookspec
def voxstack_options() -> Iterable[Component]:  # type: ignore[empty-body]
    """Return options for commands of the command line; a target is a ``click.Option``.

    The name is that of the command, a dot, and that of the option.
    """


@hookspec
def voxstack_voice_loaded(voice: Voice) -> None:
    """Observe that a voice was built and its networks are loaded.

    Called once per voice, in the thread that loaded it. An exception of an observer is logged.
    """


@hookspec
def voxstack_utterance_began(voice: Voice, utterance: Utterance) -> None:
    """Observe that a stream was requested.

    Called before anything is computed, in the thread that requests it.
    """


@hookspec
def voxstack_utterance_ended(voice: Voice, report: UtteranceReport) -> None:
    """Observe that an utterance ended, failed or was closed, with its timings.

    Called once for each that began, in the thread that read it last or closed it.
    """
