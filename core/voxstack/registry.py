"""The registry: which names there are, who brings them, and why one cannot be used.

Discovery imports nothing; a component's module is imported when a stack names it. A plugin that
breaks, is blocked or clashes is listed with its reason, and never takes the host down.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from typing import Any, final

import pluggy

from voxstack import hookspecs
from voxstack.components import KINDS, LISTENERS_GROUP, MODULES_GROUP, Component
from voxstack.deprecations import tell_old_group, tell_old_hooks
from voxstack.discovery import EntryPoints, Package, normalised, scan
from voxstack.errors import PluginError, did_you_mean
from voxstack.filters import Blocked, Filter, site_filters
from voxstack.importing import check_requirement, imported, mark_broken
from voxstack.logs import get_logger
from voxstack.plugins.index import where_to_get
from voxstack.registration import Registration, is_target, mark_ambiguous

log = get_logger("registry")

__all__ = ["Filter", "Registration", "Registry"]

# Where what is named in the wrong place belongs, by namespace.
PLACES = {
    "addon": "an addon: give it to --voice",
    "block": "a block: it goes into a stack",
    "executor": 'an executor: name it as "executor" of a block, or with --executor',
    "frontend": 'a frontend: it goes into "frontend"',
    "command": "a command",
}


@final
class Registry:
    """All that the installed packages announce.

    ``filter`` says which packages may bring anything: every one given must let them in;
    ``plugins`` are modules or objects with hooks, registered beside the installed ones;
    ``path`` replaces sys.path for the scan, ``packages`` the scan itself.
    """

    def __init__(
        self,
        filter: Filter | Iterable[Filter] = (),
        plugins: Sequence[Any] = (),
        path: Iterable[str] | None = None,
        packages: Sequence[Package] | None = None,
    ) -> None:
        asked = (filter,) if isinstance(filter, Filter) else filter
        self._filters = (*site_filters(), *asked)
        self.manager = pluggy.PluginManager("voxstack")
        self.manager.add_hookspecs(hookspecs)
        found = scan(path) if packages is None else packages
        self.packages = {package.name: package for package in found}
        self.registrations: list[Registration] = []
        self._pending: list[Registration] = []  # modules with hooks, not imported yet
        self._listeners: list[Registration] = []
        self._lock = threading.RLock()
        entry_points = EntryPoints(self.packages.values())
        self.manager.register(entry_points, "voxstack.discovery.EntryPoints")
        self._collect(entry_points, None)
        for plugin in plugins:
            name = getattr(plugin, "__name__", type(plugin).__name__)
            self._register(plugin, Registration("module", name, name, name, ""))
        for package in self.packages.values():
            self._find_modules(package)
        self._judge()

    # Looking up -----------------------------------------------------------------------------

    def candidates(self, name: str, namespace: str) -> list[Registration]:
        """Give every registration of a name (``Name`` or ``Name@distribution``)."""
        wanted, _, distribution = name.partition("@")
        return [
            r
            for r in self.registrations
            if r.namespace == namespace
            and r.name == wanted
            and (not distribution or normalised(r.distribution) == normalised(distribution))
        ]

    def names(self, namespace: str) -> list[str]:
        """Give the usable names of a namespace, sorted."""
        return sorted({r.name for r in self.registrations if r.namespace == namespace and r.usable})

    def find(self, name: str, namespace: str) -> Registration:
        """Resolve a name; PluginError says why one cannot be used and what to do."""
        with self._lock:
            found = self.candidates(name, namespace)
            if not any(r.status in ("ok", "ambiguous") for r in found) and self._pending:
                self._import_modules()
                found = self.candidates(name, namespace)
        good = [r for r in found if r.usable or (r.status == "ambiguous" and "@" in name)]
        if len({(r.distribution, r.target) for r in good}) == 1:
            tell_old_group(good[0], f"voxstack.{good[0].kind}")
            return good[0]
        if clash := [r for r in found if r.status == "ambiguous"]:
            raise PluginError(clash[0].reason or "", clash[0])
        if found:
            raise PluginError(found[0].refusal(), found[0], found[0].next_step)
        raise self.unknown(name, namespace)

    def load(self, registration: Registration) -> Any:
        """Import a registration's target; PluginError if it breaks, listed from then on."""
        with self._lock:
            if registration.loaded is None:
                self.require(registration)
                try:
                    registration.loaded = imported(registration)
                except PluginError as error:
                    mark_broken(registration, str(error))
            self.require(registration)
            return registration.loaded

    def require(self, registration: Registration) -> None:
        """Check that a registration can be used with this voxstack; PluginError says why not."""
        if registration.loaded is None:
            check_requirement(registration)
        if registration.status in ("broken", "incompatible"):
            raise PluginError(registration.refusal(), registration)

    def unknown(
        self,
        name: str,
        namespace: str,
        called: str | None = None,
        known: Sequence[str] | None = None,
    ) -> PluginError:
        """Say that nobody brings a name, and what to do: where it is to be had, or what is meant.

        ``called`` is what users call it, ``known`` what they may name in its place.
        """
        known = self.names(namespace) if known is None else known
        wanted, _, distribution = name.partition("@")
        message = f"no {called or namespace} {name!r} is installed"
        if distribution and (others := self.candidates(wanted, namespace)):
            there = ", ".join(sorted({f"{r.name}@{r.distribution}" for r in others}))
            return PluginError(message, suggestion=f"there: {there}")
        for package in self.packages.values():
            for group, announced, _, hint in package.unread():
                if announced == wanted:
                    message += f"; {package.name} announces it in {group!r}, a group nobody reads"
                    return PluginError(message, suggestion=hint)
        broken = [r for r in self.registrations if r.kind == "module" and r.status == "broken"]
        message += "".join(f"; {r.distribution} is broken: {r.reason}" for r in broken)
        for place, what in PLACES.items():
            if place != namespace and (others := self.candidates(name, place)):
                message += f"; {name!r} of {others[0].distribution} is {what}"
                return PluginError(message)
        hint = (
            where_to_get(wanted, namespace)
            or did_you_mean(wanted, known)
            or (f"there: {', '.join(known)}" if known else "none is installed: pip install one")
        )
        return PluginError(message, suggestion=hint)

    # Modules with hooks ---------------------------------------------------------------------

    def _blocked(self, distribution: str) -> Blocked | None:
        judged = (one.judge(distribution) for one in self._filters)
        return next((blocked for blocked in judged if blocked), None)

    def _find_modules(self, package: Package) -> None:
        blocked = self._blocked(package.name)
        for group, held in ((MODULES_GROUP, self._pending), (LISTENERS_GROUP, self._listeners)):
            for name, target in package.modules(group):
                module = Registration(
                    "module" if group == MODULES_GROUP else "listener",
                    name,
                    target,
                    package.name,
                    package.version,
                    "dynamic",
                    "imported when a name is not found otherwise"
                    if group == MODULES_GROUP
                    else "imported when the first voice is loaded",
                    package=package,
                )
                self.registrations.append(module)
                if blocked:
                    module.block(blocked)
                else:
                    held.append(module)

    def _import_modules(self) -> None:
        pending, self._pending = self._pending, []
        for module in pending:
            self._import_module(module)
        self._judge()

    def _import_module(self, module: Registration) -> None:
        if module.status != "broken":  # tried out before
            check_requirement(module)
        if module.status in ("broken", "incompatible"):
            return
        try:
            plugin = imported(module)
        except PluginError as error:
            mark_broken(module, str(error))
        else:
            self._register(plugin, module)

    def _register(self, plugin: Any, module: Registration) -> None:
        """Register a plugin's hooks and collect what it announces."""
        try:
            name = self.manager.register(plugin, f"{module.distribution}:{module.name}")
        except (ValueError, pluggy.PluginValidationError) as error:
            mark_broken(module, str(error))
            return
        specs = {name for name in dir(hookspecs) if name.startswith("voxstack_")}
        for caller in self.manager.get_hookcallers(plugin) or ():
            if caller.name not in specs:
                hint = did_you_mean(caller.name, specs) or f"hooks: {', '.join(sorted(specs))}"
                mark_broken(module, f"there is no hook {caller.name!r} ({hint})")
                self.manager.unregister(name=name)
                return
        module.status, module.reason = "ok", None
        tell_old_group(module, LISTENERS_GROUP if module.kind == "listener" else MODULES_GROUP)
        tell_old_hooks(self.manager, plugin, module)
        self._collect(plugin, module)

    def _collect(self, plugin: Any, module: Registration | None) -> None:
        """Ask one plugin for its components; one that breaks is listed, the others are kept."""
        for kind in KINDS.values():
            for implementation in getattr(self.manager.hook, kind.hook).get_hookimpls():
                if implementation.plugin is not plugin:
                    continue
                try:
                    components = list(implementation.function())
                    for component in components:
                        self._add(kind.name, component, module)
                except KeyboardInterrupt:
                    raise
                except BaseException as error:  # SystemExit too
                    if module is None:
                        raise
                    mark_broken(module, f"{kind.hook}() failed: {type(error).__name__}: {error}")

    def _add(self, kind: str, component: Component, module: Registration | None) -> None:
        distribution = module.distribution if module else component.distribution
        package = self.packages.get(distribution)
        registration = Registration(
            kind,
            component.name,
            component.target,
            distribution,
            package.version if package else "",
            options=component.options,
            package=package,
        )
        if blocked := self._blocked(distribution):
            registration.block(blocked)
        elif not is_target(component.target, kind):
            wanted = "a top-level package" if kind == "addons" else "'package.module:Name'"
            registration.status = "broken"
            registration.reason = f"its target is {component.target!r}, expected {wanted}"
        self.registrations.append(registration)

    def _judge(self) -> None:
        """Mark the names that several packages bring, and the packages that cannot be read."""
        mark_ambiguous(self.registrations)
        listed = {id(r.package) for r in self.registrations if r.kind == "package"}
        for package in self.packages.values():
            if package.damage and id(package) not in listed:
                damaged = Registration(
                    "package", "entry_points.txt", "", package.name, package.version
                )
                damaged.status, damaged.reason, damaged.package = "broken", package.damage, package
                self.registrations.append(damaged)

    # Life cycle -----------------------------------------------------------------------------

    def announce(self, hook: str, **arguments: Any) -> None:
        """Call a life-cycle hook; a listener that fails is logged and passed over."""
        if self._listeners:
            with self._lock:
                listeners, self._listeners = self._listeners, []
                for module in listeners:
                    self._import_module(module)
        for implementation in getattr(self.manager.hook, hook).get_hookimpls():
            try:
                implementation.function(*(arguments[name] for name in implementation.argnames))
            except Exception as error:
                log.warning(
                    "listener failed",
                    plugin=implementation.plugin_name,
                    hook=hook,
                    error=f"{type(error).__name__}: {error}",
                )
