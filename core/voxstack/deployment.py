"""The deployment file: how a site runs its voices, in TOML; the addons stay as they are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, final

from attrs import field, frozen

from voxstack.documents import read_toml
from voxstack.filters import Filter
from voxstack.structure import Structurer, structure


@final
@frozen
class PluginLists:
    """Which distributions may bring plugins: patterns such as "acme-*"."""

    allow: tuple[str, ...] = ("*",)
    block: tuple[str, ...] = ()

    def filter(self, place: str, over: Sequence[str] = ()) -> Filter:
        """Give the lists as they hold where ``over``, if not empty, is allowed in their place."""
        allow = ("*",) if over else self.allow
        return Filter(allow, self.block, f"[plugins] of {place}")


@final
@frozen
class VoiceSettings:
    """What a site sets for one voice, over what it sets for all."""

    executor: Any = None
    executors: dict[str, Any] = field(factory=dict)
    controls: dict[str, str | float] = field(factory=dict)
    set: dict[str, Any] = field(factory=dict)


@final
@frozen
class Deployment:
    """How a site runs its voices."""

    voice: str | None = None  # the voice when none is named
    executor: Any = None  # a name, or a table with "type" and options
    executors: dict[str, Any] = field(factory=dict)  # by network name or role
    controls: dict[str, str | float] = field(factory=dict)  # speaker, rate, ...
    set: dict[str, Any] = field(factory=dict)  # JSON pointer into the addon -> value
    voices: dict[str, VoiceSettings] = field(factory=dict)
    plugins: PluginLists = field(factory=PluginLists)

    def settings(self, voice: str) -> VoiceSettings:
        """Give what holds for one voice."""
        own = self.voices.get(voice, VoiceSettings())
        return VoiceSettings(
            own.executor if own.executor is not None else self.executor,
            {**self.executors, **own.executors},
            {**self.controls, **own.controls},
            {**self.set, **own.set},
        )


def read_deployment(path: str | Path) -> Deployment:
    """Read a deployment file; InputError or ConfigError if it cannot be used."""
    deployment: Deployment = structure(Structurer(), read_toml(path), "", Deployment)
    return deployment
