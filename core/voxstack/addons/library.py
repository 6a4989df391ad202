"""The library: the addons and the formats that are installed, by name."""

from __future__ import annotations

import os
from pathlib import Path
from typing import final

from voxstack.addons.addon import Addon, make_addon, read_document
from voxstack.addons.files import MANIFEST, Files, open_files, package_files
from voxstack.errors import AddonError, PluginError, VoxstackError
from voxstack.formats import Format
from voxstack.plugins import Registry


@final
class Library:
    """Finds addons and formats among the installed packages; nothing of an addon is loaded."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._formats: dict[str, Format] = {}

    def voices(self) -> list[str]:
        """Return the names of the installed addons that have a stack to speak with."""
        return [name for name in self._registry.names("addon") if self._speaks(name)]

    def _speaks(self, name: str) -> bool:
        try:
            return self.addon(name).manifest.speaks
        except VoxstackError:
            return True  # whoever asks for it is told what is wrong with it

    def require(self, name: str, who: str = "") -> None:
        """Check that an addon is installed, or exists at a path; ``who`` asked for it."""
        if is_path(name) or (not self.installed(name) and Path(name).exists()):
            if not Path(name).exists():
                raise AddonError(f"{who}{name}: no such folder or zip")
            return
        try:
            self._registry.find(name, "addon")
        except PluginError as error:
            if error.component is None:
                error = self._registry.unknown(name, "addon", "voice", self.voices())
            raise PluginError(who + error.message, error.component, error.suggestion) from None

    def files(self, name: str) -> Files:
        """Return the files of an addon by its name, or by the path of its folder or zip.

        The name of an installed addon is never taken for a path.
        """
        if is_path(name) or (not self.installed(name) and Path(name).exists()):
            return open_files(name)
        registration = self._registry.find(name, "addon")
        registration.require()
        try:
            return package_files(registration.target)
        except VoxstackError as error:
            registration.status, registration.reason = "broken", str(error)
            raise

    def installed(self, name: str) -> bool:
        """Return whether a distribution announces an addon of that name."""
        return bool(self._registry.candidates(name.partition("@")[0], "addon"))

    def addon(self, name: str) -> Addon:
        """Open an addon as it was made, without the edits of a deployment."""
        files = self.files(name)
        return make_addon(read_document(files), files, self.format)

    def format(self, name: str) -> Format:
        """Return the provider of a format; PluginError if there is none, or more than one."""
        if name not in self._formats:
            provider = self._registry.load(self._registry.find(name, "format"))
            self._formats[name] = provider()
        return self._formats[name]


def is_path(name: str) -> bool:
    """Return whether a name can only be a path."""
    return any(s in name for s in ("/", os.sep)) or name.endswith(".zip") or name == MANIFEST
