"""The hooks that a plugin module can implement, one a kind of component and the life cycle.

Most packages need none of them: an entry point in the group of its kind is enough.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from voxstack.components import Component, hookspec

if TYPE_CHECKING:
    from voxstack.utterance import Utterance, UtteranceReport
    from voxstack.voice import Voice


@hookspec
def voxstack_frontends() -> Iterable[Component]:  # type: ignore[empty-body]
    """Give the frontends of this plugin: text to symbol ids and marks."""


@hookspec
def voxstack_encoders() -> Iterable[Component]:  # type: ignore[empty-body]
    """Give the encoders of this plugin: SequenceBlocks."""


@hookspec
def voxstack_upsamplers() -> Iterable[Component]:  # type: ignore[empty-body]
    """Give the upsamplers of this plugin: text rate to frame rate."""


@hookspec
def voxstack_decoders() -> Iterable[Component]:  # type: ignore[empty-body]
    """Give the decoders of this plugin: frames to acoustic features."""


@hookspec
def voxstack_vocoders() -> Iterable[Component]:  # type: ignore[empty-body]
    """Give the vocoders of this plugin: acoustic features to waveform."""


@hookspec
def voxstack_effects() -> Iterable[Component]:  # type: ignore[empty-body]
    """Give the effects of this plugin: waveform to waveform, over the whole utterance."""


@hookspec
def voxstack_blocks() -> Iterable[Component]:  # type: ignore[empty-body]
    """Give the containers of this plugin and what fits no other kind."""


@hookspec
def voxstack_executors() -> Iterable[Component]:  # type: ignore[empty-body]
    """Give the executors of this plugin, one for each device that it finds, say."""


@hookspec
def voxstack_addons() -> Iterable[Component]:  # type: ignore[empty-body]
    """Give the addons of this plugin; a target is a top-level package that holds addon.json."""


@hookspec
def voxstack_commands() -> Iterable[Component]:  # type: ignore[empty-body]
    """Give subcommands of the command line; a target is a click command."""


@hookspec
def voxstack_voice_loaded(voice: Voice) -> None:
    """Tell that a voice was built and its networks are loaded."""


@hookspec
def voxstack_utterance_began(voice: Voice, utterance: Utterance) -> None:
    """Tell that a voice begins to speak."""


@hookspec
def voxstack_utterance_ended(voice: Voice, report: UtteranceReport) -> None:
    """Tell that an utterance ended, or was closed, with its timings."""
