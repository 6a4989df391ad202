"""Importing what a plugin announces: what breaks, and why."""

from __future__ import annotations

import importlib
import os
from typing import Any

import voxstack
from voxstack.components import KINDS
from voxstack.errors import PluginError
from voxstack.logs import get_logger
from voxstack.registration import Registration
from voxstack.versions import satisfies

log = get_logger("registry")


def check_requirement(registration: Registration) -> None:
    """Mark what needs another voxstack than this one, and what does not say what it needs."""
    package = registration.package
    try:
        requirement = package.requirement() if package else None
    except (OSError, UnicodeDecodeError) as error:
        mark_broken(registration, f"METADATA: {error}")
        return
    if requirement and not satisfies(voxstack.__version__, requirement):
        registration.status = "incompatible"
        registration.reason = (
            f"it needs voxstack {requirement}, this is {voxstack.__version__}; "
            f"install another version of {registration.distribution}"
        )


def mark_broken(registration: Registration, reason: str) -> None:
    """List a registration as broken."""
    registration.status, registration.reason = "broken", reason
    log.info("plugin broken", name=registration.name, reason=reason)


def imported(registration: Registration) -> Any:
    """Import a target; PluginError if that fails, or if it is not what its kind takes."""
    module, _, attribute = registration.target.partition(":")
    process = os.getpid()
    try:
        target: Any = importlib.import_module(module)
        if os.getpid() != process:
            os._exit(0)  # forked by the plugin: one of us goes on
        for part in attribute.split(".") if attribute else ():
            target = getattr(target, part)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # SystemExit too: a plugin must not end the host
        raise PluginError(
            f"importing {registration.target!r} failed with {type(error).__name__}: {error}"
        ) from error
    base = KINDS[registration.kind].base if registration.kind in KINDS else None
    if base is not None:
        _check_class(target, base, registration)
    return target


def _check_class(target: Any, base: str, registration: Registration) -> None:
    module, _, name = base.partition(":")
    wanted = getattr(importlib.import_module(module), name)
    if not isinstance(target, type):
        what = f"is a {type(target).__name__}"
    elif not issubclass(target, wanted):
        what = f"is a class that does not extend voxstack.{name}"
    elif name != "Format" and not hasattr(target, "__attrs_attrs__"):
        what = "is not an attrs class: decorate it with @attrs.frozen"
    elif isinstance(formats := getattr(target, "formats", None), str):
        what = f'has formats = "{formats}", which is text: write formats = ("{formats}",)'
    else:
        return
    raise PluginError(
        f"{registration.target!r} {what}; the group voxstack.{registration.kind} takes "
        f"attrs classes that extend voxstack.{name}"
    )
