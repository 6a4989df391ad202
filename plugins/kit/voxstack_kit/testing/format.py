"""The suite of formats of network files."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
from voxstack import Format, FormatError, Host, VoxstackError

from voxstack_kit.testing.failures import fail
from voxstack_kit.testing.suite import imported_apart, require_light

KINDS = ("model", "compiled")


class FormatSuite:
    """Check what voxstack requires of a Format: fixtures ``format``, ``target`` "module:Class"."""

    def test_it_declares_what_it_is(self, format: Format) -> None:
        """Check its name and kind."""
        name, kind = getattr(format, "name", None), getattr(format, "kind", None)
        if not isinstance(name, str) or not name:
            fail(f"its name is {name!r}", 'use the name that addon.json uses: name = "onnx"')
        if kind not in KINDS:
            fail(f"its kind is {kind!r}", f"use one of: {', '.join(KINDS)}")

    @pytest.mark.parametrize("what", ["nothing", "zeros", "noise", "a text", "a pickle"])
    def test_other_bytes_are_refused(self, format: Format, what: str) -> None:
        """Check that bytes of another kind raise a FormatError."""
        noise: Any = np.random.default_rng(1).integers(0, 256, 4096, dtype=np.uint8)
        data = {
            "nothing": b"",
            "zeros": bytes(4096),
            "noise": noise.tobytes(),
            "a text": b"<html>404 Not Found</html>",
            "a pickle": pickle.dumps({"weights": [1.0]}),
        }[what]
        try:
            format.describe(data)
        except FormatError:
            return
        except Exception as error:
            fail(
                f"{what} raises {type(error).__name__}: {error}",
                "raise FormatError with what is wrong with the bytes",
            )
        fail(f"{what} is described as a network", "refuse it with FormatError")

    def test_networks_of_installed_addons_are_accepted(
        self, format: Format, voxstack_host: Host
    ) -> None:
        """Check that networks of installed addons are as they are declared."""
        found = 0
        for name in voxstack_host.registry.names("addon"):
            try:
                addon = voxstack_host.addon(name)
            except VoxstackError:
                continue  # its own suite reports what is wrong
            for network in addon.networks.values():
                if path := network.files.get(format.name):
                    found += 1
                    try:
                        format.check(addon.read(path), network)
                    except FormatError as error:
                        fail(f"{name}: {path} is refused: {error}", "accept what runtimes accept")
        if not found:
            pytest.skip(f"no installed addon has a network in the format {format.name!r}")

    def test_importing_it_is_light_and_has_no_effects(self, target: str) -> None:
        """Check its import: no runtime, no output, no thread, no fork."""
        module = target.partition(":")[0]
        require_light(module, imported_apart(module))
