"""The registry: which names there are, who brings them, and why one cannot be used.

Discovery imports nothing; a component's module is imported when a stack names it. A plugin that
breaks, is blocked or clashes is listed with its reason, and never takes the host down.
"""

from __future__ import annotations

import importlib
import os
import threading
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, final

import pluggy
from attrs import define, field, frozen

import voxstack
from voxstack import hookspecs
from voxstack.components import KINDS, LISTENERS_GROUP, MODULES_GROUP, Component
from voxstack.deprecations import tell_old_group, tell_old_hooks
from voxstack.discovery import EntryPoints, Package, normalised, scan, well_formed
from voxstack.errors import PluginError, did_you_mean
from voxstack.logs import get_logger
from voxstack.versions import satisfies

log = get_logger("registry")

CALLED = {"addon": "voice"}  # how users call what a namespace holds
ALLOW, BLOCK = "VOXSTACK_ALLOW", "VOXSTACK_BLOCK"
OWN = "voxstack"  # the host's own distribution: the lists of plugins do not touch it


@final
@frozen
class Filter:
    """Which plugins may be used: patterns for distribution names, "acme-*"."""

    allow: tuple[str, ...] = ("*",)
    block: tuple[str, ...] = ()
    origin: str = "the host's settings"  # where the lists were given

    def reason(self, distribution: str) -> str | None:
        """Say why a distribution is blocked, or None."""
        if distribution == OWN:
            return None
        for pattern in self.block:
            if fnmatchcase(distribution, normalised_pattern(pattern)):
                return f"blocked by {pattern!r} in {self.origin}"
        if any(fnmatchcase(distribution, normalised_pattern(p)) for p in self.allow):
            return None
        return f"not in the allow list of {self.origin}"


def site_filter() -> Filter:
    """Read what VOXSTACK_ALLOW and VOXSTACK_BLOCK say, patterns with commas between.

    It holds for every registry of a process, that of the command line's own commands too, over
    whatever lists the host is given.
    """
    given = {
        name: tuple(p.strip() for p in os.environ.get(name, "").split(",") if p.strip())
        for name in (ALLOW, BLOCK)
    }
    return Filter(given[ALLOW] or ("*",), given[BLOCK], f"the variables {ALLOW} and {BLOCK}")


def normalised_pattern(pattern: str) -> str:
    """Spell a pattern as distribution names are compared."""
    return pattern.replace("_", "-").lower()


@final
@define(eq=False)
class Registration:
    """One name that a package announces, and whether it can be used."""

    kind: str
    name: str
    target: str
    distribution: str
    version: str
    status: str = "ok"  # ok, dynamic, blocked, ambiguous, broken or incompatible
    reason: str | None = None
    options: Mapping[str, Any] = field(factory=dict)
    package: Package | None = field(default=None, repr=False)
    loaded: Any = field(default=None, repr=False)  # the target, once it was imported

    @property
    def namespace(self) -> str:
        """Names are unique within it."""
        return KINDS[self.kind].namespace if self.kind in KINDS else "module"

    @property
    def usable(self) -> bool:
        """Tell whether a stack may name it as it stands."""
        return self.status == "ok"

    @property
    def owner(self) -> str:
        """Name its distribution, with the version."""
        return f"{self.distribution} {self.version}".rstrip()

    def refusal(self) -> str:
        """Say why it cannot be used."""
        status = "" if (self.reason or "").startswith(self.status) else f"{self.status}: "
        return f"{self.name!r} of {self.owner} cannot be used: {status}{self.reason}"

    def listing(self) -> dict[str, str | None]:
        """Give the row that ``voxstack plugins --json`` prints."""
        names = ("kind", "name", "target", "distribution", "version", "status", "reason")
        return {name: getattr(self, name) for name in names}


def _is_target(target: str, kind: str) -> bool:
    """Tell a package from a name in one; to locate a package in another would import that."""
    if kind == "addons":
        return well_formed(target) and not {":", "."} & {*target}
    return well_formed(target) and ":" in target


@final
class Registry:
    """All that the installed packages announce.

    ``plugins`` are modules or objects with hooks, registered beside the installed ones;
    ``path`` replaces sys.path for the scan.
    """

    def __init__(
        self,
        filter: Filter = Filter(),
        plugins: Sequence[Any] = (),
        path: Iterable[str] | None = None,
    ) -> None:
        self.filter = filter
        self._site = site_filter()
        self.manager = pluggy.PluginManager("voxstack")
        self.manager.add_hookspecs(hookspecs)
        self.packages = {package.name: package for package in scan(path)}
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
            raise PluginError(found[0].refusal(), found[0])
        raise self._unknown(name, namespace)

    def load(self, registration: Registration) -> Any:
        """Import a registration's target; PluginError if it breaks, listed from then on."""
        with self._lock:
            if registration.loaded is None:
                self.require(registration)
                try:
                    registration.loaded = self._imported(registration)
                except PluginError as error:
                    self._break(registration, str(error))
            self.require(registration)
            return registration.loaded

    def require(self, registration: Registration) -> None:
        """Check that a registration can be used with this voxstack; PluginError says why not."""
        if registration.loaded is None:
            self._check_requirement(registration)
        if registration.status in ("broken", "incompatible"):
            raise PluginError(registration.refusal(), registration)

    def _unknown(self, name: str, namespace: str) -> PluginError:
        known = self.names(namespace)
        kind = CALLED.get(namespace, namespace)
        wanted, _, distribution = name.partition("@")
        message = f"no {kind} {name!r} is installed"
        if distribution and (others := self.candidates(wanted, namespace)):
            there = ", ".join(sorted({f"{r.name}@{r.distribution}" for r in others}))
            return PluginError(message, suggestion=f"there: {there}")
        broken = [r for r in self.registrations if r.kind == "module" and r.status == "broken"]
        message += "".join(f"; {r.distribution} is broken: {r.reason}" for r in broken)
        hint = did_you_mean(wanted, known) or (
            f"there: {', '.join(known)}" if known else "none is installed: pip install one"
        )
        return PluginError(message, suggestion=hint)

    # Importing ------------------------------------------------------------------------------

    def _check_requirement(self, registration: Registration) -> None:
        package = registration.package
        requirement = package.requirement() if package else None
        if requirement and not satisfies(voxstack.__version__, requirement):
            registration.status = "incompatible"
            registration.reason = (
                f"it needs voxstack {requirement}, this is {voxstack.__version__}; "
                f"install another version of {registration.distribution}"
            )

    def _imported(self, registration: Registration) -> Any:
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
            self._check_class(target, base, registration)
        return target

    @staticmethod
    def _check_class(target: Any, base: str, registration: Registration) -> None:
        module, _, name = base.partition(":")
        wanted = getattr(importlib.import_module(module), name)
        if not isinstance(target, type):
            what = f"is a {type(target).__name__}"
        elif not issubclass(target, wanted):
            what = f"is a class that does not extend voxstack.{name}"
        elif not hasattr(target, "__attrs_attrs__"):
            what = "is not an attrs class: decorate it with @attrs.frozen"
        else:
            return
        raise PluginError(
            f"{registration.target!r} {what}; the group voxstack.{registration.kind} takes "
            f"attrs classes that extend voxstack.{name}"
        )

    def _break(self, registration: Registration, reason: str) -> None:
        registration.status, registration.reason = "broken", reason
        log.info("plugin broken", name=registration.name, reason=reason)

    # Modules with hooks ---------------------------------------------------------------------

    def _blocked(self, distribution: str) -> str | None:
        return self._site.reason(distribution) or self.filter.reason(distribution)

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
                    module.status, module.reason = "blocked", blocked
                else:
                    held.append(module)

    def _import_modules(self) -> None:
        pending, self._pending = self._pending, []
        for module in pending:
            self._import_module(module)
        self._judge()

    def _import_module(self, module: Registration) -> None:
        self._check_requirement(module)
        if module.status == "incompatible":
            return
        try:
            plugin = self._imported(module)
        except PluginError as error:
            self._break(module, str(error))
        else:
            self._register(plugin, module)

    def _register(self, plugin: Any, module: Registration) -> None:
        """Register a plugin's hooks and collect what it announces."""
        try:
            name = self.manager.register(plugin, f"{module.distribution}:{module.name}")
        except (ValueError, pluggy.PluginValidationError) as error:
            self._break(module, str(error))
            return
        specs = {name for name in dir(hookspecs) if name.startswith("voxstack_")}
        for caller in self.manager.get_hookcallers(plugin) or ():
            if caller.name not in specs:
                hint = did_you_mean(caller.name, specs) or f"hooks: {', '.join(sorted(specs))}"
                self._break(module, f"there is no hook {caller.name!r} ({hint})")
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
                    self._break(module, f"{kind.hook}() failed: {type(error).__name__}: {error}")

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
            registration.status, registration.reason = "blocked", blocked
        elif not _is_target(component.target, kind):
            wanted = "a top-level package" if kind == "addons" else "'package.module:Name'"
            registration.status = "broken"
            registration.reason = f"its target is {component.target!r}, expected {wanted}"
        self.registrations.append(registration)

    def _judge(self) -> None:
        """Mark the names that several packages bring, and the packages that cannot be read."""
        by_name: dict[tuple[str, str], list[Registration]] = {}
        for registration in self.registrations:
            if registration.status in ("ok", "ambiguous") and registration.kind in KINDS:
                key = (registration.namespace, registration.name)
                by_name.setdefault(key, []).append(registration)
        for (namespace, name), rivals in by_name.items():
            if len({(r.distribution, r.target) for r in rivals}) < 2:
                continue
            for rival in rivals:
                rival.status, rival.reason = "ambiguous", _clash(namespace, name, rivals)
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


def _clash(namespace: str, name: str, rivals: Sequence[Registration]) -> str:
    """Say who brings one name, and how to choose."""
    places = sorted({f"{r.distribution} {r.version}" for r in rivals})
    if len(places) == 1:  # a name with its distribution does not tell them apart
        targets = " and ".join(sorted(repr(r.target) for r in rivals))
        return (
            f"{places[0]} brings the {namespace} {name!r} twice, as {targets}: "
            "tell its authors, and uninstall it or install another version"
        )
    choice = " or ".join(sorted({repr(f"{name}@{r.distribution}") for r in rivals}))
    return f"{' and '.join(places)} both bring the {namespace} {name!r}: name {choice}"
