"""Placement: which executor runs which network.

What is nearer to the network wins: the executor given to the host or the command is for all
networks and wins over all; then the deployment's rule for the network's name, or for its role;
then ``"executor"`` on its block in the stack, or on one around it; then the deployment's executor
for all; then the user's. Each may be a list, in order of preference. If none is named, the
distribution recorded when the voice was packed runs it, else the only one that can; several are
refused: no package takes a voice over silently.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, final

from attrs import frozen

from voxstack.building.components import ExecutorMaker
from voxstack.building.deployment import VoiceSettings
from voxstack.errors import FAILURES, ConfigError, PluginError, VoxstackError, shown
from voxstack.executors import Executor, Placed
from voxstack.logs import get_logger
from voxstack.networks import Network
from voxstack.plugins import Registry, install_one, normalized

log = get_logger("placement")


@final
@frozen
class Preferences:
    """Who prefers which executor, and where each says so."""

    asked: Any = None  # for all networks
    asked_by: str = "the host's executor"
    settings: VoiceSettings = VoiceSettings()
    settings_from: str = "the deployment"
    user: Any = None
    user_from: str = "the user's file"
    recorded: str = ""  # the distribution that the voice was packed with

    def of(self, network: Network, in_stack: Any) -> tuple[Any, str]:
        """Return the executor that is preferred for a network, and who says so."""
        rules, deployed = self.settings.executors, self.settings_from
        for config, origin in (
            (self.asked, self.asked_by),
            (rules.get(network.name), deployed),
            (rules.get(network.role), deployed),
            (in_stack, "the stack"),
            (self.settings.executor, deployed),
        ):
            if config is not None:
                return config, origin
        return self.user, self.user_from


@final
class Placement:
    """Chooses executors for the networks of one voice."""

    def __init__(self, registry: Registry, maker: ExecutorMaker, preferences: Preferences) -> None:
        self._registry, self._maker, self._preferences = registry, maker, preferences
        self._chosen: list[tuple[Any, set[str], Placed]] = []  # (configuration, formats, result)

    @property
    def overrides(self) -> bool:
        """Whether an executor was named for all networks, over what the stack says."""
        return self._preferences.asked is not None

    def choose(self, network: Network, in_stack: Any = None) -> Placed:
        """Choose for a network; PluginError if nothing that is named can run it.

        ``in_stack`` is the executor of the block that runs it.
        """
        config, origin = self._preferences.of(network, in_stack)
        formats = set(network.files)
        for known, of, placed in self._chosen:
            if known == config and of == formats:
                return placed
        if config is None:
            placed = self._default(network)
        elif isinstance(config, list | tuple):
            placed = self._listed(config, origin, network)
        else:
            executor, reason, _ = self._tried(config)
            if executor is None:
                raise PluginError(f"{origin}: the executor {_written(config)} {reason}")
            placed = Placed((executor,))
        self._chosen.append((config, formats, placed))
        return placed

    def _tried(self, config: Any) -> tuple[Executor | None, str, bool]:
        """Return an executor that can run here, or why there is none and if it is a mistake.

        An executor that is not installed is absent; a wrong option of one that is, a mistake.
        """
        try:
            executor = self._maker.make(config)
        except ConfigError as error:
            reasons = "; ".join(map(str, error.problems))
            return None, f"cannot be made: {reasons}", self._importable(config)
        except PluginError as error:
            return None, f"cannot be made: {error}", False
        reason = unavailable(executor)
        return (
            (executor, "", False) if reason is None else (None, f"cannot run here: {reason}", False)
        )

    def _importable(self, config: Any) -> bool:
        try:
            self._registry.load(self._registry.find(_name(config), "executor"))
        except PluginError:
            return False
        return True

    def _listed(self, configs: Sequence[Any], origin: str, network: Network) -> Placed:
        """Return those of a list that can run the network; warn of the ones before that cannot."""
        usable: list[Executor] = []
        passed_over: list[str] = []
        for config in configs:
            executor, reason, mistake = self._tried(config)
            if mistake:
                raise PluginError(f"{origin}: the executor {_written(config)} {reason}")
            if executor is not None:
                reason = _no_format(executor, network)
                usable += [] if reason else [executor]
            if reason and not usable:
                passed_over.append(f"{_name(config)}: {reason}")
        if not usable:
            reasons = "; ".join(passed_over) or "the list is empty"
            raise PluginError(f"{origin}: none of the executors can run the networks: {reasons}")
        for reason in passed_over:
            log.warning(
                "executor passed over",
                network=network.qualified_name,
                reason=reason,
                using=type(usable[0]).__name__,
            )
        return Placed(tuple(usable), tuple(passed_over))

    def _default(self, network: Network) -> Placed:
        """Choose an executor if none is named."""
        able: dict[str, list[tuple[bool, str, Executor]]] = defaultdict(list)
        reasons = []
        for r in self._registry.registrations:
            if r.namespace != "executor" or r.status not in ("ok", "ambiguous"):
                continue
            name = r.name if r.usable else f"{r.name}@{r.distribution}"
            try:
                executor = self._maker.make(name)
                reason = unavailable(executor) or _no_format(executor, network)
            except VoxstackError as error:
                executor, reason = None, str(error)
            if executor is None or reason:
                reasons.append(f"{name}: {reason}")
            else:
                able[r.distribution].append((executor.static, name, executor))
        recorded = normalized(self._preferences.recorded)
        owner = recorded if recorded in able else next(iter(able), None)
        if owner is None:
            raise self._none(reasons)
        if owner != recorded and len(able) > 1:
            names = ", ".join(min(found, key=lambda one: one[:2])[1] for found in able.values())
            raise PluginError(
                f"several installed distributions can run the voice's networks: {', '.join(able)}; "
                f"name an executor, for example one of: {names}"
            )
        _, name, executor = min(able[owner], key=lambda one: one[:2])
        log.info("executor chosen", executor=name, network=network.qualified_name)
        return Placed((executor,))

    def _none(self, reasons: list[str]) -> PluginError:
        blocked: dict[str, list[str]] = defaultdict(list)
        for r in self._registry.registrations:
            if r.namespace == "executor" and r.status == "blocked":
                blocked[f"of {r.owner}: {r.reason}, {r.next_step}"].append(r.name)
        told = [f"{', '.join(names)} {why}" for why, names in blocked.items()]
        advice = "; ".join(told) or install_one("executor")
        because = f" ({'; '.join(reasons)})" if reasons else ""
        return PluginError(f"no installed executor can run the voice's networks: {advice}{because}")


def unavailable(executor: Executor) -> str | None:
    """Return the reason why an executor cannot run here, or None."""
    try:
        return executor.available()
    except FAILURES as error:
        return f"its probe failed: {type(error).__name__}: {error}"


def _no_format(executor: Executor, network: Network) -> str:
    if set(executor.formats) & set(network.files):
        return ""
    return f"takes {', '.join(executor.formats)}, not {', '.join(network.files)}"


def _name(config: Any) -> str:
    if isinstance(config, dict):
        config = config.get("type", config)
    return config if isinstance(config, str) else shown(config)


def _written(config: Any) -> str:
    return config if isinstance(config, str) and config else shown(config)
