"""Placement: which executor runs which network.

What is nearer to the network wins: ``--executor`` and the host's own argument are for all
networks and win over all; then the deployment's rule for the network's name, or for its role; then
``"executor"`` on its block in the stack, or on one around it; then the deployment's executor for
all; then the first installed one that can run it. Each may be a list, in order of preference.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any, cast, final

import attrs
from attrs import frozen

from voxstack.deployment import VoiceSettings
from voxstack.errors import FAILURES, ConfigError, PluginError, VoxstackError
from voxstack.executors import Executor
from voxstack.logs import get_logger
from voxstack.networks import Network
from voxstack.plugins.index import install_one
from voxstack.registry import Registry
from voxstack.shown import shown

log = get_logger("placement")

OWN = "voxstack-"  # how the names of voxstack's own distributions begin


@final
@frozen
class Placed:
    """The executors of a network: the first runs it, or the next one if that cannot load it."""

    executors: tuple[Executor, ...]
    passed_over: tuple[str, ...] = ()  # those preferred that cannot run here: "NAME: reason"


@final
@frozen
class _Refusal:
    """Why there is no executor by a configuration."""

    reason: str
    mistake: bool = False  # of who wrote the configuration

    def error(self, config: Any, origin: str) -> PluginError:
        """Name the executor as it was written, and who asked for it."""
        written = config if isinstance(config, str) and config else shown(config)
        return PluginError(f"{origin}: the executor {written} {self.reason}")


@final
class Placement:
    """Chooses executors for the networks of one voice.

    ``make`` builds an executor from its name or configuration; ``asked`` is the one for all
    networks; ``origin`` names where the settings come from, for messages.
    """

    def __init__(
        self,
        registry: Registry,
        make: Callable[[Any], Executor],
        asked: Any,
        settings: VoiceSettings,
        origin: str,
    ) -> None:
        self._registry, self._make = registry, make
        self._asked, self._settings, self._origin = asked, settings, origin
        self._chosen: dict[str, Placed] = {}

    def choose(self, network: Network, in_stack: Any = None) -> Placed:
        """Choose for a network; PluginError if nothing that is named can run it.

        ``in_stack`` is what the stack says of the block that runs it.
        """
        config, origin = self._rule(network, in_stack)
        key = json.dumps([config, sorted(network.files)], default=repr)
        if key not in self._chosen:
            if config is None:
                self._chosen[key] = self._first(network)
            elif isinstance(config, list | tuple):
                self._chosen[key] = self._listed(config, origin, network)
            else:
                self._chosen[key] = Placed((self._named(config, origin),))
        return self._chosen[key]

    def _rule(self, network: Network, in_stack: Any) -> tuple[Any, str]:
        rules = self._settings.executors
        if self._asked is not None:
            return self._asked, "--executor"
        for name in (network.name, network.role):
            if name in rules:
                return rules[name], self._origin
        if in_stack is not None:
            return in_stack, "the stack"
        return self._settings.executor, self._origin

    def _named(self, config: Any, origin: str) -> Executor:
        executor = self._tried(config)
        if isinstance(executor, _Refusal):
            raise executor.error(config, origin)
        return executor

    def _tried(self, config: Any) -> Executor | _Refusal:
        """Make an executor that can run here, or say why there is none."""
        try:
            executor = self._make(config)
        except ConfigError as error:
            return _Refusal(f"cannot be made: {_reasons(error)}", self._brought(config))
        except PluginError as error:
            return _Refusal(f"cannot be made: {error}")
        reason = unavailable(executor)
        return executor if reason is None else _Refusal(f"cannot run here: {reason}")

    def _brought(self, config: Any) -> bool:
        """Tell whether somebody brings an executor of that name, one that can be imported."""
        try:
            self._registry.load(self._registry.find(_name(config), "executor"))
        except PluginError:
            return False
        return True

    def _listed(self, configs: Sequence[Any], origin: str, network: Network) -> Placed:
        """Take those of a list that can run the network; say aloud which ones cannot."""
        usable: list[Executor] = []
        passed_over: list[str] = []
        for config in configs:
            executor = self._tried(config)
            if isinstance(executor, _Refusal):
                if executor.mistake:  # no absent device: nobody meant what is written there
                    raise executor.error(config, origin)
                reason: str | None = executor.reason
            elif (reason := _no_format(executor, network)) is None:
                usable.append(executor)
            if reason is not None and not usable:
                passed_over.append(f"{_name(config)}: {reason}")
        if not usable:
            raise PluginError(
                f"{origin}: none of the executors named can run the networks: "
                + ("; ".join(passed_over) or "the list is empty")
            )
        for reason in passed_over:
            log.warning(
                "executor passed over",
                network=network.qualified_name,
                reason=reason,
                using=type(usable[0]).__name__,
            )
        return Placed(tuple(usable), tuple(passed_over))

    def _first(self, network: Network) -> Placed:
        """Choose an executor when none is named.

        Those of voxstack's own distributions come first, so that installing another one changes
        nothing by itself; then dynamic ones, then by name.
        """
        reasons = []
        ready: list[tuple[bool, bool, str, Executor]] = []
        for name, owner in self._installed():
            try:
                executor = self._make(name)
            except VoxstackError as error:
                reasons.append(f"{name}: {error}")
                continue
            ready.append((not owner.startswith(OWN), executor.static, name, executor))
        for _, _, name, executor in sorted(ready, key=lambda one: one[:3]):
            reason = unavailable(executor) or _no_format(executor, network)
            if reason is None:
                log.info("executor chosen", executor=name, network=network.qualified_name)
                return Placed((executor,))
            reasons.append(f"{name}: {reason}")
        blocked = self._blocked()
        raise PluginError(
            f"no installed executor can run the voice's networks: "
            f"{'; '.join(blocked) or install_one('executor')}"
            + (f" ({'; '.join(reasons)})" if reasons else "")
        )

    def _installed(self) -> Iterator[tuple[str, str]]:
        """Give the executors by the names that choose them, and who brings them."""
        for r in self._registry.registrations:
            if r.namespace == "executor" and r.usable:
                yield r.name, r.distribution
            elif r.namespace == "executor" and r.status == "ambiguous":
                yield f"{r.name}@{r.distribution}", r.distribution

    def _blocked(self) -> list[str]:
        """Say which executors a list keeps out, and how to let them in."""
        kept_out: dict[str, list[str]] = {}
        for r in self._registry.registrations:
            if r.namespace == "executor" and r.status == "blocked":
                kept_out.setdefault(f"of {r.owner}: {r.reason}, {r.next_step}", []).append(r.name)
        return [f"{', '.join(names)} {why}" for why, names in kept_out.items()]


def unavailable(executor: Executor) -> str | None:
    """Give the reason why an executor cannot run here, or None."""
    try:
        return executor.available()
    except FAILURES as error:
        return f"its probe failed: {type(error).__name__}: {error}"


def wraps(executor: type) -> bool:
    """Tell whether a class of executors needs another executor to be made."""
    fields = attrs.fields_dict(attrs.resolve_types(cast(Any, executor)))
    within = fields.get("executor")
    return within is not None and within.type is Executor and within.default is attrs.NOTHING


def _no_format(executor: Executor, network: Network) -> str | None:
    if set(executor.formats) & set(network.files):
        return None
    return f"takes {', '.join(executor.formats)}, not {', '.join(network.files)}"


def _name(config: Any) -> str:
    if isinstance(config, dict):
        config = config.get("type", config)
    return config if isinstance(config, str) else shown(config)


def _reasons(error: ConfigError) -> str:
    return "; ".join(map(str, error.problems))
