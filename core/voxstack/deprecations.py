"""How something goes away: a hook, an entry-point group, a name, an option, a function.

What is deprecated works as before; whoever uses it is told once, in the log, by a warning that
names them, the place, the versions and what to use instead.
"""

from __future__ import annotations

import functools
import sys
import threading
import warnings
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, ParamSpec, TypeVar, final

from attrs import field, frozen

from voxstack.logs import get_logger

log = get_logger("stability")

P = ParamSpec("P")
T = TypeVar("T")

_RENAMED, _DEPRECATED = "voxstack.renamed", "voxstack.deprecated"  # keys of an option's metadata


class VoxstackDeprecationWarning(DeprecationWarning):
    """Something is used that goes away; the message says what, when, and what to use instead.

    ``what`` is the thing, ``deprecation`` says when it goes.
    """

    def __init__(self, message: str, what: str, deprecation: Deprecation) -> None:
        super().__init__(message)
        self.what, self.deprecation = what, deprecation


@final
@frozen(kw_only=True)
class Deprecation:
    """That something works still and goes away: for voxstack's own things and for a plugin's.

    Versions are those of the distribution that the thing belongs to. ``instead`` ends the
    warning: "use 'db'". Whoever uses the thing is told once, by a warning in the log. ::

        db: float = field(default=0.0, metadata=GOES.renames("volume"))  # {"volume": 3} works
        curve: str = field(default="", metadata=GOES.option())  # works; its use is told
        deprecated_names = {"Loudness": GOES}  # of the class: {"type": "Loudness"} is told
    """

    since: str  # the version that first tells of it
    removed_in: str  # the version that no longer has it
    instead: str  # what to do: "use 'db'"

    def option(self) -> dict[str, Any]:
        """Give the metadata of an option that goes away."""
        return {_DEPRECATED: self}

    def renames(self, old: str) -> dict[str, Any]:
        """Give the metadata of an option that was called ``old``: both names work."""
        return {_RENAMED: {old: self}}

    def warning(self, what: str) -> VoxstackDeprecationWarning:
        """Give what pluggy's ``warn_on_impl`` and ``warn_on_impl_args`` of a hook take."""
        message = f"{what} is {self.told('voxstack')}"
        return VoxstackDeprecationWarning(message, what, self)

    def function(self, function: Callable[P, T]) -> Callable[P, T]:
        """Decorate a public function that goes away: its callers are told."""
        name = f"{function.__module__}.{function.__qualname__}"

        @functools.wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> T:
            caller = sys._getframe(1)
            place = f"{caller.f_code.co_filename}:{caller.f_lineno}"
            who = str(caller.f_globals.get("__name__", "?"))
            if not _is_told(who, name):
                owner = _owner(function.__module__) or function.__module__
                user = f"{_owner(who) or who}, {place}"
                tell(Notice(who, f"{name}()", owner.partition(" ")[0], self, user), name)
            message = f"{name}() is {self.told(function.__module__.partition('.')[0])}"
            warning = VoxstackDeprecationWarning(message, name, self)
            warnings.warn(warning, stacklevel=2)
            return function(*args, **kwargs)

        return call

    def told(self, owner: str) -> str:
        """Say since when, until when, and what to do."""
        return (
            f"deprecated since {owner} {self.since} and removed in {owner} {self.removed_in}: "
            f"{self.instead}"
        )


# Entry-point groups that were renamed: the old one -> (the one that it is now, what to tell).
RENAMED_GROUPS: Final[dict[str, tuple[str, Deprecation]]] = {}


# Being told -------------------------------------------------------------------------------------


@final
@frozen
class Notice:
    """One use of something that goes away."""

    who: str  # that uses it: a plugin, an addon, a module; told once for each thing
    what: str  # the thing
    owner: str  # the distribution that takes it away
    deprecation: Deprecation
    place: str = field(default="")  # who and where, for people

    def __str__(self) -> str:
        return f"{self.place or self.who}: {self.what} is {self.deprecation.told(self.owner)}"


_told: dict[tuple[str, str], Notice] = {}
_lock = threading.Lock()


def _is_told(who: str, what: str) -> bool:
    return (who, what) in _told


def tell(notice: Notice, key: str = "") -> None:
    """Warn of a use in the log, once in this process for each user and thing."""
    with _lock:
        if _told.setdefault((notice.who, key or notice.what), notice) is not notice:
            return
    log.warning(str(notice))


def notices() -> list[Notice]:
    """Give all that was told in this process, in order."""
    with _lock:
        return list(_told.values())


def _owner(module: str) -> str | None:
    """Name the distribution that a module belongs to, "acme-fx 1.0"; reads all metadata."""
    import importlib_metadata

    top = module.partition(".")[0]
    for name in importlib_metadata.packages_distributions().get(top, ())[:1]:
        return f"{name} {importlib_metadata.version(name)}"
    return None


# Options ----------------------------------------------------------------------------------------


def old_names(option: Any) -> Mapping[str, Deprecation]:
    """Give the names that an option (an attrs field) had, each with what to tell."""
    names: Mapping[str, Deprecation] = option.metadata.get(_RENAMED, {})
    return names


def deprecation_of(option: Any) -> Deprecation | None:
    """Say whether an option goes away."""
    deprecation: Deprecation | None = option.metadata.get(_DEPRECATED)
    return deprecation


def current_names(fields: Iterable[Any]) -> dict[str, str]:
    """Give the old names of the options of a class -> their names now."""
    return {old: option.name for option in fields for old in old_names(option)}


# Hooks and groups -------------------------------------------------------------------------------


def tell_old_hooks(manager: Any, plugin: Any, module: Any) -> None:
    """Warn of the hooks and arguments that a plugin of ``manager`` uses and that go away.

    ``module`` is its registration.
    """
    for caller in manager.get_hookcallers(plugin) or ():
        mine = [i for i in caller.get_hookimpls() if i.plugin is plugin]
        arguments = caller.spec.warn_on_impl_args or {}
        found = [caller.spec.warn_on_impl] if mine else []
        found += [arguments.get(name) for i in mine for name in i.argnames]
        for warning in found:
            if isinstance(warning, VoxstackDeprecationWarning):
                place = f"{module.owner}, {module.target}"
                tell(Notice(module.owner, warning.what, "voxstack", warning.deprecation, place))


def tell_old_group(registration: Any, group: str) -> None:
    """Warn of an entry point that stands in a group which was renamed to ``group``."""
    if registration.package is None:
        return
    written = registration.package.group_of(group, registration.name)
    if written in RENAMED_GROUPS:
        place = f"{registration.owner}, {registration.name} = {registration.target}"
        what = f"the entry-point group {written!r}"
        tell(Notice(registration.owner, what, "voxstack", RENAMED_GROUPS[written][1], place))
