"""The registry: which names there are, who provides them, and why one cannot be used.

Discovery imports nothing; a component's module is imported when a stack names it. A plugin that
breaks, is blocked or clashes is listed with its reason, and never takes the host down.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterable, Sequence
from typing import Any, final

import pluggy

from voxstack import hookspecs
from voxstack.errors import PluginError, did_you_mean
from voxstack.hookspecs import KINDS, MODULES_GROUP, OBSERVERS_GROUP, Component, Kind
from voxstack.logs import get_logger
from voxstack.plugins.discovery import Package, known_groups, normalized, scan
from voxstack.plugins.filters import Blocked, Filter, site_filters
from voxstack.plugins.index import where_to_get
from voxstack.plugins.registration import (
    OWN_TARGETS,
    Registration,
    imported,
    is_target,
    mark_ambiguous,
)

log = get_logger("plugins")

# What a name is that was used in the wrong place, by namespace.
PLACES = {
    "addon": "an addon, which is used as a voice",
    "block": "a block, which belongs in a stack",
    "executor": 'an executor, which is named as "executor" of a block or for the whole voice',
    "frontend": 'a frontend, which belongs in "frontend"',
    "format": "a format of network files",
    "command": "a command",
}


@final
class Registry:
    """All that the installed packages announce.

    ``filters`` decide which packages may provide anything: every one must allow them;
    ``plugins`` are modules or objects with hooks, registered beside the installed ones;
    ``packages`` is the result of an earlier scan (default: scan now).
    """

    def __init__(
        self,
        filters: Iterable[Filter] = (),
        plugins: Sequence[Any] = (),
        packages: Iterable[Package] | None = None,
    ) -> None:
        self._filters = (*site_filters(), *filters)
        self.manager = pluggy.PluginManager("voxstack")
        self.manager.add_hookspecs(hookspecs)
        found = scan() if packages is None else packages
        self.packages = {package.name: package for package in found}
        self.registrations: list[Registration] = []
        self._pending: list[Registration] = []  # modules with hooks, not imported yet
        self._observers: list[Registration] = []
        self._lock = threading.RLock()
        for package in self.packages.values():
            for kind, component in package.components():
                self._add(KINDS[kind], component, package.name)
        for plugin in plugins:
            name = getattr(plugin, "__name__", type(plugin).__name__)
            module = Registration("module", f"{name}#{id(plugin)}", name, name, "")
            self._register(plugin, module)
            if module.status == "broken":
                self.registrations.append(module)
        for package in self.packages.values():
            self._add_modules(package)
            if package.damage:
                row = ("package", "entry_points.txt", "", package.name, package.version, "broken")
                self.registrations.append(Registration(*row, package.damage, package=package))
        mark_ambiguous(self.registrations)

    # Looking up -----------------------------------------------------------------------------

    def candidates(self, name: str, namespace: str) -> list[Registration]:
        """Return every registration of a name (``Name`` or ``Name@distribution``)."""
        wanted, _, distribution = name.partition("@")
        return [
            r
            for r in self.registrations
            if r.namespace == namespace
            and r.name == wanted
            and (not distribution or normalized(r.distribution) == normalized(distribution))
        ]

    def names(self, namespace: str) -> list[str]:
        """Return the usable names of a namespace, sorted."""
        return sorted({r.name for r in self.registrations if r.namespace == namespace and r.usable})

    def find(self, name: str, namespace: str) -> Registration:
        """Resolve a name; PluginError says why it cannot be used and what to do."""
        with self._lock:
            found = self.candidates(name, namespace)
            if not any(r.status in ("ok", "ambiguous") for r in found) and self._pending:
                self._import_modules()
                found = self.candidates(name, namespace)
        good = [r for r in found if r.usable or (r.status == "ambiguous" and "@" in name)]
        if len({r.identity for r in good}) == 1:
            return good[0]
        if clash := [r for r in found if r.status == "ambiguous"]:
            raise PluginError(clash[0].reason or "", clash[0])
        if found:
            raise PluginError(found[0].refusal(), found[0], found[0].next_step)
        raise self.unknown(name, namespace)

    def load(self, registration: Registration) -> Any:
        """Import a registration's target; PluginError if it breaks, which is then listed."""
        with self._lock:
            if registration.loaded is None:
                registration.require()
                try:
                    registration.loaded = imported(registration)
                except PluginError as error:
                    registration.mark_broken(str(error))
            registration.require()
            return registration.loaded

    def unknown(
        self, name: str, namespace: str, called: str = "", known: Sequence[str] | None = None
    ) -> PluginError:
        """Return the error for an unknown name, with what to do about it.

        ``called`` is what users call it, ``known`` what they may name instead.
        """
        known = self.names(namespace) if known is None else known
        wanted, _, distribution = name.partition("@")
        message = f"no {called or namespace} {name!r} is installed"
        if distribution and (others := self.candidates(wanted, namespace)):
            there = ", ".join(sorted({f"{r.name}@{r.distribution}" for r in others}))
            return PluginError(message, suggestion=f"installed: {there}")
        groups = known_groups(self.packages.values())
        for package in self.packages.values():
            for group, announced, hint in package.unread(groups):
                if announced == wanted:
                    message += f"; {package.name} announces it in the unknown group {group!r}"
                    return PluginError(message, suggestion=hint)
        broken = [r for r in self.registrations if r.kind == "module" and r.status == "broken"]
        message += "".join(f"; {r.distribution} is broken: {r.reason}" for r in broken)
        for place, what in PLACES.items():
            if place != namespace and (others := self.candidates(name, place)):
                return PluginError(f"{message}; {name!r} of {others[0].distribution} is {what}")
        step = where_to_get(wanted, namespace) or did_you_mean(wanted, known)
        installed = f"installed: {', '.join(known)}" if known else "none is installed"
        return PluginError(message, suggestion=step or installed)

    # Modules with hooks ---------------------------------------------------------------------

    def _blocked(self, distribution: str, target: str) -> Blocked | None:
        if target.startswith(OWN_TARGETS):
            return None
        judged = (one.judge(normalized(distribution)) for one in self._filters)
        return next((blocked for blocked in judged if blocked), None)

    def _add_modules(self, package: Package) -> None:
        for group, kind, waiting, when in (
            (MODULES_GROUP, "module", self._pending, "a name is not found otherwise"),
            (OBSERVERS_GROUP, "observer", self._observers, "the first voice is loaded"),
        ):
            for name, target in package.modules(group):
                row = (kind, name, target, package.name, package.version, "dynamic")
                module = Registration(*row, f"imported when {when}", package=package)
                self.registrations.append(module)
                if blocked := self._blocked(package.name, target):
                    module.block(blocked)
                else:
                    waiting.append(module)

    def _import_modules(self) -> None:
        pending, self._pending = self._pending, []
        for module in pending:
            self._import_module(module)
        mark_ambiguous(self.registrations)

    def _import_module(self, module: Registration) -> None:
        try:
            module.require()
            self._register(imported(module), module)
        except PluginError as error:
            if module.status not in ("broken", "incompatible"):
                module.mark_broken(str(error))

    def _register(self, plugin: Any, module: Registration) -> None:
        """Register a plugin's hooks and collect what it announces."""
        name = f"{module.distribution}:{module.kind}:{module.name}"
        if self.manager.is_registered(plugin):  # one module may be in both groups
            module.status, module.reason = "ok", None
            return
        try:
            self.manager.register(plugin, name)
            self.manager.check_pending()
        except (ValueError, pluggy.PluginValidationError) as error:
            module.mark_broken(self._unknown_hook(plugin) or str(error))
            if self.manager.is_registered(plugin):
                self.manager.unregister(plugin)
            return
        module.status, module.reason = "ok", None
        self._isolate(plugin)
        self._collect(plugin, module)

    def _unknown_hook(self, plugin: Any) -> str | None:
        known = {name for name in dir(hookspecs) if name.startswith("voxstack_")}
        for caller in self.manager.get_hookcallers(plugin) or ():
            if caller.name not in known:
                hint = did_you_mean(caller.name, known, f"hooks: {', '.join(sorted(known))}")
                return f"there is no hook {caller.name!r} ({hint})"
        return None

    def _collect(self, plugin: Any, module: Registration) -> None:
        """Ask one plugin for its components; if it breaks, the components so far are kept."""
        others = [other for other in self.manager.get_plugins() if other is not plugin]
        for kind in KINDS.values():
            ask = self.manager.subset_hook_caller(kind.hook, others)
            try:
                for answer in ask():
                    for component in answer:
                        self._add(kind, component, module.distribution)
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # SystemExit too
                module.mark_broken(f"{kind.hook}() failed: {type(error).__name__}: {error}")

    def _add(self, kind: Kind, component: Component, distribution: str) -> None:
        package = self.packages.get(distribution)
        registration = Registration(
            kind.name,
            component.name,
            component.target,
            distribution,
            package.version if package else "",
            options=component.options,
            package=package,
        )
        if blocked := self._blocked(distribution, component.target):
            registration.block(blocked)
        elif not is_target(component.target, kind.name):
            wanted = "a top-level package" if kind.name == "addons" else "'package.module:Name'"
            registration.status = "broken"
            registration.reason = f"its target is {component.target!r}, expected {wanted}"
        self.registrations.append(registration)

    # Life cycle -----------------------------------------------------------------------------

    def announce(self, hook: str, **arguments: Any) -> None:
        """Call a hook of the life cycle on every observer."""
        with self._lock:  # nobody announces until the observers of the first call are there
            observers, self._observers = self._observers, []
            for module in observers:
                self._import_module(module)
        try:
            getattr(self.manager.hook, hook)(**arguments)
        except Exception as error:  # of a wrapper
            _log_failure(hook, "a wrapper", error)

    def _isolate(self, plugin: Any) -> None:
        """Log the exceptions of a plugin's observers, so that the others are called all the same.

        pluggy ends a call at the first exception; ordering and wrappers stay its own.
        """
        asked = {kind.hook for kind in KINDS.values()}
        for caller in self.manager.get_hookcallers(plugin) or ():
            for hook in caller.get_hookimpls() if caller.name not in asked else ():
                if hook.plugin is plugin and not (hook.wrapper or hook.hookwrapper):
                    hook.function = _logged(hook.function, caller.name, hook.plugin_name)  # type: ignore[misc]


def _logged(function: Any, hook: str, plugin: str) -> Any:
    @functools.wraps(function)
    def call(*arguments: Any) -> Any:
        try:
            return function(*arguments)
        except Exception as error:
            _log_failure(hook, plugin, error)
            return None

    return call


def _log_failure(hook: str, plugin: str, error: Exception) -> None:
    what = f"{type(error).__name__}: {error}"
    log.warning("observer failed", plugin=plugin, hook=hook, error=what)
