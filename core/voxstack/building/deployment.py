"""How a site runs its voices: the deployment file and the user's file, in TOML.

The addons stay as they are.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, final

from attrs import field, frozen

from voxstack.addons import Addon
from voxstack.config import read_toml, structured
from voxstack.errors import InputError, did_you_mean
from voxstack.logs import get_logger
from voxstack.plugins import Filter
from voxstack.running import BuiltStack, buckets_of, varying

log = get_logger("deployment")


@final
@frozen
class PluginLists:
    """Which distributions may provide plugins: patterns such as "acme-*"."""

    allow: tuple[str, ...] = ("*",)
    block: tuple[str, ...] = ()

    def filter(self, place: str, over: Sequence[str] = ()) -> Filter:
        """Return the lists as they hold if ``over``, unless empty, is allowed instead."""
        allow = ("*",) if over else self.allow
        return Filter(allow, self.block, f"[plugins] of {place}")


@frozen
class VoiceSettings:
    """What a site sets for one voice, over what it sets for all."""

    executor: Any = None  # a name, or a table with "type" and options
    executors: dict[str, Any] = field(factory=dict)  # by network name or role
    controls: dict[str, str | float] = field(factory=dict)  # speaker, rate, ...
    set: dict[str, Any] = field(factory=dict)  # JSON pointer into the addon -> value


@final
@frozen
class Deployment(VoiceSettings):
    """How a site runs its voices."""

    voice: str | None = None  # the voice when none is named
    voices: dict[str, VoiceSettings] = field(factory=dict)
    plugins: PluginLists = field(factory=PluginLists)

    def settings(self, voice: str) -> VoiceSettings:
        """Return what holds for one voice."""
        own = self.voices.get(voice, VoiceSettings())
        return VoiceSettings(
            own.executor if own.executor is not None else self.executor,
            {**self.executors, **own.executors},
            {**self.controls, **own.controls},
            {**self.set, **own.set},
        )


@final
@frozen
class UserFile:
    """What a user prefers where no deployment says otherwise."""

    voice: str | None = None  # the voice when none is named
    executor: Any = None  # for networks that nothing else places


def read_deployment(path: str | Path) -> Deployment:
    """Read a deployment file; InputError or ConfigError if it cannot be used."""
    return structured(read_toml(path), Deployment)


def user_file_path() -> Path:
    """Return where the user's file lies, by the rules of platformdirs."""
    if sys.platform == "win32":
        folder = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        folder = Path.home() / "Library" / "Application Support"
    else:
        folder = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    return folder / "voxstack" / "config.toml"


def read_user_file() -> UserFile:
    """Read the user's file; an empty one if there is none."""
    try:
        path = user_file_path()
        there = path.is_file()
    except (RuntimeError, OSError):  # no home folder
        return UserFile()
    return structured(read_toml(path), UserFile) if there else UserFile()


# What a site sets and a voice lacks -------------------------------------------------------------


def check_settings(
    deployment: Deployment, origin: str, name: str, addon: Addon, built: BuiltStack
) -> None:
    """Refuse what the deployment sets for this voice and it does not have.

    What is set for all voices and this one lacks may be meant for another: a warning.
    """
    settings = deployment.settings(name)
    own = deployment.voices.get(name, VoiceSettings())
    used = [*addon.networks.values(), *(program.network for program in built.programs)]
    networks = {key: None for network in used for key in (network.name, network.role)}
    controls = addon.manifest.controls
    for table, called, known in (
        ("controls", "control", controls),
        ("executors", "network or role", networks),
    ):
        for key in getattr(settings, table).keys() - known.keys():
            hint = did_you_mean(key, known, f"it has: {', '.join(known) or 'none'}")
            lacks = f"the voice {name!r} has no {called} of that name ({hint})"
            if key in getattr(own, table):
                raise InputError(f"{origin}: [{table}] {key!r}: {lacks}")
            log.warning(f"{origin}: [{table}] {key!r}: {lacks}")
    for control in settings.controls.keys() & controls.keys():
        try:
            controls[control].tensor_value(control, settings.controls[control])
        except InputError as error:
            raise InputError(f"{origin}: {error}") from None


def check_buckets(name: str, built: BuiltStack) -> None:
    """Warn of sizes that are given for a dimension that no network of a voice has."""
    known: dict[str, None] = {}
    for program in built.programs:
        for dimension in varying(program.network):
            known |= dict.fromkeys((dimension, f"{program.network.name}.{dimension}"))
    given = {key for p in built.programs for key, _ in buckets_of(p.executor).sizes}
    for key in sorted(given - known.keys()):
        hint = did_you_mean(key, known, f"it has: {', '.join(known)}")
        log.warning(f"buckets: {key!r}: the voice {name!r} has no such dimension ({hint})")
