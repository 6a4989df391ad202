"""Components of a configuration: names are resolved by the registry, options are structured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast, final

import attrs

from voxstack.blocks import AudioFormat, Symbols
from voxstack.config import Document, Invalid, Structurer, problems_of
from voxstack.errors import ConfigError, PluginError, listed, shown
from voxstack.executors import Buckets, Executor
from voxstack.plugins import Registration, Registry

PROVIDED = (AudioFormat, Symbols)  # types of options that the host provides


def resolve(registry: Registry, config: Any, namespace: str, wanted: type) -> Registration:
    """Return the registration, imported, that ``{"type": NAME}`` names; Invalid if it is unfit."""
    if not isinstance(config, dict):
        raise Invalid(f'expected {{"type": "NAME", ...}}, not {shown(config)}')
    name = config.get("type")
    if not isinstance(name, str):
        known = ", ".join(registry.names(namespace))
        raise Invalid("a type is missing", f'add "type", one of: {known}')
    try:
        registration = registry.find(name, namespace)
        cls = registry.load(registration)
    except PluginError as error:
        raise Invalid(error.message, error.suggestion, "/type") from None
    if not issubclass(cls, wanted):
        fits = "a StreamableBlock goes into a stack or a streamable_block"
        if registration.kind == "encoders":
            fits = "a SequenceBlock goes into the sequence_block of a StreamablePipeline"
        hint = fits if namespace == "block" else None
        message = f"{name!r} is not a {wanted.__name__}, which is expected here"
        raise Invalid(message, hint, "/type")
    try:
        attrs.resolve_types(cls)
    except NameError as error:
        what = f"{cls.__name__} of {registration.distribution} has an option whose type cannot be"
        advice = "import the type at run time, not under TYPE_CHECKING"
        raise Invalid(f"{what} resolved: {error}", advice) from None
    return registration


def needed_options(registration: Registration) -> list[str]:
    """Return the options that a component cannot be made without; not what the host provides."""
    return [
        option.name
        for option in attrs.fields(registration.loaded)
        if option.init
        and option.default is attrs.NOTHING
        and option.type not in PROVIDED
        and option.name not in registration.options
    ]


@final
class ExecutorMaker:
    """Makes executors from configuration."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._structurer = Structurer({Executor: self.structure, Buckets: buckets})

    def make(self, config: Any, pointer: str = "") -> Executor:
        """Return an executor from its name or ``{"type": ..., options}``; ConfigError if wrong."""
        try:
            return self.structure(config, Executor)
        except Exception as error:
            raise ConfigError(problems_of(Document(config), error, pointer)) from None

    def structure(self, config: Any, wanted: type) -> Executor:
        """Return an executor; raises Invalid or Invalids."""
        if isinstance(config, wanted):
            return cast(Executor, config)  # made in Python, not in a document
        if not isinstance(config, str):
            registration = resolve(self._registry, config, "executor", wanted)
        else:
            try:
                registration = resolve(self._registry, {"type": config}, "executor", wanted)
            except Invalid as error:
                raise Invalid(error.message, error.suggestion) from None
            if missing := needed_options(registration):
                parts = "".join(f', "{option}": ...' for option in missing)
                how = f'write it out: {{"type": "{config}"{parts}}}'
                raise Invalid(f"{config!r} needs the option {listed(missing)}", how)
        given: Mapping[str, Any] = {} if isinstance(config, str) else config
        options = {key: v for key, v in {**registration.options, **given}.items() if key != "type"}
        return cast(Executor, self._structurer.fields(options, registration.loaded))


def buckets(config: Any, _: Any) -> Buckets:
    """Return the sizes of an option ``buckets``."""
    good = isinstance(config, Mapping) and all(
        isinstance(sizes, list) and all(type(size) is int for size in sizes)
        for sizes in config.values()
    )
    if not good:
        raise Invalid(f'expected {{"DIMENSION": [sizes]}}, not {shown(config)}')
    try:
        return Buckets(config)
    except ValueError as error:
        raise Invalid(str(error)) from None
