"""The hooks that a plugin module can implement, one a kind of component and the life cycle.

Most packages need none of them: an entry point in the group of its kind is enough. A module in the
entry-point group ``voxstack`` brings components by the hooks of their kinds: each is called once,
when the module is imported, which happens when a configuration names what nothing else brings. A
module in the group ``voxstack.listeners`` has the hooks of the life cycle, and is imported with the
first voice. A hook takes those arguments that it names, in any order.
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
    """Give the frontends of this plugin: text to symbol ids and marks.

    Since 0.1.
    """


@hookspec
def voxstack_encoders() -> Iterable[Component]:  # type: ignore[empty-body]
    """Give the encoders of this plugin: SequenceBlocks.

    Since 0.1.
    """


@hookspec
def voxstack_upsamplers() -> Iterable[Component]:  # type: ignore[empty-body]
    """Give the upsamplers of this plugin: text rate to frame rate.

    Since 0.1.
    """


@hookspec
def voxstack_decoders() -> Iterable[Component]:  # type: ignore[empty-body]
    """Give the decoders of this plugin: frames to acoustic features.

    Since 0.1.
    """


@hookspec
def voxstack_vocoders() -> Iterable[Component]:  # type: ignore[empty-body]
    """Give the vocoders of this plugin: acoustic features to waveform.

    Since 0.1.
    """


@hookspec
def voxstack_effects() -> Iterable[Component]:  # type: ignore[empty-body]
    """Give the effects of this plugin: waveform to waveform, over the whole utterance.

    Since 0.1.
    """


@hookspec
def voxstack_blocks() -> Iterable[Component]:  # type: ignore[empty-body]
    """Give the containers of this plugin and what fits no other kind.

    Since 0.1.
    """


@hookspec
def voxstack_executors() -> Iterable[Component]:  # type: ignore[empty-body]
    """Give the executors of this plugin, one for each device that it finds, say.

    Since 0.1.
    """


@hookspec
def voxstack_formats() -> Iterable[Component]:  # type: ignore[empty-body]
    """Give the formats of network files that this plugin reads.

    Since 0.1.
    """


@hookspec
def voxstack_addons() -> Iterable[Component]:  # type: ignore[empty-body]
    """Give the addons of this plugin; a target is a top-level package that holds addon.json.

    Since 0.1.
    """


@hookspec
def voxstack_commands() -> Iterable[Component]:  # type: ignore[empty-body]
    """Give subcommands of the command line; a target is a click command.

    Since 0.1.
    """


@hookspec
def voxstack_options() -> Iterable[Component]:  # type: ignore[empty-body]
    """Return the options that this plugin adds to commands; a target is a ``click.Option``.

    The name is that of the command and of the option, ``say.locked`` for ``voxstack say --locked``.

    Since 0.1.
    """


@hookspec
def voxstack_voice_loaded(voice: Voice) -> None:
    """Tell that a voice was built and its networks are loaded.

    Called once a voice, in the thread that loaded it. What a listener raises is logged.

    Since 0.1.
    """


@hookspec
def voxstack_utterance_began(voice: Voice, utterance: Utterance) -> None:
    """Tell that a voice begins to speak.

    Called when a stream is asked for, before anything is made, in the thread that asks.

    Since 0.1.
    """


@hookspec
def voxstack_utterance_ended(voice: Voice, report: UtteranceReport) -> None:
    """Tell that an utterance ended, or was closed, with its timings.

    Called once for each that began, also when it failed, in the thread
    that read it last or closed it.

    Since 0.1.
    """
