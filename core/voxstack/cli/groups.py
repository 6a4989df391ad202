"""The door for plugins: their commands in groups of commands, their options on commands.

The packages are scanned once per command: the registry of the first scan is kept in the context.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import takewhile
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

from voxstack.errors import PluginError, VoxstackError, did_you_mean
from voxstack.plugins import read_index, where_to_get

if TYPE_CHECKING:
    from voxstack.plugins import Package, Registration, Registry

# In a command's meta, set by the callbacks of plugins' options: see the docstring of voxstack.cli.
OPEN, ROWS = "voxstack.open", "voxstack.rows"
_REGISTRY, _ADDED = "voxstack.registry", "voxstack.added"

T = TypeVar("T", click.Command, click.Option)


class ReaderGoneError(Exception):
    """The reader of a pipe went away."""


def registry_of(ctx: click.Context) -> Registry:
    """Return the registry in which this command line finds commands and options."""
    if _REGISTRY not in ctx.meta:
        from voxstack.plugins import Registry

        ctx.meta[_REGISTRY] = Registry()
    return cast("Registry", ctx.meta[_REGISTRY])


def packages_of(ctx: click.Context | None) -> list[Package] | None:
    """Return the packages that were scanned for this command line; None if there was no scan."""
    registry: Registry | None = ctx.meta.get(_REGISTRY) if ctx else None
    return list(registry.packages.values()) if registry else None


def provided(ctx: click.Context, name: str, namespace: str, kind: type[T]) -> T:
    """Import a command or an option of a plugin; PluginError if it cannot be used."""
    registry = registry_of(ctx)
    registration = registry.find(name, namespace)
    target = registry.load(registration)
    if not isinstance(target, kind):
        raise PluginError(
            f"the {namespace} {name!r} of {registration.owner} is not a click.{kind.__name__}, "
            f"but of type {type(target).__name__}",
            registration,
        )
    return target


class PluginGroup(click.Group):
    """A group with commands of its own and those of plugins.

    The name of a plugin's command begins with the names of the groups around it, "addon.pack"; a
    group exists as soon as it has a command.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return all command names; plugins' commands after the host's."""
        names = _below(_full(ctx, ""), registry_of(ctx).names("command"))
        return list(dict.fromkeys((*self.commands, *(name.partition(".")[0] for name in names))))

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Return a command, of a plugin if need be; None for an unknown one."""
        if name in self.commands or "." in name:
            return self.commands.get(name)
        registry, full = registry_of(ctx), _full(ctx, name)
        if registry.candidates(full, "command"):
            return provided(ctx, full, "command", click.Command)
        commands = (r.name for r in registry.registrations if r.namespace == "command")
        if below := _below(f"{full}.", commands):
            text = f"Commands of plugins: {', '.join(dict.fromkeys(below))}."
            return PluginGroup(name=name, help=text)
        return None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; an unknown one is refused with the nearest, or where to get it."""
        name = args[0]
        if self.get_command(ctx, name) is None and not name.startswith("-"):
            there = self.list_commands(ctx)
            near = did_you_mean(name, there) or f"there: {', '.join(there)}"
            hint = _where_to_get(_full(ctx, name), args[1:2]) or near
            raise click.UsageError(f"no such command {name!r}; {hint}", ctx)
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; click would end with 1 where the reader of a pipe went away."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            raise ReaderGoneError from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands; a broken one of a plugin is listed with the reason."""
        rows = []
        for name in self.list_commands(ctx):
            try:
                command = self.get_command(ctx, name)
                text = command.get_short_help_str(70) if command else ""
            except VoxstackError as error:
                text = f"(cannot be used: {error})"
            rows.append((name, text))
        with formatter.section("Commands"):
            formatter.write_dl(rows)


class PluginCommand(click.Command):
    """A command to which plugins add options.

    An option is imported when it is given, when another one of its distribution is, or when help
    is asked for. ``advice`` is the next step after an unknown option.
    """

    def __init__(self, *args: Any, advice: str = "--help lists all", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._advice = advice
        self._options = {o for param in self.params for o in (*param.opts, *param.secondary_opts)}

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse with the options of plugins; an unknown one is refused with the next step."""
        words = {word.partition("=")[0] for word in takewhile(lambda word: word != "--", args)}
        helped = not words.isdisjoint(ctx.help_option_names)
        wanted = {word for word in words if word.startswith("--")} - self._options
        if helped or wanted:
            ctx.meta[_ADDED] = list(self._added(ctx, wanted, helped))
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            name = error.option_name
            near = did_you_mean(name, [*self._options, *self._of_plugins(ctx)])
            hint = where_to_get(_full(ctx, name.lstrip("-")), "option") or near or self._advice
            raise click.UsageError(f"no such option {name!r}; {hint}", ctx) from None

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """Return the parameters, those of plugins before --help."""
        params = super().get_params(ctx)
        return [*params[:-1], *ctx.meta.get(_ADDED, ()), params[-1]]

    def _of_plugins(self, ctx: click.Context) -> dict[str, Registration]:
        """Return the options that plugins register for this command, by their names."""
        options = [r for r in registry_of(ctx).registrations if r.namespace == "option"]
        by_name = {f"--{n}": r for r in options for n in _below(_full(ctx, ""), [r.name])}
        return {name: r for name, r in by_name.items() if name not in self._options}

    def _added(self, ctx: click.Context, wanted: set[str], all_: bool) -> Iterator[click.Option]:
        """Import the options that are wanted, and those of the same distributions."""
        found = self._of_plugins(ctx)
        owners = {found[name].distribution for name in wanted & found.keys()}
        for name, registration in found.items():
            if all_ or registration.distribution in owners:
                try:
                    yield self._option(ctx, name, registration)
                except VoxstackError as error:
                    if name in wanted:
                        raise
                    text = f"(cannot be used: {error})"
                    yield click.Option([name], expose_value=False, help=text)

    def _option(self, ctx: click.Context, name: str, registration: Registration) -> click.Option:
        option = provided(ctx, registration.name, "option", click.Option)
        taken = self._options & {*option.opts, *option.secondary_opts}
        if name not in option.opts or taken or option.expose_value:
            raise PluginError(
                f"the option {registration.name!r} of {registration.owner} is not declared as "
                f"{name} with expose_value=False, or has a name of the command's own options",
                registration,
            )
        return option


def _full(ctx: click.Context, name: str) -> str:
    """Return the name by which plugins register what is ``name`` in a group or a command."""
    while ctx.parent is not None:
        name, ctx = f"{ctx.info_name}.{name}", ctx.parent
    return name


def _below(prefix: str, names: Iterable[str]) -> list[str]:
    return [name.removeprefix(prefix) for name in names if name.startswith(prefix)]


def _where_to_get(full: str, rest: Sequence[str]) -> str | None:
    """Return where to get a command, or what belongs to a group of that name."""
    indexed = (e.name for e in read_index() if e.namespace == "command")
    below = (f"{full}.{name}" for name in _below(f"{full}.", indexed))
    steps = (where_to_get(name, "command") for name in (full, ".".join((full, *rest)), *below))
    return next(filter(None, steps), None)
